"""Data points about requests: written by the edge, summed up by the jobs.

A point may be lost and a point may stand for several (sampling): `_sample_interval` says for how
many, and every sum multiplies by it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class DataPoint:
    """Without a time: whoever takes it notes when."""

    index: str
    """What points are sampled by."""
    blobs: tuple[str, ...]
    doubles: tuple[float, ...]


class UsageLog(Protocol):
    def record(self, point: DataPoint) -> None:
        """Never raises, and waits for nothing: a point that cannot be written is lost, the log says
        so, and the request that it is about knows nothing of it."""
        ...


UsageRow: TypeAlias = Mapping[str, str | int | float | None]
"""Large integers may come as text."""


class UsageQueryError(Exception):
    """The query was refused or not answered. Asking again does no harm."""


class UsageQueries(Protocol):
    async def query(self, sql: str) -> Sequence[UsageRow]:
        """The rows of one SELECT or of `SHOW TABLES`, in Analytics Engine's SQL.

        Raises: UsageQueryError.
        """
        ...
