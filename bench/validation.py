"""Validating a package by range reads: what it reads beyond the pass that hashes the whole object,
and its time against `zipfile.testzip` (which unpacks every entry in memory) and against a full
extraction to a folder.

    python -m bench.validation [--megabytes 50]

Checked before it is timed: the package has no problems, and `testzip` finds none either.
"""

import argparse
import asyncio
import hashlib
import json
import random
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.comparison import Comparison, compare, show
from functions.core.validation import check_archive

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Shape:
    """A package of files of `size` bytes, of which the share `noise` does not compress."""

    name: str
    size: int
    noise: float
    method: int


SHAPES = (
    Shape("five large files, compressed", 10 * MB, 0.9, zipfile.ZIP_DEFLATED),
    Shape("files of 100 kB, compressed", 100_000, 0.5, zipfile.ZIP_DEFLATED),
    Shape("files of 100 kB, stored", 100_000, 1, zipfile.ZIP_STORED),
    # So small that reading all of it costs a store less than many calls would.
    Shape("files of 10 kB, compressed", 10_000, 0.5, zipfile.ZIP_DEFLATED),
)


class Source:
    """A package on disk, read by ranges that are counted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size
        self.calls = 0
        self.bytes_read = 0

    async def read(self, offset: int, length: int) -> bytes:
        self.calls += 1
        self.bytes_read += length
        with self._path.open("rb") as file:
            file.seek(offset)
            return file.read(length)


def make_package(path: Path, shape: Shape, total: int) -> int:
    """Packs files until the package has at least `total` bytes; gives the number of entries."""
    count = 0
    with zipfile.ZipFile(path, "w", shape.method) as archive:
        archive.writestr("manifest.json", json.dumps({"id": "org.example.bench"}))
        while path.stat().st_size < total:
            count += 1
            generator = random.Random(count)  # noqa: S311  (no secret: the same bytes each time)
            noise = generator.randbytes(int(shape.size * shape.noise))
            text = b"%d lines of text\n" % count * shape.size
            archive.writestr(f"assets/{count}.bin", noise + text[: shape.size - len(noise)])
    return count + 1


def validate(path: Path) -> Source:
    source = Source(path)
    problems = asyncio.run(check_archive(source.read, source.size))
    if problems:
        raise SystemExit(f"the package is to be sound: {problems}")
    return source


def hash_all(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        if archive.testzip() is not None:
            raise SystemExit("the package is to be sound")


def extract(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path) as archive:
        archive.extractall(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=50, help="size of each package")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    cost = Table("package", "entries", "bytes", "read beyond the hash pass", "", "calls")
    comparisons: list[Comparison] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "package.mosis"
        for shape in SHAPES:
            entries = make_package(path, shape, given.megabytes * MB)
            source = validate(path)
            share = source.bytes_read / source.size
            numbers = (entries, source.size, source.bytes_read)
            cost.add_row(
                shape.name, *(f"{n:,}" for n in numbers), f"{share:.2%}", f"{source.calls}"
            )
            ours = ("check_archive", lambda: validate(path))
            for peer in (
                ("SHA-256 of all bytes", lambda: hash_all(path)),
                ("zipfile.testzip", lambda: test(path)),
                ("zipfile.extractall", lambda: extract(path)),
            ):
                comparisons.append(compare(shape.name, ours, peer, rounds=given.rounds))
            path.unlink()
    Console().print(cost)
    show(comparisons)


if __name__ == "__main__":
    main()
