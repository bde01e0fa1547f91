"""Puts a repository's missing files where the API said, several at a time."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import httpx

from cli.failures import Failure
from cli.platform_api import Document
from cli.proxies import may_use_proxy
from cli.upload import Advance, chunks, timeouts

_ATTEMPTS = 3
_THERE_ALREADY = 412


class RepositoryUploads:
    """`threads` connections, kept open between files."""

    def __init__(self, threads: int, transport: httpx.BaseTransport | None = None) -> None:
        self._threads = threads
        self._transport = transport
        self._client: httpx.Client | None = None
        self.sent = 0
        """Files."""
        self.sent_bytes = 0
        self._lock = threading.Lock()

    def send(self, puts: Sequence[Document], paths: dict[str, Path], advance: Advance) -> None:
        """Each put as the API described it, of the file that its path names.

        Raises:
            Failure: one of them was refused or broke off more than twice; those that are under
                way end, and no other is begun.
        """
        if not puts:
            return
        if self._client is None:
            self._client = self._connect(str(puts[0]["url"]))
        client = self._client
        stopped = threading.Event()

        def one(put: Document) -> None:
            if stopped.is_set():
                return
            try:
                self._put(client, put, paths[str(put["path"])], advance)
            except BaseException:
                stopped.set()
                raise

        with ThreadPoolExecutor(self._threads) as pool:
            for done in [pool.submit(one, put) for put in puts]:
                done.result()

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def _connect(self, url: str) -> httpx.Client:
        limits = httpx.Limits(max_connections=self._threads)
        return httpx.Client(
            timeout=timeouts(),
            limits=limits,
            transport=self._transport,
            trust_env=may_use_proxy(url),
        )

    def _put(self, client: httpx.Client, put: Document, path: Path, advance: Advance) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            why = self._attempt(client, put, path)
            if why is None:
                break
            if attempt == _ATTEMPTS:
                raise Failure(
                    f"Sending {put['path']} failed: {why}. Run the same command again: it goes on "
                    "where this one stopped, and readers see nothing of it."
                )
        size = path.stat().st_size
        advance(size)
        with self._lock:
            self.sent += 1
            self.sent_bytes += size

    def _attempt(self, client: httpx.Client, put: Document, path: Path) -> str | None:
        """Why it failed, where trying again may help; None once it lies there.

        Raises:
            Failure: the storage refused it.
        """
        headers = cast("dict[str, str]", put["headers"])
        try:
            # The length is among the signed headers; with it given, httpx does not send chunks.
            response = client.put(str(put["url"]), content=chunks(path), headers=headers)
        except httpx.HTTPError as error:
            return f"{type(error).__name__}: {error}"
        if response.is_success or response.status_code == _THERE_ALREADY:
            return None
        said = f"the storage answered {response.status_code}: {response.text[:300]}"
        if response.status_code < 500:
            raise Failure(f"Sending {put['path']} failed: {said}. Did the file change meanwhile?")
        return said
