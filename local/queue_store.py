"""Queued messages in SQLite: they outlive reloads of workerd and restarts of the daemon."""

import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    queue TEXT NOT NULL,
    body TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    visible_at INTEGER NOT NULL,
    deliveries INTEGER NOT NULL DEFAULT 0,
    in_flight INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS message_by_queue ON message (queue, in_flight, visible_at, number);
"""


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it is delivered. `deliveries` counts this delivery too."""

    id: str
    body: str
    sent_at: int
    deliveries: int


@dataclass(frozen=True, slots=True)
class Depth:
    """How many messages of a queue wait, wait out a delay, and are being handled."""

    visible: int
    delayed: int
    in_flight: int


class QueueStore:
    """All queues' messages. Times are milliseconds since the epoch; bodies are JSON text."""

    def __init__(self, path: Path | str) -> None:
        # One thread at a time uses it: the one that the daemon's event loop runs in.
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_SCHEMA)
        # Whoever handled these is gone: they are delivered again.
        self._database.execute("UPDATE message SET in_flight = 0 WHERE in_flight = 1")

    def close(self) -> None:
        self._database.close()

    def add(self, queue: str, messages: Iterable[tuple[str, int]], now: int) -> list[str]:
        """Stores messages (body, delay in milliseconds): all of them or none. Gives their ids."""
        rows = [(uuid.uuid4().hex, queue, body, now, now + delay) for body, delay in messages]
        with self._transaction():
            self._database.executemany(
                "INSERT INTO message (id, queue, body, sent_at, visible_at) VALUES (?, ?, ?, ?, ?)",
                rows,
            )
        return [row[0] for row in rows]

    def take(self, queue: str, limit: int, now: int) -> list[Message]:
        """The oldest visible messages; nobody else gets them until they are settled."""
        with self._transaction():
            rows = self._database.execute(
                "SELECT number, id, body, sent_at, deliveries + 1 FROM message "
                "WHERE queue = ? AND in_flight = 0 AND visible_at <= ? ORDER BY number LIMIT ?",
                (queue, now, limit),
            ).fetchall()
            self._database.executemany(
                "UPDATE message SET in_flight = 1, deliveries = deliveries + 1 WHERE number = ?",
                [(row[0],) for row in rows],
            )
        return [Message(*row[1:]) for row in rows]

    def acknowledge(self, ids: Sequence[str]) -> None:
        """Forgets messages that were handled."""
        with self._transaction():
            self._database.executemany("DELETE FROM message WHERE id = ?", [(i,) for i in ids])

    def retry(self, message: str, visible_at: int) -> None:
        """Gives a message back; this delivery counts."""
        self._database.execute(
            "UPDATE message SET in_flight = 0, visible_at = ? WHERE id = ?", (visible_at, message)
        )

    def give_back(self, ids: Sequence[str], visible_at: int) -> None:
        """Gives messages back that no handler got; this delivery does not count."""
        with self._transaction():
            self._database.executemany(
                "UPDATE message SET in_flight = 0, deliveries = deliveries - 1, visible_at = ? "
                "WHERE id = ?",
                [(visible_at, i) for i in ids],
            )

    def move(self, message: str, queue: str, now: int) -> None:
        """Puts a message into another queue, where it is new."""
        self._database.execute(
            "UPDATE message SET queue = ?, id = ?, in_flight = 0, deliveries = 0, sent_at = ?, "
            "visible_at = ? WHERE id = ?",
            (queue, uuid.uuid4().hex, now, now, message),
        )

    def expire(self, queue: str, sent_before: int) -> int:
        """Deletes messages past their retention; gives how many."""
        return self._database.execute(
            "DELETE FROM message WHERE queue = ? AND in_flight = 0 AND sent_at < ?",
            (queue, sent_before),
        ).rowcount

    def forget_other_queues(self, queues: Iterable[str]) -> None:
        """Deletes the messages of queues that are gone."""
        kept = set(queues)
        with self._transaction():
            for (queue,) in self._database.execute("SELECT DISTINCT queue FROM message").fetchall():
                if queue not in kept:
                    self._database.execute("DELETE FROM message WHERE queue = ?", (queue,))

    def waiting(self, queue: str, now: int) -> tuple[int, int | None]:
        """How many messages are visible, and since when (or from when) the first one is."""
        count, first = self._database.execute(
            "SELECT COALESCE(SUM(visible_at <= ?), 0), MIN(visible_at) FROM message "
            "WHERE queue = ? AND in_flight = 0",
            (now, queue),
        ).fetchone()
        return count, first

    def depth(self, queue: str, now: int) -> Depth:
        row = self._database.execute(
            "SELECT COALESCE(SUM(in_flight = 0 AND visible_at <= ?), 0), "
            "COALESCE(SUM(in_flight = 0 AND visible_at > ?), 0), COALESCE(SUM(in_flight), 0) "
            "FROM message WHERE queue = ?",
            (now, now, queue),
        ).fetchone()
        return Depth(*row)

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._database)


class _Transaction:
    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._database.execute("COMMIT" if kind is None else "ROLLBACK")
