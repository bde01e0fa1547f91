"""The files of a repository on this machine: which there are, their sizes and digests, in the order
in which they are published."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cli.failures import UsageFailure
from cli.upload import Advance, chunks
from functions.core.publication_lists import ListedFile
from functions.core.repository_paths import complaint


class RepositoryFolder:
    """A folder whose files are all that a repository's readers are to see."""

    def __init__(self, root: Path) -> None:
        """Raises UsageFailure where it holds no file, or one that cannot be published."""
        self.root = root
        self.paths = {path.relative_to(root).as_posix(): path for path in _files(root)}
        if not self.paths:
            raise UsageFailure(
                f"{root} holds no file: give the folder that has dists/ and pool/ in it."
            )
        wrong = [f"{path!r} {why}" for path in self.paths if (why := complaint(path))]
        if wrong:
            raise UsageFailure(
                f"{len(wrong)} of the files in {root} cannot be published, because no URL would "
                f"reach them: {'; '.join(wrong[:10])}. Rename them or take them out."
            )

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(path.stat().st_size for path in self.paths.values())

    def listed(self, threads: int, advance: Advance) -> list[ListedFile]:
        """Reads every file."""

        def read(name: str) -> ListedFile:
            return _listed(name, self.paths[name], advance)

        with ThreadPoolExecutor(threads) as pool:
            return sorted(pool.map(read, self.paths), key=lambda file: file.order)


def _files(root: Path) -> Iterator[Path]:
    """Links count as what they lead to; a link that leads nowhere, or to a folder, is passed
    over."""
    for folder, _, names in os.walk(root):
        yield from (path for name in names if (path := Path(folder, name)).is_file())


def _listed(name: str, path: Path, advance: Advance) -> ListedFile:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks(path):
        digest.update(chunk)
        size += len(chunk)
        advance(len(chunk))
    return ListedFile(name, size, digest.hexdigest())
