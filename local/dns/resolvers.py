"""DNS over HTTPS on the daemon, as public resolvers offer it: RFC 8484 by GET and POST, and the
JSON form. Anybody may ask, as there."""

import asyncio
import base64
import binascii

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from local.dns.messages import answered, as_json, type_name
from local.dns.records import RESOLVERS, DnsRecords

PATH = "/dns"
MESSAGE = "application/dns-message"
DOCUMENT = "application/dns-json"
_SILENT_SECONDS = 30
"""How long a planned time-out keeps whoever asks; everybody has given up by then."""
_LOOK_SECONDS = 0.1


class Resolvers:
    def __init__(self, records: DnsRecords) -> None:
        self._records = records

    def routes(self) -> list[Route]:
        path = f"{PATH}/{{resolver:int}}/dns-query"
        return [
            Route(path, self.get, methods=["GET"]),
            Route(path, self.post, methods=["POST"]),
        ]

    async def get(self, request: Request) -> Response:
        if "dns" not in request.query_params:
            return await self._document(request)
        try:
            text = request.query_params["dns"]
            packet = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (binascii.Error, ValueError):
            return PlainTextResponse("dns is not base64url.\n", 400)
        return await self._message(request, packet)

    async def post(self, request: Request) -> Response:
        if request.headers.get("content-type") != MESSAGE:
            return PlainTextResponse(f"The content type must be {MESSAGE}.\n", 415)
        return await self._message(request, await request.body())

    async def _message(self, request: Request, packet: bytes) -> Response:
        resolver = request.path_params["resolver"]
        if resolver not in RESOLVERS:
            return PlainTextResponse("There is no such resolver.\n", 404)
        if len(packet) < 12:
            return PlainTextResponse("This is no DNS message.\n", 400)
        answer = answered(self._records, packet, resolver)
        return await _silence(request) if answer is None else Response(answer, media_type=MESSAGE)

    async def _document(self, request: Request) -> Response:
        resolver, name = request.path_params["resolver"], request.query_params.get("name")
        kind = type_name(request.query_params.get("type", "A"))
        if resolver not in RESOLVERS:
            return PlainTextResponse("There is no such resolver.\n", 404)
        if not name or kind is None:
            return JSONResponse({"error": "name and a type of the DNS are needed"}, 400)
        answer = self._records.resolve(name, kind, resolver)
        if answer.outcome == "timeout":
            return await _silence(request)
        return JSONResponse(as_json(name, kind, answer), media_type=DOCUMENT)


async def _silence(request: Request) -> Response:
    for _ in range(int(_SILENT_SECONDS / _LOOK_SECONDS)):
        if await request.is_disconnected():
            break
        await asyncio.sleep(_LOOK_SECONDS)
    return PlainTextResponse("The servers of the name do not answer.\n", 504)
