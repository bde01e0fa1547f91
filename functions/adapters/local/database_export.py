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
            for line in _lines(self._copy):
                waiting.append(line + "\n")
                if len(waiting) >= LINES_AT_ONCE:
                    yield "".join(waiting).encode()
                    waiting.clear()
        except sqlite3.Error as error:
            raise DatabaseExportError(f"the copy could not be read: {error}") from error
        yield "".join(waiting).encode()


def _lines(copy: sqlite3.Connection) -> Iterator[str]:
    yield "PRAGMA defer_foreign_keys=TRUE;"
    tables = copy.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%'"
        " ESCAPE '\\' ORDER BY rowid"
    ).fetchall()
    for name, sql in tables:
        yield f"{sql};"
        columns = [column[1] for column in copy.execute(f"PRAGMA table_info({_quoted(name)})")]
        start = f"INSERT INTO {_quoted(name)} ({','.join(map(_quoted, columns))}) VALUES("
        names = ",".join(map(_quoted, columns))
        for row in copy.execute(f"SELECT {names} FROM {_quoted(name)} ORDER BY rowid"):  # noqa: S608
            yield f"{start}{','.join(map(_literal, row))});"
    for (sql,) in copy.execute(
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY rowid"
    ):
        yield f"{sql};"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        raise DatabaseExportError(
            f"a row holds a {type(value).__name__}, and no column of ours does"
        )
    text = "'" + value.replace("'", "''") + "'"
    # A row is one line.
    return text.replace("\n", "'||char(10)||'").replace("\r", "'||char(13)||'")
