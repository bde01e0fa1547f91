"""Uploaded modules by SHA-256, and the packs that workerd reads them from."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from local.home import CloudError


class Blobs:
    """Immutable content, named by its SHA-256 in hex."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> str:
        """Keeps the content and gives its name. The same content again changes nothing."""
        name = hashlib.sha256(content).hexdigest()
        if not (self._folder / name).exists():
            _write(self._folder / name, content)
        return name

    def get(self, name: str) -> bytes:
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError as error:
            raise CloudError(
                f"The uploaded module {name} is gone from {self._folder}. Deploy again with "
                "`stowage up` after `make clean-cloud`."
            ) from error

    def keep_only(self, names: Iterable[str]) -> None:
        """Deletes everything else."""
        kept = set(names)
        for path in self._folder.iterdir():
            if path.name not in kept:
                path.unlink(missing_ok=True)


def write_pack(path: Path, modules: list[tuple[str, bytes]]) -> None:
    """Modules (name, content) in one file: 4 bytes with the index's length (big endian), the index
    as JSON `[[name, offset, length]]` with offsets from its end, then the contents.
    """
    index: list[tuple[str, int, int]] = []
    offset = 0
    for name, content in modules:
        index.append((name, offset, len(content)))
        offset += len(content)
    head = json.dumps(index).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, b"".join([len(head).to_bytes(4, "big"), head, *(data for _, data in modules)]))


def _write(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(name).replace(path)
