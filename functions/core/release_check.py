"""Debian's Release and InRelease: what they say of index files, compared with what is published.
Pure.

Nothing is written here: a repository that its maintainer signed stays byte for byte as it was.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from functions.core.publication_lists import ListedFile

MAX_BYTES = 16 * 1024 * 1024
"""Of a Release file; the largest ones that are known have less than one."""
_NAMES = ("InRelease", "Release")
_SECTION = "SHA256:"


@dataclass(frozen=True, slots=True)
class Said:
    """One line of the section of SHA-256 digests."""

    path: str
    """From the folder of the Release file."""
    size: int
    sha256: str


def releases(files: Iterable[ListedFile]) -> list[ListedFile]:
    """The files whose word counts: `dists/**/InRelease` and `dists/**/Release`."""
    return [
        file
        for file in files
        if file.path.startswith("dists/") and file.path.rpartition("/")[2] in _NAMES
    ]


def said(content: bytes) -> Iterator[Said]:
    """What a Release file lists, also where it is signed inside. Lines that are not of the form are
    passed over: apt is the judge of those."""
    listing = False
    for line in content.decode("utf-8", "replace").splitlines():
        if not line.startswith((" ", "\t")):
            listing = line.strip() == _SECTION
            continue
        parts = line.split()
        if listing and len(parts) == 3 and parts[1].isascii() and parts[1].isdigit():
            yield Said(parts[2], int(parts[1]), parts[0].lower())


def contradictions(
    release: ListedFile, content: bytes, files: Mapping[str, ListedFile]
) -> list[str]:
    """How the files that are published differ from what a Release file says of them. A file that it
    lists and that is not published is no contradiction: Debian lists uncompressed files that are
    not there."""
    folder = release.path.rpartition("/")[0]
    found: list[str] = []
    for one in said(content):
        file = files.get(f"{folder}/{one.path}")
        if file is None or (file.size, file.sha256) == (one.size, one.sha256):
            continue
        found.append(
            f"'{release.path}' lists '{one.path}' with {one.size} bytes and SHA-256 {one.sha256}, "
            f"but the file has {file.size} bytes and {file.sha256}"
        )
    return found
