"""A storage that answers from a script, and the store that speaks to it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from functions.adapters.local.clock import FixedClock
from functions.adapters.local.entropy import SeededEntropy
from functions.adapters.s3.bucket import S3Bucket
from functions.adapters.s3.connection import S3Connection
from functions.adapters.s3.multipart import S3MultipartStore
from functions.adapters.s3.retries import Retries
from functions.core.sigv4 import Credentials
from functions.core.storages import PROFILES, StorageProfile
from functions.ports.fetch import FetchError, FetchRequest
from functions.ports.object_store import Body, UnavailableError

SECRET = "the-secret-of-this-test"
ORIGIN_SECRET = "the-origin-secret-of-this-test"


@dataclass
class Answer:
    """Of the storage. `breaks`: its body breaks off at the end."""

    status: int
    data: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    breaks: bool = False
    is_closed: bool = False

    @property
    def body(self) -> Body:
        return self

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.data
        if self.breaks:
            raise UnavailableError("the body broke off")

    async def close(self) -> None:
        self.is_closed = True


def refusal(status: int, code: str, **headers: str) -> Answer:
    document = f"<Error><Code>{code}</Code><Message>no</Message></Error>"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, document.encode(), named)


def found(content: bytes = b"hello", /, **headers: str) -> Answer:
    """What GET and HEAD of an object answer."""
    given = {
        "content-length": str(len(content)),
        "etag": '"an-etag"',
        "last-modified": "Sat, 31 Jan 2026 12:00:00 GMT",
    }
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(200, content, given | named)


NO_CONNECTION = FetchError("ConnectError: refused")
SLOW_DOWN = refusal(503, "SlowDown")


@dataclass
class Storage:
    """Answers one request after another from `script`; None hangs until it is cancelled."""

    profile: StorageProfile = PROFILES["minio"]
    script: list[Answer | FetchError | None] = field(
        default_factory=list["Answer | FetchError | None"]
    )
    retries: Retries = field(default_factory=Retries)
    clock: FixedClock = field(default_factory=FixedClock)
    requests: list[FetchRequest] = field(default_factory=list[FetchRequest])
    waits: list[float] = field(default_factory=list[float])
    cancelled: int = 0

    async def fetch(self, request: FetchRequest) -> Answer:
        self.requests.append(request)
        answer = self.script.pop(0)
        if answer is None:
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled += 1
        if isinstance(answer, FetchError):
            raise answer
        assert answer is not None
        if request.body is not None and not isinstance(request.body, bytes):
            async for _ in request.body:
                pass
        return answer

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.clock.advance(milliseconds=int(seconds * 1000))

    @property
    def connection(self) -> S3Connection:
        bucket = S3Bucket(
            self.profile,
            "https://storage.stowage.test",
            "us-east-1",
            "a-bucket",
            Credentials("an-id", SECRET),
            ORIGIN_SECRET,
        )
        return S3Connection(
            bucket, self.fetch, self.clock, SeededEntropy(), self.retries, self.sleep
        )

    @property
    def store(self) -> S3MultipartStore:
        return S3MultipartStore(self.connection)

    def methods(self) -> list[str]:
        return [request.method for request in self.requests]
