"""A package on disk: its size and hash, and what its manifest says about itself."""

import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from cli.failures import UsageFailure

_CHUNK = 1024 * 1024
_MAX_MANIFEST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PackageFile:
    """A package as it will be sent."""

    path: Path
    size: int
    sha256: str
    manifest: dict[str, object]
    """Empty when the file has none that can be read: the platform then says what is wrong with
    it."""


def read_package(path: Path) -> PackageFile:
    """Hashes a file and reads `manifest.json` at its root.

    Raises:
        UsageFailure: there is no such file, or it is empty.
    """
    digest = hashlib.sha256()
    size = 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
    except OSError as error:
        raise UsageFailure(f"{path} cannot be read: {error.strerror or error}.") from error
    if size == 0:
        raise UsageFailure(f"{path} is empty.")
    return PackageFile(path, size, digest.hexdigest(), _manifest(path))


def _manifest(path: Path) -> dict[str, object]:
    try:
        with zipfile.ZipFile(path) as archive, archive.open("manifest.json") as entry:
            document = cast("object", json.loads(entry.read(_MAX_MANIFEST_BYTES)))
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, NotImplementedError, RuntimeError):
        return {}
    return cast("dict[str, object]", document) if isinstance(document, dict) else {}
