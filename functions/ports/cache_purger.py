"""Clearing the edge's caches, in every data centre, by cache tag."""

from collections.abc import Sequence
from typing import Protocol


class CachePurgerError(Exception):
    """The purge was not taken, or it is unknown whether it was; purging again does no harm."""


class PurgeLimitError(CachePurgerError):
    """The plan's rate is used up. Nothing was purged."""

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class CachePurger(Protocol):
    @property
    def most_tags(self) -> int:
        """How many tags one call takes."""
        ...

    async def purge(self, tags: Sequence[str]) -> None:
        """What is cached under any of 1 to `most_tags` tags is gone when this returns.

        Raises: PurgeLimitError, CachePurgerError.
        """
        ...
