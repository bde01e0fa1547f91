"""Calls on one bucket: signed, sent, refused in the port's terms, and tried again where that is
safe and only there."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from functions.adapters.s3.bucket import Call, S3Bucket
from functions.adapters.s3.documents import MAX_BYTES, error_document
from functions.adapters.s3.errors import RepeatRefusedError, error_of
from functions.adapters.s3.retries import Retries, seconds_of
from functions.core.answers import read_body
from functions.ports.fetch import Fetch, FetchError, FetchResponse
from functions.ports.object_store import (
    ObjectStoreError,
    PreconditionFailedError,
    UnavailableError,
)

if TYPE_CHECKING:
    from functions.ports.clock import Clock
    from functions.ports.entropy import Entropy

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that was read to its end."""

    status: int
    headers: Mapping[str, str]
    data: bytes


@dataclass(frozen=True, slots=True)
class S3Connection:
    bucket: S3Bucket
    fetch: Fetch
    clock: "Clock"
    entropy: "Entropy"
    retries: Retries = field(default_factory=Retries)
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep

    async def open(self, call: Call) -> FetchResponse:
        """An answer with one of `call.answers` and its body unread, which the caller reads or
        closes.

        Raises: UnavailableError, and what `errors` makes of a refusal.
        """
        return await self._call(call, _as_it_is)

    async def read(self, call: Call) -> Answer:
        """The same with the body read. Raises also: ObjectStoreError for one that is too large."""
        return await self._call(call, _read)

    async def _call(self, call: Call, finish: Callable[[FetchResponse], Awaitable[T]]) -> T:
        seconds = self.retries.deadline(call.length)
        ends_at = self.clock.now_ms() + seconds * 1000
        try:
            async with asyncio.timeout(seconds):
                return await self._attempts(call, finish, ends_at)
        except TimeoutError as error:
            raise UnavailableError(f"{call.subject}: no answer within {seconds:g} s") from error

    async def _attempts(
        self, call: Call, finish: Callable[[FetchResponse], Awaitable[T]], ends_at: float
    ) -> T:
        attempt = 1
        while True:
            try:
                return await self._once(call, finish)
            except UnavailableError as error:
                wait = self.retries.wait(attempt, self._chance(), error.retry_after_seconds)
                is_last = attempt >= self.retries.attempts
                if is_last or not call.is_repeatable or self._now() + wait * 1000 >= ends_at:
                    raise
            except PreconditionFailedError as error:
                if attempt > 1:
                    raise RepeatRefusedError(str(error)) from error
                raise
            await self.sleep(wait)
            attempt += 1

    async def _once(self, call: Call, finish: Callable[[FetchResponse], Awaitable[T]]) -> T:
        try:
            response = await self.fetch(self.bucket.request(call, self._now()))
        except FetchError as error:
            raise UnavailableError(f"{call.subject}: {error}") from error
        if response.status in call.answers:
            return await finish(response)
        raise await _refusal(call, response)

    def _now(self) -> int:
        return self.clock.now_ms()

    def _chance(self) -> float:
        return int.from_bytes(self.entropy.token_bytes(4)) / 2**32


async def _as_it_is(response: FetchResponse) -> FetchResponse:
    return response


async def _read(response: FetchResponse) -> Answer:
    data = await read_body(response, MAX_BYTES)
    if data is None:
        raise ObjectStoreError(f"the storage's answer has more than {MAX_BYTES} bytes")
    return Answer(response.status, response.headers, data)


async def _refusal(call: Call, response: FetchResponse) -> ObjectStoreError:
    try:
        document = error_document((await _read(response)).data)
    except ObjectStoreError:
        # The status alone must do.
        document = None
    error = error_of(call.subject, response.status, document)
    if isinstance(error, UnavailableError):
        error.retry_after_seconds = seconds_of(response.headers.get("retry-after"))
    return error
