"""Records in PostgreSQL, through the driver pg8000 (pure Python).

The driver blocks, so each call runs in a thread with a connection of its own; a connection that
broke is thrown away and made anew at the next call.
"""

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from queue import Empty, SimpleQueue
from typing import TypeVar, cast

from pg8000 import native
from pg8000.native import Connection

from functions.ports.records import ConflictError, RecordsError, Row, Statement, Value

CONNECTIONS = 8
"""At most so many at once; further calls wait for one."""
ATTEMPTS = 5
"""How often a batch is tried that the database rolled back for the sake of another one."""
PAUSE_SECONDS = 0.01
"""Before the second attempt; twice as long before each further one."""

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_CONSTRAINT_CLASS = "23"
_ROLLED_BACK = frozenset({"40001", "40P01"})
"""serialization_failure, deadlock_detected: nothing was written, and a retry may succeed."""

BROKEN = (native.Error, OSError)
"""What the driver raises when a connection ends: not all of it is its own."""

_TOKEN = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|\?", re.DOTALL)

T = TypeVar("T")


class PostgresRecords:
    """A database that has all migrations. Every batch is one SERIALIZABLE transaction, as it is on
    SQLite and D1, which have one writer; one that PostgreSQL rolls back to keep it so is repeated.
    """

    def __init__(self, connect: Callable[[], Connection], connections: int = CONNECTIONS) -> None:
        self._connect = connect
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix="postgres")
        self._idle: SimpleQueue[Connection] = SimpleQueue()

    async def fetch(self, statement: Statement) -> Sequence[Row]:
        return await self._with_connection(lambda connection: _fetch(connection, statement))

    async def batch(self, statements: Sequence[Statement]) -> Sequence[int]:
        if not statements:
            return ()
        return await self._with_connection(lambda connection: _batch(connection, statements))

    def close(self) -> None:
        """Waits for the calls that are under way."""
        self._threads.shutdown()
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    async def _with_connection(self, work: Callable[[Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._run, work)

    def _run(self, work: Callable[[Connection], T]) -> T:
        try:
            connection = self._take()
        except BROKEN as error:
            raise RecordsError(f"the database cannot be reached: {error}") from error
        is_whole = False
        try:
            done = work(connection)
            is_whole = True
        except (native.DatabaseError, RecordsError) as error:
            # The database answered, and its transaction is over.
            is_whole = True
            if isinstance(error, RecordsError):
                raise
            raise RecordsError(f"the database refused: {error}") from error
        except BROKEN as error:
            raise RecordsError(f"the connection to the database broke: {error}") from error
        finally:
            if is_whole:
                self._idle.put(connection)
            else:
                _throw_away(connection)
        return done

    def _take(self) -> Connection:
        try:
            return self._idle.get_nowait()
        except Empty:
            return self._connect()


def _fetch(connection: Connection, statement: Statement) -> Sequence[Row]:
    rows = _run(connection, statement)
    names = [cast("str", column["name"]) for column in connection.columns or ()]
    return [dict(zip(names, cast("Sequence[Value]", row), strict=True)) for row in rows]


def _batch(connection: Connection, statements: Sequence[Statement]) -> Sequence[int]:
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_SECONDS * 2 ** (attempt - 1))
        try:
            return _transaction(connection, statements)
        except native.DatabaseError as error:
            # At COMMIT, too, PostgreSQL says by these that nothing was written.
            connection.run("ROLLBACK")
            state = _sql_state(error)
            if state.startswith(_CONSTRAINT_CLASS):
                raise ConflictError(f"the batch was refused: {error}") from error
            if state not in _ROLLED_BACK:
                raise
    raise RecordsError(f"the batch was rolled back {ATTEMPTS} times for the sake of others")


def _transaction(connection: Connection, statements: Sequence[Statement]) -> Sequence[int]:
    connection.run("BEGIN ISOLATION LEVEL SERIALIZABLE")
    changed: list[int] = []
    for statement in statements:
        _run(connection, statement)
        is_query = bool(connection.columns)
        changed.append(0 if is_query else max(connection.row_count or 0, 0))
    connection.run("COMMIT")
    return changed


def _run(connection: Connection, statement: Statement) -> Sequence[Sequence[object]]:
    given = {f"p{number}": value for number, value in enumerate(statement.parameters)}
    # The value's own type, so that none is guessed from where it stands.
    types = {name: _type_of(value) for name, value in given.items()}
    sql = numbered(statement.sql)
    return (connection.run(sql, None, types, **given) if given else connection.run(sql)) or ()


def _type_of(value: Value) -> int:
    if value is None:
        return native.NULLTYPE
    return native.TEXT if isinstance(value, str) else native.BIGINT


@lru_cache(maxsize=1024)
def numbered(sql: str) -> str:
    """`?` as PostgreSQL's `$1`, `$2` ..., where it is a placeholder: not in texts, names and
    comments."""
    count = 0

    def place(match: re.Match[str]) -> str:
        nonlocal count
        if match.group() != "?":
            return match.group()
        count += 1
        return f"${count}"

    return _TOKEN.sub(place, sql)


def _sql_state(error: native.DatabaseError) -> str:
    said = cast("object", error.args[0]) if error.args else None
    return str(cast("dict[str, object]", said).get("C", "")) if isinstance(said, dict) else ""


def _throw_away(connection: Connection) -> None:
    with suppress(*BROKEN):
        connection.close()
