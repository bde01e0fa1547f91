"""What a storage makes of the presigned PUTs that the API hands out: one object of exactly those
bytes, once. A suite is a subclass with the fixture `target`; it leaves a case out only by
overriding it, with the reason in its place."""

import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest

from functions.adapters.local.clock import FixedClock
from functions.core.presign import PresignedPut, PresignSettings, presign_upload
from functions.core.version_records import Upload, Version
from functions.ports.object_store import ObjectReader, StoredObject
from tests.contracts.object_store import content_of, run
from tests.functions.core.world import World

CONTENT = b"the one and only package" * 1000
OTHER = b"another package, as long" * 1000
SECONDS = 900


@dataclass(frozen=True)
class Target:
    """The uploads bucket of a storage: how it is written to, and how it is looked into."""

    settings: PresignSettings
    reader: ObjectReader


@dataclass(frozen=True)
class Offer:
    """A presigned PUT of CONTENT as a developer gets it."""

    target: Target
    put: PresignedPut
    key: str

    def send(
        self,
        content: bytes = CONTENT,
        *,
        method: str = "PUT",
        url: str | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> int:
        """The status. `headers` replace its own; None leaves one out."""
        changed = {**self.put.headers, **(headers or {})}
        sent = {name: value for name, value in changed.items() if value is not None}
        answer = httpx.request(
            method, url or self.put.url, content=content, headers=sent, trust_env=False, timeout=60
        )
        return answer.status_code

    def stored(self) -> bytes | None:
        async def read() -> bytes | None:
            found = await self.target.reader.get(self.key)
            return await content_of(found) if isinstance(found, StoredObject) else None

        return run(read())


def offer(target: Target, *, seconds_ago: int = 0) -> Offer:
    now = time.time_ns() // 1_000_000 - seconds_ago * 1000
    world = World(clock=FixedClock(now))

    async def created() -> tuple[Version, Upload, bool]:
        caller = await world.developer()
        await world.app(caller)
        return await world.create(caller, CONTENT)

    try:
        version, upload, _ = run(created())
    finally:
        world.close()
    put = presign_upload(target.settings, upload, version, now, SECONDS)
    return Offer(target, put, upload.object_key)


class PresignedPutContract:
    def test_the_announced_package_arrives(self, target: Target) -> None:
        given = offer(target)
        assert given.send() == 200
        assert given.stored() == CONTENT

    def test_a_url_that_is_over_is_refused(self, target: Target) -> None:
        given = offer(target, seconds_ago=SECONDS + 60)
        assert given.send() == 403
        assert given.stored() is None

    def test_a_forged_signature_is_refused(self, target: Target) -> None:
        given = offer(target)
        last = given.put.url[-1]
        forged = given.put.url[:-1] + ("0" if last != "0" else "1")
        assert given.send(url=forged) == 403
        longer = given.put.url.replace(f"X-Amz-Expires={SECONDS}", "X-Amz-Expires=86400")
        assert longer != given.put.url
        assert given.send(url=longer) == 403
        assert given.send(url=f"{given.put.url}&x-id=PutObject") == 403
        assert given.stored() is None

    @pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"!", b""])
    def test_another_length_is_refused(self, target: Target, content: bytes) -> None:
        given = offer(target)
        assert given.send(content, headers={"content-length": str(len(content))}) == 403
        assert given.stored() is None

    def test_another_type_is_refused(self, target: Target) -> None:
        given = offer(target)
        assert given.send(headers={"content-type": "text/html"}) == 403
        assert given.send(headers={"content-type": None}) == 403
        assert given.stored() is None

    def test_other_bytes_of_the_same_length_are_refused(self, target: Target) -> None:
        given = offer(target)
        assert given.send(OTHER) == 400
        assert given.stored() is None

    def test_another_promise_or_none_is_refused(self, target: Target) -> None:
        given = offer(target)
        assert given.send(OTHER, headers={"x-amz-checksum-sha256": "A" * 43 + "="}) == 403
        assert given.send(OTHER, headers={"x-amz-checksum-sha256": None}) == 403
        assert given.send(headers={"if-none-match": None}) == 403
        assert given.stored() is None

    def test_another_key_is_refused(self, target: Target) -> None:
        given, other = offer(target), offer(target)
        path = urlsplit(given.put.url).path
        elsewhere = given.put.url.replace(path, urlsplit(other.put.url).path)
        assert given.send(url=elsewhere) == 403
        assert other.stored() is None

    def test_another_method_is_refused(self, target: Target) -> None:
        given = offer(target)
        assert given.send() == 200
        for method in ("GET", "HEAD", "DELETE"):
            assert given.send(method=method) == 403
        assert given.stored() == CONTENT

    @pytest.mark.parametrize("name", ["x-amz-meta-stowage-sha256", "x-amz-acl", "x-amz-tagging"])
    def test_a_header_that_was_not_signed_is_refused(self, target: Target, name: str) -> None:
        given = offer(target)
        # The proxy that plays B2 answers 400 to tags itself.
        assert given.send(headers={name: "public-read"}) in (400, 403)
        assert given.stored() is None

    def test_a_second_time_is_refused(self, target: Target) -> None:
        given = offer(target)
        assert given.send() == 200
        assert given.send() == 412
        assert given.send(OTHER) in (400, 412)
        assert given.stored() == CONTENT

    def test_a_client_that_goes_away_leaves_nothing(self, target: Target) -> None:
        given = offer(target)
        parts = urlsplit(given.put.url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=60)
        connection.putrequest("PUT", f"{parts.path}?{parts.query}")
        for name, value in given.put.headers.items():
            connection.putheader(name, value)
        connection.endheaders(CONTENT[:-100])
        connection.close()
        assert given.stored() is None
        # Nor does it come later: the URL is still good for the whole.
        assert given.send() == 200
        assert given.stored() == CONTENT
