"""D1 through a Worker's database binding."""

import json
from collections.abc import Sequence
from typing import NoReturn

import js
from pyodide.ffi import JsException, JsProxy, jsnull, to_js

from functions.adapters.cloudflare.javascript import error_text
from functions.ports.records import ConflictError, RecordsError, Row, Statement, Value

CONSTRAINT = "constraint failed"
"""D1 has no error codes of its own: SQLite's words stand in the message."""
EXACT = 2**53
"""JavaScript's numbers are exact up to here."""


class D1Records:
    def __init__(self, database: JsProxy) -> None:
        self._database = database

    async def fetch(self, statement: Statement) -> Sequence[Row]:
        try:
            answer = await self._prepared(statement).all()
        except JsException as error:
            _refuse(error)
        # As JSON all rows cross the border at once, and `null` becomes None.
        return json.loads(js.JSON.stringify(answer.results))

    async def batch(self, statements: Sequence[Statement]) -> Sequence[int]:
        if not statements:
            return ()
        try:
            answers = await self._database.batch(
                to_js([self._prepared(statement) for statement in statements])
            )
        except JsException as error:
            _refuse(error)
        return tuple(int(answer.meta.changes) for answer in answers)

    def _prepared(self, statement: Statement) -> JsProxy:
        prepared = self._database.prepare(statement.sql)
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
