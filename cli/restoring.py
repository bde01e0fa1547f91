"""Making a database what a dump says: what may be replaced, the SQL that is sent, and the proof
that it arrived."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.database_api import DatabaseApi
from cli.dump_file import (
    MOST_BYTES,
    DumpFile,
    RestoredDump,
    is_row,
    is_table,
    short_statements,
    table_of,
)
from cli.failures import Failure, Refusal
from functions.adapters.local.database_export import quoted
from functions.core.backup_manifest import Manifest
from functions.core.sql_dump import TableContent
from infra import migrations
from infra.migrations import LEDGER, Migration, QueryError

OWN_TABLES = frozenset({LEDGER, "backup", "cache_purge", "job_cursor"})
"""What the platform writes by itself, also where nobody has ever used it."""

_EMPTY = TableContent(0, "")
_TABLES = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL"
    " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'"
    " ORDER BY rowid"
)


@dataclass(frozen=True, slots=True)
class Held:
    """What the database holds before: its tables, those that others refer to first."""

    tables: tuple[str, ...]
    rows: Mapping[str, int]

    @property
    def used(self) -> dict[str, int]:
        """Tables with rows that somebody may miss."""
        return {
            name: count for name, count in self.rows.items() if count and name not in OWN_TABLES
        }


def held(database: DatabaseApi) -> Held:
    """Raises: QueryError."""
    names = [str(row["name"]) for row in database.query(_TABLES)]
    counts = {
        name: int(str(database.query(f"SELECT COUNT(*) AS n FROM {quoted(name)}")[0]["n"]))  # noqa: S608
        for name in names
    }
    return Held(tuple(names), counts)


def refuse_newer(manifest: Manifest, known: Sequence[Migration]) -> None:
    """Raises Refusal where the dump's schema was made by migrations that this checkout does not
    have: its code would not fit, and its newer files could not follow."""
    files = {one.name: one.sha256 for one in known}
    strange = [one.name for one in manifest.content.migrations if one.name not in files]
    edited = [
        one.name
        for one in manifest.content.migrations
        if files.get(one.name, one.sha256) != one.sha256
    ]
    if not manifest.content.migrations:
        raise Refusal("Nothing was restored: the dump has no ledger of migrations.")
    if strange or edited:
        what = f"the migrations {', '.join(strange)}, which this checkout has not"
        if not strange:
            what = f"the migrations {', '.join(edited)} in another wording than this checkout"
        raise Refusal(
            f"Nothing was restored: the backup was made with {what}. Check out the version that "
            "made it, or a newer one, and run the command again."
        )


def write_import(dump: DumpFile, before: Held, to: Path) -> int:
    """Writes one file that D1 runs as a whole: what is there goes, what the dump says comes. Gives
    the number of rows that had to be cut into pieces.

    All tables come first, whatever they refer to, and all indexes last.
    """
    cut = 0
    with to.open("w", encoding="utf-8", newline="\n") as file, RestoredDump(dump) as restored:
        file.write("PRAGMA defer_foreign_keys=TRUE;\n")
        # Those that refer before those that are referred to.
        file.writelines(f"DROP TABLE {quoted(name)};\n" for name in reversed(before.tables))
        file.writelines(f"{one}\n" for one in dump.statements() if is_table(one))
        for number, row in _rows(dump):
            if len(row.encode()) <= MOST_BYTES:
                file.write(f"{row}\n")
                continue
            cut += 1
            table = table_of(row)
            for one in short_statements(table, number, restored.row(table, number)):
                file.write(f"{one}\n")
        for one in dump.statements():
            if not is_table(one) and not is_row(one):
                file.write(f"{one}\n")
    return cut


def _rows(dump: DumpFile) -> Iterator[tuple[int, str]]:
    """Each row with its number in its table."""
    numbers: dict[str, int] = {}
    for statement in dump.statements():
        if is_row(statement):
            table = table_of(statement)
            numbers[table] = numbers.get(table, 0) + 1
            yield numbers[table], statement


def compare(manifest: Manifest, again: DumpFile) -> list[str]:
    """How the database, exported anew, differs from the backup: one sentence for each table."""
    expected, found = manifest.content.tables, again.content().tables
    differences: list[str] = []
    for name in sorted(expected.keys() | found.keys()):
        # The schedule may have written to these since.
        if name in OWN_TABLES - {LEDGER}:
            continue
        wanted, got = expected.get(name, _EMPTY), found.get(name, _EMPTY)
        if wanted.rows != got.rows:
            differences.append(f"{name} has {got.rows} rows instead of {wanted.rows}")
        elif wanted != got:
            differences.append(f"{name} has other values in its {got.rows} rows")
    return differences


def settle(database: DatabaseApi) -> None:
    """The dump shows the backup that it is as being made. No run makes it any more, so the next one
    need not wait for its lease."""
    try:
        database.query("UPDATE backup SET lease_until = 0 WHERE status = 'running'")
    except QueryError as error:
        raise Failure(f"The database is restored, and then did not answer: {error}") from error


def apply_newer(database: DatabaseApi, project: Path, known: Sequence[Migration]) -> list[str]:
    """Runs the checkout's migrations that the backup did not have yet; gives their names."""
    try:
        return migrations.apply(database, project, known)
    except migrations.MigrationError as error:
        raise Failure(
            f"The database is restored, but newer migrations did not run: {error} `stowage up` "
            "runs them, too."
        ) from error


def looked_into(database: DatabaseApi) -> Held:
    try:
        return held(database)
    except QueryError as error:
        raise Failure(
            f"The database {database.database_id} could not be looked into: {error} If it was "
            "deleted, `stowage refresh` and `stowage up` make a new one; then run this again."
        ) from error
