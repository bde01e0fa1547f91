"""The endpoints of hostnames as a test says they are, in front of the real application."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

CHALLENGE = "stowage-challenge=kLm8Qd0pT5xwZr2VYB7uNfJc3HsEaGi1oWq9MtXv6Ry"
TARGET = "fallback.stowage.test"


def a_hostname(name: str, **changes: Any) -> dict[str, Any]:
    """As the api answers for a claim that was just made."""
    return {
        "id": f"id-of-{name}",
        "name": name,
        "unicode_name": name,
        "tenant_id": "t",
        "location_id": "l",
        "state": "requested",
        "explanation": "Set the records below at your DNS provider; they are looked for within "
        "minutes.",
        "hostname_status": None,
        "certificate_status": None,
        "errors": [],
        "warnings": [],
        "records": [
            a_record("TXT", f"_stowage-challenge.{name}", CHALLENGE, "ownership"),
            a_record("CNAME", name, TARGET, "routing"),
        ],
        "http_tokens": [],
        "created_at": "2026-11-25T09:00:00.000Z",
        "proven_at": None,
        "active_at": None,
        "checked_at": None,
        "next_check_at": None,
        "deadline_at": None,
        "revision": 1,
        **changes,
    }


def a_record(kind: str, name: str, value: str, purpose: str, **changes: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "name": name,
        "value": value,
        "purpose": purpose,
        "required": True,
        "state": "unknown",
        "found": [],
        "help": f"Help for {purpose}.",
        **changes,
    }


@dataclass
class FakeHostnames:
    """`app` behind it has everything but hostnames; it says who has a good link."""

    app: ASGIApp
    known: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    bodies: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    checks: list[str] = field(default_factory=list[str])
    refusal: dict[str, Any] | None = None
    """The problem with which the next addition is refused."""
    is_down: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/v1/hostnames"):
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        answer = await self._answer(request)
        answer.headers["cache-control"] = "no-store"
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if self.is_down:
            return JSONResponse({"detail": "The platform could not finish this; try again."}, 503)
        refused = await self._refusal(request)
        if refused is not None:
            return refused
        _, _, rest = request.url.path.partition("/v1/hostnames")
        match request.method, rest.strip("/").split("/"):
            case "GET", [""]:
                return JSONResponse({"hostnames": list(self.known.values()), "next": None})
            case "POST", [""]:
                return self._add(json.loads(await request.body()))
            case "POST", [found, "check"]:
                self.checks.append(found)
                return JSONResponse({"hostname": self.known[found]}, 202)
            case "DELETE", [found]:
                self.known.pop(found, None)
                return Response(status_code=204)
            case _:
                return JSONResponse({"detail": "There is nothing here."}, 404)

    async def _refusal(self, request: Request) -> Response | None:
        """What the real door says of the caller, where that is no."""
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
            sent = {"authorization": request.headers.get("authorization", "")}
            answer = await client.get("/v1/tenant", headers=sent)
        return None if answer.is_success else JSONResponse(answer.json(), answer.status_code)

    def _add(self, body: dict[str, Any]) -> Response:
        self.bodies.append(body)
        if self.refusal is not None:
            return JSONResponse(self.refusal, self.refusal["status"])
        made = a_hostname(body["name"], location_id=body["location_id"])
        self.known[made["id"]] = made
        return JSONResponse({"hostname": made}, 201)

    def change(self, name: str, **changes: Any) -> None:
        """What the jobs find at their next look."""
        self.known[f"id-of-{name}"] |= changes
