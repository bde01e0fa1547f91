"""Archives in memory, read by ranges that are counted."""

from dataclasses import dataclass, field

from functions.core.archive import Archive, read_archive, read_entry
from functions.core.validation import check_archive
from tests.contracts.object_store import run


@dataclass
class Source:
    """Answers range reads and remembers them."""

    content: bytes
    reads: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    async def read(self, offset: int, length: int) -> bytes:
        assert 0 <= offset < len(self.content)
        assert 0 < length <= len(self.content) - offset
        self.reads.append((offset, length))
        return self.content[offset : offset + length]

    @property
    def bytes_read(self) -> int:
        return sum(length for _, length in self.reads)

    def archive(self) -> Archive:
        return run(read_archive(self.read, len(self.content)))


def read(content: bytes) -> Archive:
    return Source(content).archive()


def rules(content: bytes) -> set[str]:
    """The rules that an archive breaks, found in the public way."""
    problems = run(check_archive(Source(content).read, len(content)))
    assert [problem.to_member()["slug"] for problem in problems] == [p.slug for p in problems]
    return {problem.slug for problem in problems}


def contents(content: bytes) -> dict[str, bytes]:
    """What a sound archive holds, by our own reader; folders are empty."""
    source = Source(content)
    archive = source.archive()
    assert not archive.problems, archive.problems
    found: dict[str, bytes] = {}
    for entry in archive.entries:
        whole = b"" if entry.is_folder else run(read_entry(source.read, entry, entry.size))
        assert whole is not None
        found[entry.name] = whole
    return found
