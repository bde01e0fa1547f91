"""Sends several parts of a file at a time, each again where it did not get through."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import httpx

from cli.failures import Failure
from cli.platform_api import Document, PlatformApi
from cli.upload import CHUNK, Advance

_ATTEMPTS = 6
"""Of one part: with the waits between them, a line may be away for half a minute."""
_FIRST_WAIT_SECONDS = 1.0
_FORBIDDEN, _NOT_FOUND = 403, 404
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})


def signed_part(api: PlatformApi, path: str, number: int) -> Document:
    """A fresh request for one part of the upload at `path`."""
    return cast("Document", api.post(f"{path}/parts/{number}")["part"])


def read_part(file: Path, part: Document, part_size: int) -> Iterator[bytes]:
    """The bytes of the part in the file."""
    left = cast("int", part["size"])
    with file.open("rb") as opened:
        opened.seek((cast("int", part["number"]) - 1) * part_size)
        while left and (chunk := opened.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk


class _StoppedError(Exception):
    """Another part failed, or the person at the terminal had enough."""


@dataclass
class PartSender:
    api: PlatformApi
    client: httpx.Client
    path: str
    file: Path
    part_size: int
    advance: Advance
    arrived: int
    """How many parts are there by now."""
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, parts: Sequence[Document], threads: int) -> None:
        """All of them, or the first failure."""
        pool = ThreadPoolExecutor(threads)
        try:
            for done in as_completed([pool.submit(self._send, part) for part in parts]):
                done.result()
                self.arrived += 1
        except BaseException:
            self.stop.set()
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def _send(self, part: Document) -> None:
        try:
            self._try(part)
        except BaseException:
            # Here and not where it is noticed: this thread would begin another part until then.
            self.stop.set()
            raise

    def _try(self, part: Document) -> None:
        wait, why = _FIRST_WAIT_SECONDS, ""
        for attempt in range(_ATTEMPTS):
            if self.stop.is_set():
                raise _StoppedError
            if attempt:
                # Always: what a storage says of an expired URL does not get through every proxy.
                part = signed_part(self.api, self.path, cast("int", part["number"]))
            try:
                response = self._put(part)
            except httpx.HTTPError as error:
                why = f"{type(error).__name__}: {error}"
            else:
                if response.is_success:
                    return
                why = f"{response.status_code}: {response.text[:500]}"
                if response.status_code == _FORBIDDEN:
                    # Most likely the URL's time is over.
                    continue
                if response.status_code not in _AGAIN:
                    raise Failure(self._refusal(part, response.status_code, why))
            self.stop.wait(wait)
            wait *= 2
        raise Failure(
            f"Part {part['number']} of {self.file.name} did not get through, {_ATTEMPTS} times "
            f"({why}). Run the same command again: it goes on from the parts that arrived."
        )

    def _refusal(self, part: Document, status: int, why: str) -> str:
        if status == _NOT_FOUND:
            return (
                f"The upload of {self.file.name} was completed or aborted by somebody else. Run "
                "the same command again: it goes on from what is there."
            )
        return f"The storage refused part {part['number']} of {self.file.name} ({why})"

    def _put(self, part: Document) -> httpx.Response:
        sent = 0

        def body() -> Iterator[bytes]:
            nonlocal sent
            for chunk in read_part(self.file, part, self.part_size):
                if self.stop.is_set():
                    raise _StoppedError
                yield chunk
                sent += len(chunk)
                self._advance(len(chunk))

        headers = cast("dict[str, str]", part["headers"])
        is_sent = False
        try:
            # The length is among the signed headers; with it given, httpx does not send chunks.
            response = self.client.put(str(part["url"]), content=body(), headers=headers)
            is_sent = response.is_success
        finally:
            if not is_sent:
                self._advance(-sent)
        return response

    def _advance(self, count: int) -> None:
        with self.lock:
            self.advance(count)
