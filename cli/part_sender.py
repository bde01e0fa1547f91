"""Sends several parts of a file at a time, each again where it did not get through."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import cast

import httpx

from cli.failures import Failure
from cli.platform_api import Document, PlatformApi
from cli.upload import CHUNK, Advance

_ATTEMPTS = 6
"""Of one part: with the waits between them, a line may be away for half a minute."""
_FIRST_WAIT_SECONDS = 1.0
_GRACE_SECONDS = 2.0
_FORBIDDEN, _NOT_FOUND = 403, 404
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})


def signed_part(api: PlatformApi, path: str, number: int) -> Document:
    """A fresh request for one part of the upload at `path`."""
    return cast("Document", api.post(f"{path}/parts/{number}")["part"])


def read_part(file: Path, number: int, size: int, part_size: int) -> Iterator[bytes]:
    """The bytes of the part in the file."""
    with file.open("rb") as opened:
        opened.seek((number - 1) * part_size)
        while size and (chunk := opened.read(min(CHUNK, size))):
            size -= len(chunk)
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
        """All of them. Raises the first failure, or the KeyboardInterrupt; what is under way then
        gets a moment to end and is not waited for: a line that stalls would hold it up."""
        waiting, done = SimpleQueue[Document](), SimpleQueue[BaseException | None]()
        for part in parts:
            waiting.put(part)
        workers = [
            threading.Thread(target=self._work, args=(waiting, done), daemon=True)
            for _ in range(min(threads, len(parts)))
        ]
        for worker in workers:
            worker.start()
        try:
            self._await(done, len(parts))
        except BaseException:
            self.stop.set()
            for worker in workers:
                worker.join(_GRACE_SECONDS / len(workers))
            raise

    def _await(self, done: "SimpleQueue[BaseException | None]", parts: int) -> None:
        for _ in range(parts):
            failure = done.get()
            if failure is not None:
                raise failure

    def _work(
        self, waiting: "SimpleQueue[Document]", done: "SimpleQueue[BaseException | None]"
    ) -> None:
        while True:
            try:
                part = waiting.get_nowait()
            except Empty:
                return
            try:
                self._try(part)
            except BaseException as failure:
                # Told before the others stop because of it, and stopped here and not where it is
                # noticed: the others would begin another part until then.
                done.put(failure)
                self.stop.set()
                return
            # Here, because whoever interrupts may do so before the other thread has noticed.
            with self.lock:
                self.arrived += 1
            done.put(None)

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
        number, size = cast("int", part["number"]), cast("int", part["size"])

        def body() -> Iterator[bytes]:
            nonlocal sent
            for chunk in read_part(self.file, number, size, self.part_size):
                if self.stop.is_set():
                    raise _StoppedError
                yield chunk
                sent += len(chunk)
                self.advance(len(chunk))

        headers = cast("dict[str, str]", part["headers"])
        is_sent = False
        try:
            # The length is among the signed headers; with it given, httpx does not send chunks.
            response = self.client.put(str(part["url"]), content=body(), headers=headers)
            is_sent = response.is_success
        finally:
            if not is_sent:
                self.advance(-sent)
        return response
