"""`Records` over one D1 database's query endpoint, so that use-cases of the core can work on a
database whose platform does not run."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from cli.database_api import DatabaseApi
from functions.adapters.cloudflare.d1_polling import TransferError
from functions.adapters.local.database_export import literal
from functions.ports.records import ConflictError, RecordsError, Row, Statement, Value

_TOKEN = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|\?", re.DOTALL)
_CONSTRAINT = "constraint failed"
"""D1 has no error codes of its own: SQLite's words stand in the message."""


@dataclass(frozen=True, slots=True)
class RestRecords:
    database: DatabaseApi

    async def fetch(self, statement: Statement) -> Sequence[Row]:
        return [cast("Row", row) for row in self._run([statement])[-1][0]]

    async def batch(self, statements: Sequence[Statement]) -> Sequence[int]:
        return [changes for _, changes in self._run(statements)] if statements else []

    def _run(self, statements: Sequence[Statement]) -> list[tuple[Sequence[object], int]]:
        # One request is one transaction, and takes parameters for its last statement only.
        sql = "\n".join(f"{written(one)};" for one in statements)
        try:
            return self.database.run(sql)
        except TransferError as error:
            if _CONSTRAINT in str(error):
                raise ConflictError(str(error)) from error
            raise RecordsError(str(error)) from error


def written(statement: Statement) -> str:
    """The statement with its parameters in it, where the placeholders are: not in texts, names and
    comments."""
    values: Iterator[Value] = iter(statement.parameters)

    def place(match: re.Match[str]) -> str:
        return literal(next(values)) if match.group() == "?" else match.group()

    return _TOKEN.sub(place, statement.sql)
