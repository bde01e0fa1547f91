"""The whole database as SQL text, in one consistent state.

The text is SQLite's dialect: after an optional PRAGMA, each table's CREATE TABLE with its rows
behind it, one INSERT a line that begins `INSERT INTO "table" (` and names its columns; then the
indexes. Texts hold no raw line end, so a line that begins with INSERT is always a row.
"""

from typing import Protocol

from functions.ports.object_store import Body


class DatabaseExportError(Exception):
    """The database could not be exported. Nothing is left of the attempt."""


class DatabaseDump(Protocol):
    """One state of the database, kept for as long as a backup takes."""

    def open(self) -> Body:
        """The text from its beginning, in UTF-8; the same bytes at every call.

        Iterating raises: DatabaseExportError.
        """
        ...

    async def close(self) -> None:
        """Gives back what the dump occupies."""
        ...


class DatabaseExporter(Protocol):
    async def export(self) -> DatabaseDump:
        """The state of the database at one moment of this call. It may hold up all other queries
        meanwhile (D1 does), so it is asked for rarely.

        Raises: DatabaseExportError.
        """
        ...
