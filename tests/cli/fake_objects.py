"""A bucket in memory, as the commands read one."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class FakeObjects:
    objects: dict[str, bytes] = field(default_factory=dict[str, bytes])
    bucket: str = "stowage-dev-backups"

    def listed(self, prefix: str) -> Iterator[tuple[str, int]]:
        for key, content in sorted(self.objects.items()):
            if key.startswith(prefix):
                yield key, len(content)

    @contextmanager
    def content(self, key: str) -> Generator[Iterator[bytes] | None]:
        found = self.objects.get(key)
        # In pieces that end anywhere.
        yield None if found is None else (found[at : at + 7] for at in range(0, len(found), 7))
