"""What the validation of a package costs, beyond the pass over all its bytes that hashes it.

For packages of several shapes: the calls of the store and the bytes that `check_archive` reads, and
its time against `zipfile.testzip` (which unpacks everything in memory) and against an extraction to
a folder. Each time is the best of several runs.
"""

import argparse
import asyncio
import hashlib
import io
import json
import random
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from functions.core.validation import check_archive

MB = 1_000_000


@dataclass(frozen=True)
class Shape:
    """Files of `size` bytes, of which the first part, as large as `noise` says, does not
    compress."""

    name: str
    size: int
    noise: float
    method: int


SHAPES = (
    Shape("five large files, compressed", 10 * MB, 0.9, zipfile.ZIP_DEFLATED),
    Shape("files of 100 kB, compressed", 100_000, 0.5, zipfile.ZIP_DEFLATED),
    Shape("files of 100 kB, stored", 100_000, 1, zipfile.ZIP_STORED),
    Shape("files of 10 kB, compressed", 10_000, 0.5, zipfile.ZIP_DEFLATED),
)


@dataclass(frozen=True)
class Result:
    shape: str
    package_bytes: int
    entries: int
    calls: int
    bytes_read: int
    """Beyond the hash pass."""
    seconds: float
    hash_seconds: float
    testzip_seconds: float
    extract_seconds: float

    @property
    def share(self) -> float:
        return self.bytes_read / self.package_bytes


class Source:
    """A package on disk, read by ranges that are counted."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.size = path.stat().st_size
        self.calls = 0
        self.bytes_read = 0

    async def read(self, offset: int, length: int) -> bytes:
        self.calls += 1
        self._file.seek(offset)
        data = self._file.read(length)
        self.bytes_read += len(data)
        return data

    def close(self) -> None:
        self._file.close()


def make_package(path: Path, shape: Shape, total: int) -> int:
    """Packs files until the package has at least `total` bytes; gives their number."""
    count = 0
    with zipfile.ZipFile(path, "w", shape.method) as archive:
        archive.writestr("manifest.json", json.dumps({"id": "org.example.bench"}))
        while path.stat().st_size < total:
            count += 1
            generator = random.Random(count)  # noqa: S311  (no secret: the same bytes each time)
            noise = generator.randbytes(int(shape.size * shape.noise))
            filling = (b"%d lines of text\n" % count) * shape.size
            archive.writestr(f"assets/{count}.bin", noise + filling[: shape.size - len(noise)])
    return count + 1


def measure(path: Path, shape: Shape, entries: int, runs: int) -> Result:
    sources: list[Source] = []

    def validate() -> None:
        source = Source(path)
        problems = asyncio.run(check_archive(source.read, source.size))
        source.close()
        if problems:
            raise SystemExit(f"{shape.name}: {problems}")
        sources.append(source)

    def hash_all() -> None:
        with path.open("rb") as file:
            hashlib.file_digest(file, "sha256")

    def test() -> None:
        with zipfile.ZipFile(path) as archive:
            archive.testzip()

    def extract() -> None:
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path) as archive:
            archive.extractall(folder)

    seconds = best(validate, runs)
    return Result(
        shape=shape.name,
        package_bytes=path.stat().st_size,
        entries=entries,
        calls=sources[-1].calls,
        bytes_read=sources[-1].bytes_read,
        seconds=seconds,
        hash_seconds=best(hash_all, runs),
        testzip_seconds=best(test, runs),
        extract_seconds=best(extract, runs),
    )


def best(work: Callable[[], None], runs: int) -> float:
    def times() -> Iterator[float]:
        for _ in range(runs):
            start = time.perf_counter()
            work()
            yield time.perf_counter() - start

    return min(times())


def report(results: list[Result]) -> str:
    out = io.StringIO()
    for result in results:
        out.write(
            f"{result.shape}: {result.package_bytes / MB:.0f} MB in {result.entries} entries\n"
            f"  beyond the hash pass: {result.bytes_read / 1000:,.0f} kB "
            f"({result.share:.2%}) in {result.calls} calls\n"
            f"  time: {result.seconds * 1000:.0f} ms; "
            f"the hash pass takes {result.hash_seconds / result.seconds:.1f} times that, "
            f"zipfile.testzip {result.testzip_seconds / result.seconds:.1f}, "
            f"an extraction {result.extract_seconds / result.seconds:.1f}\n"
        )
    return out.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=50, help="size of each package")
    parser.add_argument("--runs", type=int, default=3, help="each time is the best of so many")
    parser.add_argument("--json", action="store_true", help="write the numbers as JSON")
    given = parser.parse_args()
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as folder, suppress(KeyboardInterrupt):
        for shape in SHAPES:
            path = Path(folder) / "package.mosis"
            entries = make_package(path, shape, given.megabytes * MB)
            results.append(measure(path, shape, entries, given.runs))
            path.unlink()
    if given.json:
        print(json.dumps([asdict(result) | {"share": result.share} for result in results]))
    else:
        print(report(results), end="")


if __name__ == "__main__":
    main()
