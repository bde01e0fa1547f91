"""What holds for every request, whatever its endpoint: size and type of the body, HEAD and OPTIONS,
headers of every answer, and that no failure shows its inside.

Rules:
1. A body has at most `MAX_BODY_BYTES`: one that says more is refused unread, one that has more is
refused while it is read. 2. A body that is read is `application/json`. 3. HEAD is GET without the
body. OPTIONS answers with `Allow`. 4. Answers are not stored and not sniffed. 5. An exception that
nothing else has turned into an answer is logged and becomes a 500 problem.
"""

import logging
from collections.abc import Callable
from email.message import Message as MediaType

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.entrypoints.http_api.problem_answers import (
    internal_problem,
    problem_answer,
    status_problem,
)

log = logging.getLogger("stowage.api")

MAX_BODY_BYTES = 65_536
"""No request of the api needs more than a few hundred bytes; packages do not pass through it."""


class Door:
    """`allowed` gives the methods that a path takes; none where there is no such path."""

    def __init__(self, app: ASGIApp, allowed: Callable[[str], frozenset[str]]) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send, without_body=scope["method"] == "HEAD")
        at_once = self._at_once(scope)
        if at_once is not None:
            await at_once(scope, receive, answer.send)
            return
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        try:
            await self._app(scope, _limited(scope, receive), answer.send)
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            if not answer.started:
                await problem_answer(internal_problem(), scope["path"])(scope, receive, answer.send)

    def _at_once(self, scope: Scope) -> Response | None:
        """The answer to a request that need not reach the application."""
        path: str = scope["path"]
        if _content_length(scope) > MAX_BODY_BYTES:
            return problem_answer(status_problem(413), path)
        methods = self._allowed(path)
        if not methods:
            return problem_answer(status_problem(404), path)
        known = methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set[str]())
        allow = {"allow": ", ".join(sorted(known))}
        if scope["method"] == "OPTIONS":
            return Response(status_code=204, headers=allow)
        if scope["method"] not in known:
            return problem_answer(status_problem(405), path, allow)
        return None


class _Answer:
    def __init__(self, send: Send, *, without_body: bool) -> None:
        self._send = send
        self._without_body = without_body
        self.started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            headers["cache-control"] = "no-store"
            headers["x-content-type-options"] = "nosniff"
        elif self._without_body:
            message = {**message, "body": b""}
        await self._send(message)


def _limited(scope: Scope, receive: Receive) -> Receive:
    media_type = MediaType()
    media_type["content-type"] = Headers(scope=scope).get("content-type", "")
    is_json = media_type.get_content_type() == "application/json"
    total = 0

    async def receive_within_limits() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > MAX_BODY_BYTES:
            raise HTTPException(413)
        if total and not is_json:
            raise HTTPException(415)
        return message

    return receive_within_limits


def _content_length(scope: Scope) -> int:
    """What the request says of its body; 0 where it says nothing that is a number."""
    said = Headers(scope=scope).get("content-length", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 19 else 0
