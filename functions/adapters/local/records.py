"""Records in SQLite, by the standard library: the same engine as D1."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from functions.ports.records import ConflictError, RecordsError, Row, Statement

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


class SqliteRecords:
    """A database file, or one in memory. A new database gets all migrations; an existing one is
    taken as it is, because the ledger belongs to whoever migrates in earnest."""

    def __init__(self, path: str = ":memory:") -> None:
        # Threads may take turns, as event loops that follow each other do; never two at once.
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA foreign_keys = ON")
        if not self._connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            for migration in sorted(MIGRATIONS.glob("*.sql")):
                self._connection.executescript(migration.read_text(encoding="utf-8"))

    async def fetch(self, statement: Statement) -> Sequence[Row]:
        try:
            rows = self._connection.execute(statement.sql, statement.parameters).fetchall()
        except sqlite3.Error as error:
            raise RecordsError(f"the query failed: {error}") from error
        return [dict(row) for row in rows]

    async def batch(self, statements: Sequence[Statement]) -> Sequence[int]:
        changed: list[int] = []
        try:
            # IMMEDIATE: the one writer is chosen here, so nobody commits between our reads and
            # writes.
            self._connection.execute("BEGIN IMMEDIATE")
            for statement in statements:
                cursor = self._connection.execute(statement.sql, statement.parameters)
                changed.append(max(cursor.rowcount, 0))
            self._connection.execute("COMMIT")
        except sqlite3.IntegrityError as error:
            raise ConflictError(f"the batch was refused: {error}") from error
        except sqlite3.Error as error:
            raise RecordsError(f"the batch failed: {error}") from error
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        return changed

    def copy(self) -> sqlite3.Connection:
        """What is committed now, in memory. Raises: sqlite3.Error."""
        copy = sqlite3.connect(":memory:")
        try:
            self._connection.backup(copy)
        except sqlite3.Error:
            copy.close()
            raise
        return copy

    def close(self) -> None:
        self._connection.close()
