"""The database in a SQLite file as SQL text, in the form in which D1 exports."""

import sqlite3
from collections.abc import AsyncIterator, Iterator

from functions.adapters.local.records import SqliteRecords
from functions.ports.database_export import DatabaseExportError

LINES_AT_ONCE = 500


class SqliteExporter:
    def __init__(self, records: SqliteRecords) -> None:
        self._records = records

    async def export(self) -> "SqliteDump":
        try:
            return SqliteDump(self._records.copy())
        except sqlite3.Error as error:
            raise DatabaseExportError(f"the database could not be copied: {error}") from error


class SqliteDump:
    """A copy, which nobody changes."""

    def __init__(self, copy: sqlite3.Connection) -> None:
        self._copy = copy

    def open(self) -> "SqliteText":
        return SqliteText(self._copy)

    async def close(self) -> None:
        self._copy.close()


class SqliteText:
    def __init__(self, copy: sqlite3.Connection) -> None:
        self._copy = copy

    async def __aiter__(self) -> AsyncIterator[bytes]:
        waiting: list[str] = []
        try:
            for line in lines(self._copy):
                waiting.append(line + "\n")
                if len(waiting) >= LINES_AT_ONCE:
                    yield "".join(waiting).encode()
                    waiting.clear()
        except sqlite3.Error as error:
            raise DatabaseExportError(f"the copy could not be read: {error}") from error
        yield "".join(waiting).encode()


def lines(copy: sqlite3.Connection) -> Iterator[str]:
    """The text of a database that nobody changes, without its line ends."""
    yield "PRAGMA defer_foreign_keys=TRUE;"
    tables = copy.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%'"
        " ESCAPE '\\' ORDER BY rowid"
    ).fetchall()
    for name, sql in tables:
        yield f"{sql};"
        columns = [column[1] for column in copy.execute(f"PRAGMA table_info({quoted(name)})")]
        start = f"INSERT INTO {quoted(name)} ({','.join(map(quoted, columns))}) VALUES("
        names = ",".join(map(quoted, columns))
        for row in copy.execute(f"SELECT {names} FROM {quoted(name)} ORDER BY rowid"):  # noqa: S608
            yield f"{start}{','.join(map(literal, row))});"
    for (sql,) in copy.execute(
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY rowid"
    ):
        yield f"{sql};"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """The value as SQL on one line.

    Raises: DatabaseExportError for what is no text, integer or NULL.
    """
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        raise DatabaseExportError(f"a row holds {type(value).__name__}, which no column of ours is")
    calls: list[str] = []
    for end, character in (("\n", "char(10)"), ("\r", "char(13)")):
        if end in value:
            mark = _absent(value)
            value = value.replace(end, mark)
            calls.append(f",'{mark}',{character})")
    text = "'" + value.replace("'", "''") + "'"
    # Not one `||` for each line end: D1 takes no deep expressions.
    return "replace(" * len(calls) + text + "".join(calls)


def _absent(text: str) -> str:
    """A mark that the text does not hold, so that putting it back changes nothing else."""
    number = 0
    while f"\\{number};" in text:
        number += 1
    return f"\\{number};"
