"""Purges that are only remembered."""

from collections.abc import Sequence


class MemoryCachePurger:
    def __init__(self, most_tags: int = 30) -> None:
        self.most_tags = most_tags
        self.calls: list[tuple[str, ...]] = []

    async def purge(self, tags: Sequence[str]) -> None:
        if not 1 <= len(tags) <= self.most_tags:
            raise ValueError(f"a call takes 1 to {self.most_tags} tags, not {len(tags)}")
        self.calls.append(tuple(tags))
