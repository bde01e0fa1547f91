"""What holds for every request, whatever its endpoint: size and type of the body, HEAD and OPTIONS,
headers of every answer, and that no failure shows its inside.

Rules:
1. A body has at most the bytes that its endpoint takes: one that says more is refused unread, one
that has more is refused while it is read. 2. A body that is read is of a type that its endpoint
takes. 3. HEAD is GET without the body. OPTIONS answers with `Allow`. 4. Answers are not stored,
unless the endpoint says how they may be, and not sniffed. 5. An exception that nothing else has
turned into an answer is logged and becomes a 500 problem.
"""

import logging
from collections.abc import Callable
from email.message import Message as MediaType

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.entrypoints.http_api.bodies import BodyRule
from functions.entrypoints.http_api.problem_answers import (
    BodyRefusedError,
    internal_problem,
    problem_answer,
    status_problem,
)

log = logging.getLogger("stowage.api")


class Door:
    """`allowed` gives the methods that a path takes, none where there is no such path; `body_rule`
    what the body of a method and path may be."""

    def __init__(
        self,
        app: ASGIApp,
        allowed: Callable[[str], frozenset[str]],
        body_rule: Callable[[str, str], BodyRule],
    ) -> None:
        self._app = app
        self._allowed = allowed
        self._body_rule = body_rule

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send, without_body=scope["method"] == "HEAD")
        rule = self._body_rule(scope["method"], scope["path"])
        at_once = self._at_once(scope, rule)
        if at_once is not None:
            await at_once(scope, receive, answer.send)
            return
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        try:
            await self._app(scope, _limited(scope, receive, rule), answer.send)
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            if not answer.started:
                await problem_answer(internal_problem(), scope["path"])(scope, receive, answer.send)

    def _at_once(self, scope: Scope, rule: BodyRule) -> Response | None:
        """The answer to a request that need not reach the application."""
        path: str = scope["path"]
        if _content_length(scope) > rule.max_bytes:
            return problem_answer(rule.too_large(), path)
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
            headers.setdefault("cache-control", "no-store")
            headers["x-content-type-options"] = "nosniff"
        elif self._without_body:
            message = {**message, "body": b""}
        await self._send(message)


def _limited(scope: Scope, receive: Receive, rule: BodyRule) -> Receive:
    media_type = MediaType()
    media_type["content-type"] = Headers(scope=scope).get("content-type", "")
    is_taken = media_type.get_content_type() in rule.media_types
    total = 0

    async def receive_within_limits() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > rule.max_bytes:
            raise BodyRefusedError(rule.too_large())
        if total and not is_taken:
            raise BodyRefusedError(rule.unsupported())
        return message

    return receive_within_limits


def _content_length(scope: Scope) -> int:
    """What the request says of its body; 0 where it says nothing that is a number."""
    said = Headers(scope=scope).get("content-length", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 19 else 0
