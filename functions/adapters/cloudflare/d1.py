"""D1 through a Worker's database binding."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, NoReturn

import js
from pyodide.ffi import JsException, JsProxy, jsnull, to_js

from functions.adapters.cloudflare.javascript import error_text
from functions.ports.records import ConflictError, RecordsError, Row, Statement, Value

CONSTRAINT = "constraint failed"
"""D1 has no error codes of its own: SQLite's words stand in the message."""
EXACT = 2**53
"""JavaScript's numbers are exact up to here."""


UNCONSTRAINED = "first-unconstrained"
"""A session that begins at the nearest copy, which may lag behind by moments
(developers.cloudflare.com/d1/best-practices/read-replication)."""


class D1Records:
    """With `session`, each read is a session of its own, which a replica may answer; without, and
    for writes, it is the primary that answers. `seconds` is how long a read may take: an outage
    that does not say so must not hold up who can go on without."""

    def __init__(
        self, database: JsProxy, *, session: str | None = None, seconds: float | None = None
    ) -> None:
        self._database = database
        self._session = session
        self._seconds = seconds

    async def fetch(self, statement: Statement) -> Sequence[Row]:
        try:
            answer = await asyncio.wait_for(self._read(statement), self._seconds)
        except JsException as error:
            _refuse(error)
        except TimeoutError as error:
            raise RecordsError(f"no answer within {self._seconds} s") from error
        # As JSON all rows cross the border at once, and `null` becomes None.
        return json.loads(js.JSON.stringify(answer.results))

    async def batch(self, statements: Sequence[Statement]) -> Sequence[int]:
        if not statements:
            return ()
        try:
            answers = await self._database.batch(
                to_js([self._prepared(self._database, one) for one in statements])
            )
        except JsException as error:
            _refuse(error)
        return tuple(int(answer.meta.changes) for answer in answers)

    async def _read(self, statement: Statement) -> Any:
        database = self._database
        if self._session is not None:
            database = database.withSession(self._session)
        return await self._prepared(database, statement).all()

    @staticmethod
    def _prepared(database: JsProxy, statement: Statement) -> JsProxy:
        prepared = database.prepare(statement.sql)
        if not statement.parameters:
            return prepared
        return prepared.bind(*(_js_value(value) for value in statement.parameters))


def _js_value(value: Value) -> object:
    """Pyodide makes a BigInt of an int from 2**53 - 1 on, which D1 refuses; a float up to there is
    the same number exactly, and an INTEGER column stores it as an integer."""
    if value is None:
        return jsnull
    if isinstance(value, int) and abs(value) <= EXACT:
        return float(value)
    return value


def _refuse(error: JsException) -> NoReturn:
    text = error_text(error)
    if CONSTRAINT in text:
        raise ConflictError(text) from error
    raise RecordsError(text) from error
