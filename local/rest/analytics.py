"""Analytics Engine's SQL endpoint, over the data points that the Workers wrote.

Unlike the rest of the API it has no envelope: a table as ClickHouse's JSON, or a line of text with
what is wrong.
"""

import time
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from local.analytics_sql import ShowTables, SqlRefusedError, translated
from local.data_points import DataPoints, Table

MOST_BYTES = 100_000
"""Of a query."""
_TYPES = {
    "BOOLEAN": "UInt8",
    "INTEGER": "Int32",
    "UINTEGER": "UInt32",
    "BIGINT": "Int64",
    "HUGEINT": "UInt64",
    "DOUBLE": "Float64",
    "TIMESTAMP": "DateTime",
    "VARCHAR": "String",
}
# As ClickHouse does it: JavaScript could not hold them.
_AS_TEXT = {"Int64", "UInt64"}

Json = dict[str, Any]


class AnalyticsEndpoint:
    def __init__(self, points: DataPoints) -> None:
        self._points = points

    def routes(self) -> list[Route]:
        path = "/client/v4/accounts/{account}/analytics_engine/sql"
        return [Route(path, self.sql, methods=["POST"])]

    async def sql(self, request: Request) -> Response:
        text = (await request.body())[: MOST_BYTES + 1]
        if len(text) > MOST_BYTES:
            return PlainTextResponse(f"A query has at most {MOST_BYTES} bytes.", 413)
        # Imported here, as where it is opened: it is slow to load.
        import duckdb

        try:
            datasets = await self._points.datasets()
            query = translated(text.decode(errors="replace"), datasets, int(time.time() * 1000))
            if isinstance(query, ShowTables):
                rows = [(name,) for name in datasets]
                return JSONResponse(_answer(Table(("dataset",), ("VARCHAR",), rows)))
            return JSONResponse(_answer(await self._points.select(query)))
        except SqlRefusedError as error:
            return PlainTextResponse(str(error), 422)
        except duckdb.Error as error:
            return PlainTextResponse(f"The query failed: {error}", 422)


def _answer(table: Table) -> Json:
    types = [_type(one) for one in table.types]
    meta = [{"name": name, "type": kind} for name, kind in zip(table.columns, types, strict=True)]
    data = [
        {
            name: _value(value, kind)
            for name, value, kind in zip(table.columns, row, types, strict=True)
        }
        for row in table.rows
    ]
    return {
        "meta": meta,
        "data": data,
        "rows": len(data),
        "rows_before_limit_at_least": len(data),
    }


def _type(duckdb_type: str) -> str:
    # Literals with a point are decimals there.
    return "Float64" if duckdb_type.startswith("DECIMAL") else _TYPES.get(duckdb_type, "String")


def _value(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if kind in _AS_TEXT:
        return str(value)
    return float(value) if kind == "Float64" else value
