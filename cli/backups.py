"""The backup commands: list, create and verify backups of the database, and make it anew from one,
or from the packages themselves."""

import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, cast
from urllib.parse import quote

import typer

from cli import options, rebuilding, restoring
from cli.api_keys import ApiUrl, OperatorKey, operator_api
from cli.backup_source import LATEST, choose, fetch, manifests, read_manifest
from cli.console import Terminal
from cli.database_api import DatabaseApi
from cli.dump_file import DumpFile
from cli.failures import Failure, Refusal
from cli.options import Scope
from cli.platform_api import Document, PlatformApi
from cli.project import LOCAL_STACK
from cli.recovery import DatabaseId, database_of, deployed
from cli.stored_objects import stored_objects
from cli.target import Target
from functions.core.backup_manifest import Manifest
from functions.core.times import rfc3339
from infra import migrations

app = typer.Typer(
    no_args_is_help=True,
    help="Backups of the database: list, create, verify and restore them.",
)

_MAX_PAGES = 10_000
_POLL_SECONDS = 1.0
_OPEN = frozenset({"requested", "running"})

BackupId = Annotated[
    str, typer.Argument(metavar="ID", help="The backup's id; by default the latest one.")
]
Replace = Annotated[
    bool, typer.Option("--replace", help="Replace the rows that the database holds.")
]
Confirm = Annotated[
    str | None,
    typer.Option(
        "--confirm", metavar="NAME", help="The stack's name once more, for --replace on a real one."
    ),
]
FromBucket = Annotated[
    bool, typer.Option("--bucket", help="Read the bucket itself; needs no running platform.")
]
Timeout = Annotated[int, typer.Option("--timeout", min=1, help="Seconds to wait for the backup.")]


@app.command(name="list")
def list_backups(
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    api_url: ApiUrl = None,
    operator_key: OperatorKey = None,
    *,
    from_bucket: FromBucket = False,
    as_json: options.Json = False,
) -> None:
    """List the backups, the newest first.

    Exit codes: 0 listed, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    if from_bucket:
        found = _in_bucket(deployed(scope))
    else:
        found = _of_platform(operator_api(scope, api_url, operator_key))
    scope.terminal.document({"backups": found})
    columns = ["id", "status", "started_at", "size", "row_count", "problem"]
    shown = [[str(one.get(name) or "-") for name in columns] for one in found]
    scope.terminal.table(columns, shown)


@app.command()
def create(
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    api_url: ApiUrl = None,
    operator_key: OperatorKey = None,
    *,
    timeout: Timeout = 900,
    as_json: options.Json = False,
) -> None:
    """Have the platform make a backup now, and wait for it.

    Exit codes: 0 made, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    api = operator_api(scope, api_url, operator_key)
    backup = cast("Document", api.post("/v1/backups")["backup"])
    deadline = time.monotonic() + timeout
    with scope.terminal.working(f"Making backup {backup['id']}"):
        while backup["status"] in _OPEN:
            if time.monotonic() > deadline:
                raise Failure(
                    f"Backup {backup['id']} is still {backup['status']} after {timeout} s. The "
                    "platform goes on with it; look again with `stowage backup list`."
                )
            time.sleep(_POLL_SECONDS)
            backup = cast("Document", api.get(f"/v1/backups/{backup['id']}")["backup"])
    scope.terminal.document({"backup": backup})
    if backup["status"] != "complete":
        raise Failure(f"Backup {backup['id']} failed: {backup.get('problem')}")
    scope.terminal.result(
        f"Backup {backup['id']} is made: {backup['row_count']} rows, {backup['size']} bytes."
    )


