"""The public DNS by DNS over HTTPS (RFC 8484), asked of several resolvers at once."""

import asyncio
import base64
from collections.abc import Sequence

from functions.adapters.cloudflare.dns_messages import (
    MEDIA_TYPE,
    MOST_BYTES,
    UnusableMessageError,
    question,
    records,
)
from functions.core.answers import read_body
from functions.ports.fetch import Fetch, FetchError, FetchRequest
from functions.ports.name_resolver import DnsAnswer, RecordType
from functions.ports.object_store import ObjectStoreError

SECONDS = 5.0
"""Of one resolver; a name whose servers do not answer takes most of them this long."""


class DohResolver:
    """`urls` as RFC 8484 means them, without `?`; all of them must agree."""

    def __init__(self, fetch: Fetch, urls: Sequence[str]) -> None:
        self._fetch = fetch
        self._urls = tuple(urls)

    async def look(self, name: str, kind: RecordType) -> DnsAnswer:
        answers = await asyncio.gather(*(self._ask(url, name, kind) for url in self._urls))
        usable = [answer for answer in answers if answer is not None]
        if len(usable) != len(answers):
            return DnsAnswer("unavailable")
        distinct = set(usable)
        if len(distinct) > 1:
            seen = {value for values in distinct for value in values}
            return DnsAnswer("disagree", tuple(sorted(seen)))
        (values,) = distinct
        return DnsAnswer("records", values) if values else DnsAnswer("none")

    async def _ask(self, url: str, name: str, kind: RecordType) -> tuple[str, ...] | None:
        """None: no usable answer."""
        try:
            encoded = base64.urlsafe_b64encode(question(name, kind)).rstrip(b"=").decode()
            request = FetchRequest("GET", f"{url}?dns={encoded}", {"accept": MEDIA_TYPE})
            async with asyncio.timeout(SECONDS):
                return records(await self._read(request), name, kind)
        except (TimeoutError, FetchError, ObjectStoreError, UnusableMessageError, ValueError):
            return None

    async def _read(self, request: FetchRequest) -> bytes:
        response = await self._fetch(request)
        if response.status != 200:
            await response.close()
            raise UnusableMessageError(f"it was answered with {response.status}")
        data = await read_body(response, MOST_BYTES)
        if data is None:
            raise UnusableMessageError("it is longer than a DNS message can be")
        return data
