"""What a dump of the database holds, read from its text as it streams by.

The form of the text is that of `ports.database_export`. Only lines are looked at, and of a row only
its table's name, so that hundreds of thousands of rows pass within a Worker's CPU time.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

_INSERT = re.compile(rb'INSERT INTO "?([A-Za-z_][A-Za-z_0-9]*)"?[ (]')
_LEDGER = re.compile(rb'INSERT INTO "?schema_migration\b')
_LEDGER_ROW = re.compile(
    rb'INSERT INTO "?schema_migration"?(?: ?\("?name"?, ?"?sha256"?, ?"?applied_at"?\))? '
    rb"VALUES ?\('([0-9a-z_.]+)', ?'([0-9a-f]{64})', ?[0-9]+\);?"
)


@dataclass(frozen=True, slots=True, order=True)
class AppliedMigration:
    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class TableContent:
    rows: int
    sha256: str
    """Of the table's INSERT lines, each with its line end, in the order of the dump."""


@dataclass(frozen=True, slots=True)
class DumpContent:
    size: int
    sha256: str
    tables: Mapping[str, TableContent]
    """Tables with rows only."""
    migrations: tuple[AppliedMigration, ...]
    """As the ledger in the dump has them."""


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


@dataclass(slots=True)
class _Table:
    rows: int = 0
    digest: _Hash = field(default_factory=hashlib.sha256)


class DumpScanner:
    """Takes the text in pieces of any length. Rows of one table follow each other, so most lines
    begin as the one before them did, and whole runs of them are hashed at once."""

    def __init__(self) -> None:
        self._size = 0
        self._digest = hashlib.sha256()
        self._rest = b""
        self._tables: dict[bytes, _Table] = {}
        self._migrations: list[AppliedMigration] = []
        self._start = b""
        """How the rows of the current run begin; none is under way: empty."""
        self._table = _Table()
        self._run: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        self._size += len(chunk)
        self._digest.update(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        self._lines(lines)

    def finish(self) -> DumpContent:
        self._lines([self._rest])
        self._rest = b""
        return DumpContent(
            self._size,
            self._digest.hexdigest(),
            {
                name.decode(): TableContent(table.rows, table.digest.hexdigest())
                for name, table in sorted(self._tables.items())
            },
            tuple(sorted(self._migrations)),
        )

    def _lines(self, lines: list[bytes]) -> None:
        for line in lines:
            if not (self._start and line.startswith(self._start)):
                self._end_run()
                match = _INSERT.match(line)
                if match is None:
                    continue
                self._start = match.group()
                self._table = self._tables.setdefault(match[1], _Table())
            self._run.append(line)
        self._end_run()

    def _end_run(self) -> None:
        if self._run:
            self._table.rows += len(self._run)
            self._table.digest.update(b"\n".join([*self._run, b""]))
            if _LEDGER.match(self._run[0]):
                self._migrations += _applied(self._run)
        self._run = []
        self._start = b""


def _applied(rows: list[bytes]) -> list[AppliedMigration]:
    found = [_LEDGER_ROW.fullmatch(row) for row in rows]
    return [AppliedMigration(one[1].decode(), one[2].decode()) for one in found if one is not None]
