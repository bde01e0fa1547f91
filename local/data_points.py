"""Data points of Analytics Engine's datasets, in DuckDB: they outlive reloads of workerd and
restarts of the daemon, and are kept for three months as on Cloudflare."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import duckdb

_SCHEMA = """
CREATE TABLE IF NOT EXISTS data_point (
    dataset VARCHAR NOT NULL,
    written_at BIGINT NOT NULL,
    index1 VARCHAR NOT NULL,
    blobs VARCHAR[] NOT NULL,
    doubles DOUBLE[] NOT NULL
);
"""
# Nothing but the file itself is ever opened, whatever a query says.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "memory_limit": "256MB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "enable_external_access": False,
}
KEPT_MS = 92 * 86_400_000
"""developers.cloudflare.com/analytics/analytics-engine/limits: three months."""
BLOBS = 20
DOUBLES = 20

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DataPoint:
    at: int
    """Milliseconds since the epoch."""
    index: str
    blobs: tuple[str, ...]
    doubles: tuple[float, ...]

    @classmethod
    def of(cls, given: Json) -> "DataPoint":
        """Raises: KeyError, TypeError, ValueError."""
        indexes = cast("list[str]", given["indexes"])
        blobs = tuple(str(one) for one in cast("list[object]", given["blobs"]))
        doubles = tuple(float(one) for one in cast("list[float]", given["doubles"]))
        return cls(int(given["at"]), str(indexes[0]) if indexes else "", blobs, doubles)


@dataclass(frozen=True, slots=True)
class Table:
    """What a query gave."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    """DuckDB's."""
    rows: Sequence[tuple[Any, ...]]


class DataPoints:
    """DuckDB and its file are opened when they are first needed. All of it runs in other threads,
    one at a time."""

    def __init__(
        self, path: Path, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    ) -> None:
        self._path = path
        self._now = now_ms
        self._lock = threading.Lock()
        self._open: duckdb.DuckDBPyConnection | None = None

    async def add(self, dataset: str, points: Sequence[DataPoint]) -> None:
        """All of them or none."""
        await asyncio.to_thread(self._add, dataset, points)

    async def datasets(self) -> list[str]:
        """Those that a point was written to, by name."""
        found = await asyncio.to_thread(
            self._select, "SELECT DISTINCT dataset FROM data_point ORDER BY dataset"
        )
        return [str(row[0]) for row in found.rows]

    async def select(self, sql: str) -> Table:
        """The rows of a SELECT over `data_point`.

        Raises: duckdb.Error.
        """
        return await asyncio.to_thread(self._select, sql)

    async def close(self) -> None:
        with self._lock:
            if self._open is not None:
                self._open.close()
            self._open = None

    def _connection(self) -> "duckdb.DuckDBPyConnection":
        # Imported here: it would cost the daemon's start a tenth of a second.
        import duckdb

        if self._open is None:
            self._open = duckdb.connect(str(self._path), config=_CONFIG)
            self._open.execute(_SCHEMA)
            self._open.execute(
                "DELETE FROM data_point WHERE written_at < ?", [self._now() - KEPT_MS]
            )
        return self._open

    def _add(self, dataset: str, points: Sequence[DataPoint]) -> None:
        with self._lock:
            self._connection().execute(
                "INSERT INTO data_point SELECT ?, unnest(?::BIGINT[]), unnest(?::VARCHAR[]),"
                " unnest(?::VARCHAR[][]), unnest(?::DOUBLE[][])",
                [
                    dataset,
                    [point.at for point in points],
                    [point.index for point in points],
                    [list(point.blobs) for point in points],
                    [list(point.doubles) for point in points],
                ],
            )

    def _select(self, sql: str) -> Table:
        with self._lock:
            cursor = self._connection().execute(sql)
            described = cursor.description or []
            return Table(
                tuple(str(one[0]) for one in described),
                tuple(str(one[1]) for one in described),
                cursor.fetchall(),
            )
