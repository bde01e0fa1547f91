"""Applying numbered SQL files to a database exactly once, whatever is killed or lost on the way.

1. A file and its row in the ledger travel in one request, which the database applies whole or not
at all.
2. Whether a file ran is known from the ledger alone, never from an answer: an answer can be lost.
3. A file that ran is never edited or taken away; what it said is told by the SHA-256 in the ledger.

No Pulumi and no HTTP here: the database is a `Database`.
"""

import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Protocol

FOLDER = Path("functions/migrations")
LEDGER = "schema_migration"
ATTEMPTS = 3
"""How often a file is sent while its outcome stays unknown. A second arrival fails on the ledger's
key."""

_NAME = re.compile(r"[0-9]{4}_[a-z0-9_]+\.sql")
_CREATE_LEDGER = (
    f"CREATE TABLE IF NOT EXISTS {LEDGER} "
    "(name TEXT NOT NULL PRIMARY KEY, sha256 TEXT NOT NULL, applied_at BIGINT NOT NULL)"
)
_READ_LEDGER = f"SELECT name, sha256 FROM {LEDGER} ORDER BY name"  # noqa: S608  (a constant)


class MigrationError(Exception):
    """The database could not be brought to the state that the files describe. What ran before
    stays."""


class QueryError(Exception):
    """The database refused a request or could not be asked."""

    def __init__(self, message: str, *, is_ambiguous: bool) -> None:
        super().__init__(message)
        self.is_ambiguous = is_ambiguous
        """Whether the request may have been applied all the same."""


class Database(Protocol):
    """Runs SQL of one or more statements, all or none; gives the rows of the last one.

    Raises: QueryError.
    """

    def query(self, sql: str) -> Sequence[Mapping[str, object]]: ...


@dataclass(frozen=True, slots=True, order=True)
class Migration:
    name: str
    sha256: str


def declared(project: Path) -> tuple[Migration, ...]:
    """The migrations of the project folder in the order in which they run.

    Raises: MigrationError on a file that could not be applied as rule 1 wants.
    """
    files = sorted((project / FOLDER).glob("*.sql"))
    if not files:
        raise MigrationError(f"{FOLDER.as_posix()} holds no .sql file: the database would be empty")
    found = tuple(
        Migration(file.name, hashlib.sha256(_checked(file).encode()).hexdigest()) for file in files
    )
    numbers = [one.name[:4] for one in found]
    for first, second in pairwise(found):
        if first.name[:4] == second.name[:4]:
            raise MigrationError(
                f"{first.name} and {second.name} have the same number; number the newer one "
                f"{int(max(numbers)) + 1:04}"
            )
    return found


def changed(old: Sequence[Migration], new: Sequence[Migration]) -> list[str]:
    """What contradicts rule 3, one sentence for each file."""
    now = {one.name: one.sha256 for one in new}
    problems: list[str] = []
    for one in old:
        if one.name not in now:
            what = "was taken away"
        elif now[one.name] != one.sha256:
            what = "was edited"
        else:
            continue
        problems.append(
            f"{one.name} {what} after it ran. Databases that ran it would differ from new ones: "
            f"bring the file back as it was (git checkout -- {FOLDER.as_posix()}/{one.name}) and "
            "add a new file with the change."
        )
    return problems


def apply(database: Database, project: Path, migrations: Sequence[Migration]) -> list[str]:
    """Run what has not run; gives the names of the files that ran now.

    Raises: MigrationError. Running it again goes on from where it stopped.
    """
    try:
        database.query(_CREATE_LEDGER)
        ledger = _ledger(database)
    except QueryError as error:
        raise MigrationError(f"The migrations' ledger could not be read. {error}") from None
    if problems := changed([one for one in ledger if _is_ours(one, migrations)], migrations):
        raise MigrationError("\n".join(problems))
    pending = [one for one in migrations if one not in ledger]
    for one in pending:
        _run(database, one, _content(project, one))
    return [one.name for one in pending]


def _is_ours(row: Migration, migrations: Sequence[Migration]) -> bool:
    # A newer checkout may have run files that this one does not know. They are left alone: the
    # schema only grows.
    return row.name <= migrations[-1].name


def _run(database: Database, migration: Migration, content: str) -> None:
    row = f"('{migration.name}', '{migration.sha256}', {time.time_ns() // 1_000_000})"
    # Both come from grammars without quotes (`_NAME`, hex); the endpoint takes no parameters with
    # several statements.
    entry = f"INSERT INTO {LEDGER} (name, sha256, applied_at) VALUES {row};"  # noqa: S608
    failure = ""
    for _ in range(ATTEMPTS):
        try:
            database.query(f"{content}\n{entry}")
        except QueryError as error:
            failure = str(error)
            if migration in _ledger_after(database, migration, failure):
                return
            if not error.is_ambiguous:
                break
        else:
            return
    raise MigrationError(
        f"{migration.name} was not applied. {failure} Nothing of this file was kept, earlier files "
        "stay; mend the cause and run the deployment again: it goes on with this file."
    )


def _ledger_after(database: Database, migration: Migration, failure: str) -> list[Migration]:
    try:
        return _ledger(database)
    except QueryError as error:
        raise MigrationError(
            f"Whether {migration.name} was applied is not known: {failure} Then the ledger could "
            f"not be read: {error} Run the deployment again: it reads the ledger first and does "
            "not run a file twice."
        ) from None


def _ledger(database: Database) -> list[Migration]:
    rows = database.query(_READ_LEDGER)
    return [Migration(str(row["name"]), str(row["sha256"])) for row in rows]


def _content(project: Path, migration: Migration) -> str:
    text = _checked(project / FOLDER / migration.name)
    if hashlib.sha256(text.encode()).hexdigest() != migration.sha256:
        raise MigrationError(
            f"{migration.name} changed while it was being deployed; run the deployment again"
        )
    return text


def _checked(file: Path) -> str:
    if not _NAME.fullmatch(file.name):
        raise MigrationError(f"{file.name} is not named like 0002_add_a_column.sql")
    # A checkout with other line ends is the same migration.
    text = file.read_text(encoding="utf-8").replace("\r\n", "\n").rstrip() + "\n"
    last = text.rstrip().rpartition("\n")[2]
    if not last.endswith(";") or "--" in last:
        raise MigrationError(
            f"{file.name} must end with a statement and its semicolon (no comment after it): the "
            "ledger's row follows"
        )
    return text
