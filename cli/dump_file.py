"""A dump on this machine: its statements, and the proof that a database can be made of it.

The form of the text is that of `functions.ports.database_export`: a row is one line.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cli.failures import Failure
from functions.adapters.local.database_export import literal, quoted
from functions.core.sql_dump import DumpContent, DumpScanner

MOST_BYTES = 90_000
"""Of a statement that is sent on. D1 takes 100,000
(developers.cloudflare.com/d1/platform/limits)."""
PIECE_CHARACTERS = 10_000
"""Of one text in a statement: at most four bytes each."""

_INSERT = "INSERT INTO "
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class DumpFile:
    sql: Path

    def content(self) -> DumpContent:
        """What the text holds, from its first byte to its last."""
        scanner = DumpScanner()
        with self.sql.open("rb") as file:
            while chunk := file.read(_CHUNK):
                scanner.feed(chunk)
        return scanner.finish()

    def statements(self) -> Iterator[str]:
        """In the order of the dump, without their semicolons' line ends; no PRAGMA."""
        waiting = ""
        with self.sql.open(encoding="utf-8", newline="\n") as file:
            for line in file:
                waiting += line
                # SQLite's own judgement, which knows of texts and comments.
                if not sqlite3.complete_statement(waiting):
                    continue
                statement = waiting.strip()
                waiting = ""
                if not statement.upper().startswith("PRAGMA"):
                    yield statement
        if waiting.strip():
            raise Failure(f"The dump ends in the middle of a statement: {waiting.strip()[:80]!r}")


class RestoredDump:
    """A SQLite database made of a dump, in a file beside it. Use it as a context manager."""

    def __init__(self, dump: DumpFile) -> None:
        """Raises Failure where no sound database can be made of the dump."""
        file = dump.sql.with_suffix(".sqlite")
        file.unlink(missing_ok=True)
        self._connection = sqlite3.connect(file, isolation_level=None)
        try:
            self._fill(dump)
        except sqlite3.Error as error:
            self._connection.close()
            raise Failure(f"No database can be made of the dump: {error}.") from error

    def _fill(self, dump: DumpFile) -> None:
        connection = self._connection
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for statement in dump.statements():
            connection.execute(statement)
        connection.execute("COMMIT")
        broken = connection.execute("PRAGMA foreign_key_check").fetchone()
        if broken:
            raise sqlite3.IntegrityError(f"a row of {broken[0]} refers to none of {broken[2]}")

    def __enter__(self) -> "RestoredDump":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def row(self, table: str, number: int) -> dict[str, object]:
        """The table's row of this number, counted from 1 in the order of the dump."""
        cursor = self._connection.execute(
            f"SELECT * FROM {quoted(table)} WHERE rowid = ?",  # noqa: S608  (a name of the dump)
            (number,),
        )
        names = [column[0] for column in cursor.description]
        return dict(zip(names, cursor.fetchone(), strict=True))


def is_row(statement: str) -> bool:
    return statement.startswith(_INSERT)


def is_table(statement: str) -> bool:
    return statement.upper().startswith("CREATE TABLE")


def table_of(row: str) -> str:
    """The table that an INSERT of a dump fills."""
    rest = row[len(_INSERT) :]
    if rest.startswith('"'):
        return rest[1:].partition('"')[0]
    return rest.partition(" ")[0]


def short_statements(table: str, number: int, row: dict[str, object]) -> list[str]:
    """Statements that are short enough each and together insert a row that is not: the texts come
    piece by piece. The row becomes the table's of this number, which it is in the dump."""
    first = ",".join(literal(_pieces(value)[0]) for value in row.values())
    names = ",".join(map(quoted, row))
    made = [f"INSERT INTO {quoted(table)} ({names}) VALUES({first});"]
    for name, value in row.items():
        column = quoted(name)
        made += [
            f"UPDATE {quoted(table)} SET {column} = {column} || {literal(piece)}"  # noqa: S608
            f" WHERE rowid = {number};"
            for piece in _pieces(value)[1:]
        ]
    return made


def _pieces(value: object) -> list[object]:
    if not isinstance(value, str) or len(value) <= PIECE_CHARACTERS:
        return [value]
    return [
        value[start : start + PIECE_CHARACTERS] for start in range(0, len(value), PIECE_CHARACTERS)
    ]