@app.command()
def verify(
    backup_id: BackupId = LATEST,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    as_json: options.Json = False,
) -> None:
    """Read a backup from the bucket and make a database of it on this machine: proves that it could
    be restored. Needs no running platform.

    Exit codes: 0 it is whole, 1 it is not, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    objects = stored_objects(deployed(scope), "backups")
    with tempfile.TemporaryDirectory(prefix="stowage-backup-") as folder:
        fetched = fetch(scope.terminal, objects, choose(objects, backup_id), Path(folder))
    content = fetched.manifest.content
    rows = {name: table.rows for name, table in content.tables.items()}
    scope.terminal.document({"id": fetched.manifest.backup_id, "whole": True, "rows": rows})
    scope.terminal.result(
        f"Backup {fetched.manifest.backup_id} of {rfc3339(fetched.manifest.started_at)} is whole: "
        f"{sum(rows.values())} rows in {len(rows)} tables."
    )


@app.command()
def restore(
    backup_id: BackupId = LATEST,
    database_id: DatabaseId = None,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    replace: Replace = False,
    confirm: Confirm = None,
    as_json: options.Json = False,
) -> None:
    """Make the database what a backup says. Needs Cloudflare's API and the bucket, but neither the
    platform nor the database as it was. Everything happens at once or not at all; run it again
    after it broke off.

    Exit codes: 0 restored, 1 failed, 2 wrong usage, 3 refused: the database holds rows, or the
    backup is of a newer version.
    """
    scope = options.scope(home, stack, as_json=as_json)
    target = deployed(scope)
    database = database_of(target, database_id)
    objects = stored_objects(target, "backups")
    known = _known(scope)
    place = choose(objects, backup_id)
    restoring.refuse_newer(read_manifest(objects, place), known)
    before = restoring.looked_into(database)
    _refuse_used(scope, before, confirm, replace=replace)
    with tempfile.TemporaryDirectory(prefix="stowage-backup-") as name:
        folder = Path(name)
        fetched = fetch(scope.terminal, objects, place, folder)
        with scope.terminal.working(f"Restoring {fetched.manifest.backup_id}"):
            statements = folder / "import.sql"
            cut = restoring.write_import(fetched.dump, before, statements)
            database.import_file(statements)
        _prove(scope.terminal, database, fetched.manifest, folder)
    restoring.settle(database)
    newer = restoring.apply_newer(database, scope.project.root, known)
    content = fetched.manifest.content
    rows = {name: table.rows for name, table in content.tables.items()}
    scope.terminal.document(
        {
            "id": fetched.manifest.backup_id,
            "database_id": database.database_id,
            "made_at": rfc3339(fetched.manifest.started_at),
            "rows": rows,
            "cut_rows": cut,
            "newer_migrations": newer,
        }
    )
    scope.terminal.result(
        f"The database is as it was at {rfc3339(fetched.manifest.started_at)}: "
        f"{sum(rows.values())} rows in {len(rows)} tables, compared with the backup one by one."
    )
    scope.terminal.say(
        "Versions that were published since are in the packages bucket and have no rows: "
        "`stowage backup rebuild` finds them."
    )


app.command()(rebuilding.rebuild)


def _known(scope: Scope) -> tuple[migrations.Migration, ...]:
    try:
        return migrations.declared(scope.project.root)
    except migrations.MigrationError as error:
        raise Failure(str(error)) from error


def _refuse_used(
    scope: Scope, before: restoring.Held, confirm: str | None, *, replace: bool
) -> None:
    """Raises Refusal where rows would go that nobody said may go."""
    if not before.used:
        return
    rows = ", ".join(f"{name} ({count})" for name, count in before.used.items())
    if not replace:
        raise Refusal(
            f"Nothing was restored: the database holds rows in {rows}. If the backup is to take "
            "their place, make a backup of them first (`stowage backup create`), then give "
            "--replace."
        )
    if scope.is_local or confirm == scope.stack:
        return
    given = confirm
    if given is None and sys.stdin.isatty():
        scope.terminal.say(f"This replaces every row of stack {scope.stack}: {rows}.")
        given = str(typer.prompt("The stack's name, to confirm it", err=True))
    if given != scope.stack:
        said = "nobody confirmed it" if given is None else f"{given!r} is not this stack's name"
        raise Refusal(
            f"Nothing was restored: --replace replaces every row of stack {scope.stack}, and "
            f"{said}. Give --confirm {scope.stack}, or type the name when asked."
        )


def _prove(terminal: Terminal, database: DatabaseApi, manifest: Manifest, folder: Path) -> None:
    """Exports the database again and compares it with the backup, table by table.

    Raises:
        Failure: it differs.
    """
    again = folder / "again.sql"
    with terminal.working("Comparing the database with the backup"):
        database.export(again)
        differences = restoring.compare(manifest, DumpFile(again))
    if differences:
        raise Failure(
            f"The database differs from the backup: {'; '.join(differences)}. Where the platform "
            "was serving meanwhile, this may be its own work: look at it, or stop what writes and "
            "run the command again with --replace."
        )


def _in_bucket(target: Target) -> list[Document]:
    objects = stored_objects(target, "backups")
    found: list[Document] = []
    for place in manifests(objects):
        manifest = read_manifest(objects, place)
        found.append(
            {
                "id": manifest.backup_id,
                "status": "complete",
                "started_at": rfc3339(manifest.started_at),
                "finished_at": rfc3339(manifest.finished_at),
                "object_key": manifest.dump_key,
                "size": manifest.dump_size,
                "sha256": manifest.dump_sha256,
                "row_count": sum(one.rows for one in manifest.content.tables.values()),
            }
        )
    return found


def _of_platform(api: PlatformApi) -> list[Document]:
    """The backups of every page."""
    found: list[Document] = []
    before = ""
    for _ in range(_MAX_PAGES):
        answer = api.get(f"/v1/backups{before}")
        found += cast("list[Document]", answer["backups"])
        if not answer.get("next"):
            break
        before = f"?before={quote(str(answer['next']))}"
    return found
