"""The SQL database, as far as SQLite, D1 and PostgreSQL agree.

A statement is SQL with `?` for each parameter, and its parameters. There are no interactive
transactions (D1 has none): what must happen together goes into one `batch`. A lost race shows as a
key conflict, which aborts the batch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

Value: TypeAlias = str | int | None
"""Booleans are 0 and 1, times are milliseconds UTC, JSON is text."""

Row: TypeAlias = Mapping[str, Value]


class RecordsError(Exception):
    """The database failed in a way that a retry may mend, or that no rule of ours foresees."""


class ConflictError(RecordsError):
    """A unique, foreign-key or check constraint refused the write. Nothing of the batch was
    written."""


@dataclass(frozen=True, slots=True)
class Statement:
    sql: str
    parameters: tuple[Value, ...] = ()


class Records(Protocol):
    async def fetch(self, statement: Statement) -> Sequence[Row]:
        """All rows of a SELECT."""
        ...

    async def batch(self, statements: Sequence[Statement]) -> Sequence[int]:
        """All or nothing, in order; the number of rows that each statement changed.

        Raises: ConflictError, RecordsError. After a RecordsError that is no ConflictError it is
        unknown whether the batch was written: read back before repeating what is not idempotent.
        """
        ...
