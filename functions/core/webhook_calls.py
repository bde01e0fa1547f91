"""One call of a webhook: a POST within a time limit, and what its answer means."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from functions.core.webhook_signatures import signed_headers
from functions.ports.fetch import FetchError, FetchRequest
from functions.ports.object_store import ObjectStoreError

if TYPE_CHECKING:
    from functions.ports.fetch import Fetch, FetchResponse

TIMEOUT_SECONDS = 15
"""Standard Webhooks recommends 15 to 30."""
MAX_ANSWER_BYTES = 1024
"""What is kept of an answer's body, and only where it was no success."""
GONE = 410
_SECONDS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Receiver:
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    """Each signs; without any, nothing is signed."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Further ones."""


def alert_receiver(url: str, secret: str | None) -> Receiver:
    """The operator's webhook. It also gets Cloudflare's own alerts, which carry the secret in a
    header, so ours do as well; whoever would rather check a signature can."""
    if secret is None:
        return Receiver(url, ())
    return Receiver(url, (secret,), {"cf-webhook-auth": secret})


@dataclass(frozen=True, slots=True)
class Answer:
    status: int | None
    """None: none came."""
    problem: str | None = None
    """None: the receiver has taken it (2xx)."""
    retry_after_seconds: int = 0
    """What the receiver asked for."""

    @property
    def is_taken(self) -> bool:
        return self.problem is None

    @property
    def is_gone(self) -> bool:
        """It wants nothing more of us."""
        return self.status == GONE


async def call(
    fetch: "Fetch", receiver: Receiver, message_id: str, body: bytes, now_ms: int
) -> Answer:
    """Once; no redirect is followed. Never raises for what the receiver does. After an answer that
    says that none came, it may have taken the body all the same."""
    request = FetchRequest(
        "POST",
        receiver.url,
        {
            "content-type": "application/json",
            "user-agent": "stowage-webhooks",
            **receiver.headers,
            **signed_headers(receiver.secrets, message_id, now_ms, body),
        },
        body,
        len(body),
    )
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await _answer(await fetch(request))
    except TimeoutError:
        return Answer(None, f"no answer within {TIMEOUT_SECONDS} s")
    except FetchError as error:
        return Answer(None, f"no answer: {str(error)[:MAX_ANSWER_BYTES]}")


async def _answer(response: "FetchResponse") -> Answer:
    status = response.status
    if 200 <= status < 300:
        await response.close()
        return Answer(status)
    text = await _beginning(response)
    asked = _SECONDS.fullmatch(response.headers.get("retry-after", ""))
    said = f": {text}" if text else ""
    return Answer(status, f"answered {status}{said}", int(asked[0]) if asked else 0)


async def _beginning(response: "FetchResponse") -> str:
    """How the body begins, for people: one line, without what cannot be printed."""
    data = bytearray()
    try:
        async for chunk in response.body:
            data += chunk
            if len(data) >= MAX_ANSWER_BYTES:
                break
    except ObjectStoreError:
        # The status alone must do.
        data.clear()
    finally:
        await response.close()
    text = bytes(data[:MAX_ANSWER_BYTES]).decode("utf-8", "ignore")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
