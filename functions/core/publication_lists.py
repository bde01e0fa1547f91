"""The list of a publication's files: its order, its pages and its digest. Pure.

1. The files that never change come first, then the index files; each in order of the path's bytes.
   So whoever sends the pages in order sends packages and by-hash files before what names them.
2. A page holds `PAGE_FILES` files, the last one the rest. The same files always give the same
   pages.
3. The digest of a list is the SHA-256 of a line `{sha256} {size} {path}` for each file.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

from functions.core import catalog, repository_paths
from functions.core.fields import Collector

PAGE_FILES = 500
MAX_FILES = 50_000
MAX_FILE_BYTES = 5 * 1024**3
"""R2 takes at most 5 GiB in one PUT (developers.cloudflare.com/r2/platform/limits)."""
MOST_PROBLEMS = 50
"""Of one answer."""
BY_HASH = "by-hash"


@dataclass(frozen=True, slots=True)
class ListedFile:
    path: str
    size: int
    sha256: str
    """Lower-case hex."""

    @property
    def is_immutable(self) -> bool:
        return catalog.is_immutable(self.path)

    @property
    def order(self) -> tuple[bool, bytes]:
        return (not self.is_immutable, self.path.encode())

    def key(self, s3_prefix: str, generation: int | None) -> str:
        return catalog.RepositoryFile("", s3_prefix, self.path, generation).key


def page_count(file_count: int) -> int:
    return -(-file_count // PAGE_FILES)


def pages(files: Sequence[ListedFile]) -> Iterator[Sequence[ListedFile]]:
    """`files` in their order."""
    for start in range(0, len(files), PAGE_FILES):
        yield files[start : start + PAGE_FILES]


def digest(files: Iterable[ListedFile]) -> str:
    """Lower-case hex; `files` in their order."""
    found = hashlib.sha256()
    for file in files:
        found.update(f"{file.sha256} {file.size} {file.path}\n".encode())
    return found.hexdigest()


def check_page(files: Sequence[ListedFile], s3_prefix: str, number: int) -> None:
    """Raises: ProblemError 422 with what is wrong with the files of one page."""
    found = Collector()
    if not 1 <= len(files) <= PAGE_FILES:
        found.add("/files", f"must hold 1 to {PAGE_FILES} files")
    before: ListedFile | None = None
    for index, file in enumerate(files):
        if len(found.errors) >= MOST_PROBLEMS:
            break
        where = f"/files/{index}"
        wrong = repository_paths.complaint(file.path)
        if wrong is not None:
            found.add(f"{where}/path", wrong)
            continue
        _check_file(found, where, file, s3_prefix, number)
        if before is not None and file.order <= before.order:
            found.add(f"{where}/path", "must come behind the one before it; see the order of lists")
        before = file
    found.check()


def _check_file(
    found: Collector, where: str, file: ListedFile, s3_prefix: str, number: int
) -> None:
    if len(file.key(s3_prefix, number).encode()) > catalog.MAX_KEY_BYTES:
        found.add(f"{where}/path", f"gives a key of more than {catalog.MAX_KEY_BYTES} bytes")
    found.integer(file.size, 0, MAX_FILE_BYTES, f"{where}/size")
    found.sha256(file.sha256, f"{where}/sha256")
    *folder, name = file.path.split("/")
    if folder[-2:] == [BY_HASH, "SHA256"] and name != file.sha256:
        found.add(f"{where}/path", "is named by another SHA-256 than the file has")


def check_whole(files: Sequence[ListedFile]) -> None:
    """Raises: ProblemError 422 where a file is another's folder, which some storages cannot keep,
    or one is listed twice."""
    found = Collector()
    for before, file in pairwise(files):
        if file.order <= before.order:
            found.add("/files", f"'{file.path}' is listed twice or out of order")
    paths = {file.path for file in files}
    for file in files:
        for folder in folders(file.path):
            if folder in paths and len(found.errors) < MOST_PROBLEMS:
                found.add("/files", f"'{folder}' is a file and the folder of '{file.path}'")
    found.check()


def folders(path: str) -> Iterator[str]:
    """Every folder that a path lies in, without a final slash."""
    place = path.find("/")
    while place >= 0:
        yield path[:place]
        place = path.find("/", place + 1)


def page_text(files: Sequence[ListedFile]) -> bytes:
    """As an object of the bucket."""
    return _json({"files": [_row(file) for file in files]})


def read_page(content: bytes) -> list[ListedFile]:
    """Raises: ValueError, KeyError or TypeError where it is none of ours."""
    rows = cast("list[tuple[str, int, str]]", json.loads(content)["files"])
    return [ListedFile(path, size, sha256) for path, size, sha256 in rows]


def manifest_text(number: int, files: Sequence[ListedFile]) -> bytes:
    """The generation's index files; the others are those of the pages."""
    index = [
        {"path": file.path, "size": file.size, "sha256": file.sha256}
        for file in files
        if not file.is_immutable
    ]
    whole = {
        "generation": number,
        "file_count": len(files),
        "files_sha256": digest(files),
        "index_files": index,
    }
    return _json(whole)


def by_hash_paths(files: Iterable[ListedFile]) -> set[str]:
    return {file.path for file in files if f"/{BY_HASH}/" in f"/{file.path}"}


def _row(file: ListedFile) -> list[str | int]:
    return [file.path, file.size, file.sha256]


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
