"""The daemon's control routes about the DNS: what people and tests write into it."""

from dataclasses import asdict
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local.dns.messages import resource_records
from local.dns.records import DnsRecords, Record, RecordError
from local.request_body import json_object

Json = dict[str, Any]


class DnsControl:
    def __init__(self, records: DnsRecords) -> None:
        self._records = records

    def routes(self) -> list[Route]:
        return [
            Route("/_dns/records", self.list_records, methods=["GET"]),
            Route("/_dns/records", self.put_records, methods=["PUT"]),
            Route("/_dns/records", self.delete_records, methods=["DELETE"]),
            Route("/_dns/faults", self.plan_fault, methods=["PUT"]),
            Route("/_dns/faults", self.clear_faults, methods=["DELETE"]),
        ]

    async def list_records(self, _: Request) -> JSONResponse:
        return JSONResponse(
            {
                "records": [asdict(one) for one in self._records.all()],
                "faults": [
                    {"name": one.name, "kind": one.kind, "resolver": one.resolver}
                    for one in self._records.faults()
                ],
            }
        )

    async def put_records(self, request: Request) -> JSONResponse:
        """`{name, type, values, ttl?}`: in place of what the name has of this type."""
        body = await json_object(request)
        try:
            name, kind = str(body["name"]), str(body["type"])
            values = [str(one) for one in cast("list[object]", body["values"])]
            ttl = int(body.get("ttl", 60))
            for value in values:
                resource_records(Record(name, kind.upper(), value, ttl))
            self._records.put(name, kind, values, ttl)
        except (KeyError, TypeError, ValueError) as error:
            return _refused(error)
        return JSONResponse({})

    async def delete_records(self, request: Request) -> JSONResponse:
        """`?name=&type=`"""
        name = request.query_params.get("name")
        if not name:
            return _refused(RecordError("name is missing"))
        self._records.delete(name, request.query_params.get("type"))
        return JSONResponse({})

    async def plan_fault(self, request: Request) -> JSONResponse:
        """`{name, kind, resolver?}`"""
        body = await json_object(request)
        try:
            self._records.plan(str(body["name"]), str(body["kind"]), body.get("resolver"))
        except (KeyError, ValueError) as error:
            return _refused(error)
        return JSONResponse({})

    async def clear_faults(self, request: Request) -> JSONResponse:
        self._records.clear_faults(request.query_params.get("name"))
        return JSONResponse({})


def _refused(error: Exception) -> JSONResponse:
    missing = f"{error} is missing" if isinstance(error, KeyError) else str(error)
    return JSONResponse({"error": missing}, 400)
