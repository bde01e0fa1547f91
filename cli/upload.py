"""Sends a file to a presigned URL, with exactly the headers that were signed, and shows how far it
is."""

import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from cli.console import Terminal
from cli.failures import Failure
from cli.proxies import may_use_proxy

CHUNK = 256 * 1024
_PRECONDITION_FAILED = 412
_CONNECT_SECONDS = 15.0
_STALL_SECONDS = 120.0
"""Without a byte taken or given; a large file on a slow line takes longer as a whole."""
_LINES = 10
"""How many lines of progress a pipe gets."""

Advance = Callable[[int], None]


def send(
    terminal: Terminal,
    path: Path,
    size: int,
    url: str,
    headers: Mapping[str, str],
    transport: httpx.BaseTransport | None = None,
) -> bool:
    """PUTs the file. Gives False when the storage says that this upload has arrived before.

    Raises:
        Failure: the storage refused it or the connection broke.
    """
    try:
        with (
            progress(terminal, path.name, size) as advance,
            httpx.Client(
                timeout=timeouts(), transport=transport, trust_env=may_use_proxy(url)
            ) as client,
        ):
            # The length is among the signed headers; with it given, httpx does not send chunks.
            response = client.put(url, content=_read(path, advance), headers=dict(headers))
    except httpx.HTTPError as error:
        raise Failure(
            f"Sending {path.name} broke off ({type(error).__name__}: {error}). Run the same "
            "command again: it takes up the same upload."
        ) from error
    if response.status_code == _PRECONDITION_FAILED:
        return False
    if not response.is_success:
        raise Failure(
            f"The storage refused {path.name} ({response.status_code}): {response.text[:500]}"
        )
    return True


def timeouts() -> httpx.Timeout:
    """Of anything that is sent to a storage."""
    return httpx.Timeout(_STALL_SECONDS, connect=_CONNECT_SECONDS)


@contextmanager
def progress(terminal: Terminal, name: str, size: int) -> Generator[Advance]:
    """Gives a function that takes the bytes sent (less than none where they go again), from any
    thread: a bar on a terminal, a few lines in a pipe."""
    if terminal.is_live:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
        )
        with Progress(*columns, console=terminal.progress_console) as bar:
            task = bar.add_task(name, total=size)
            yield lambda count: bar.update(task, advance=count)
        return
    yield _lines(terminal, name, size)


def _lines(terminal: Terminal, name: str, size: int) -> Advance:
    sent = 0
    said = 0
    # Several files may be sent at a time.
    lock = threading.Lock()

    def advance(count: int) -> None:
        nonlocal sent, said
        with lock:
            sent += count
            part = sent * _LINES // max(size, 1)
            if part > said:
                said = part
                terminal.say(f"  {name}: {100 * sent // max(size, 1)} % of {size / 1e6:.1f} MB")

    return advance


def _read(path: Path, advance: Advance) -> Iterator[bytes]:
    for chunk in chunks(path):
        yield chunk
        advance(len(chunk))


def chunks(path: Path) -> Iterator[bytes]:
    """The bytes of a file."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
