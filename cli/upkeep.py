"""What the platform does by itself, as operators see and ask for it: purges, retention, and the
comparison of buckets and database."""

import time
from typing import Annotated, cast

import typer

from cli import options
from cli.api_keys import ApiUrl, OperatorKey, operator_api
from cli.console import Terminal
from cli.failures import Failure
from cli.paging import every_page
from cli.platform_api import Document, PlatformApi
from cli.project import LOCAL_STACK

purges = typer.Typer(no_args_is_help=True, help="Purges of the edge's caches (operators only).")
retention = typer.Typer(no_args_is_help=True, help="What retention removes (operators only).")

_POLL_SECONDS = 1.0
_PURGES = ("tag", "requested_at", "due_at", "attempts", "problem")
_REMOVALS = ("due_at", "kind", "app_id", "version_code", "status", "id", "why")
_FINDINGS = ("kind", "bucket", "key", "version_id", "size", "is_young", "is_repaired")


@purges.command(name="list")
def list_purges(
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    api_url: ApiUrl = None,
    operator_key: OperatorKey = None,
    *,
    as_json: options.Json = False,
) -> None:
    """List what is still to be purged; what was purged is not listed.

    Exit codes: 0 listed, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    found = every_page(operator_api(scope, api_url, operator_key), "/v1/purges", "purges")
    scope.terminal.document({"purges": found})
    _table(scope.terminal, _PURGES, found)


@retention.command()
def plan(
    days: Annotated[
        int, typer.Option("--days", min=0, max=3650, help="What goes within so many days.")
    ] = 0,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    api_url: ApiUrl = None,
    operator_key: OperatorKey = None,
    *,
    as_json: options.Json = False,
) -> None:
    """Show what retention would remove, and why. Removes nothing.

    Exit codes: 0 shown, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    answer = operator_api(scope, api_url, operator_key).get(f"/v1/retention?days={days}")
    scope.terminal.document(answer)
    _table(scope.terminal, _REMOVALS, cast("list[Document]", answer["removals"]))
    if answer["more"]:
        scope.terminal.say("There is more; this is the part that goes first.")


def reconcile(
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    api_url: ApiUrl = None,
    operator_key: OperatorKey = None,
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Delete the orphans that are found.")
    ] = False,
    timeout: Annotated[
        int, typer.Option("--timeout", min=1, help="Seconds to wait for the comparison's end.")
    ] = 300,
    as_json: options.Json = False,
) -> None:
    """Compare the buckets with the database: objects that nobody owns, versions and images whose
    objects are missing. An orphan goes only with --repair and once it is a day old; rows are never
    changed.

    Exit codes: 0 compared, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    api = operator_api(scope, api_url, operator_key)
    asked = api.post("/v1/reconcile", {"repair": repair})
    walk = _finished(scope.terminal, api, cast("Document", asked["under_way"]), timeout)
    scope.terminal.document(walk)
    _table(scope.terminal, _FINDINGS, cast("list[Document]", walk["findings"]))
    scope.terminal.result(
        f"{walk['objects']} objects, {walk['versions']} versions and {walk['images']} images "
        f"compared: {walk['orphans']} orphans ({walk['repaired']} deleted, {walk['young']} too "
        f"young for that), {walk['missing']} objects missing or different."
    )
    errors = cast("list[str]", walk["errors"])
    if errors:
        raise Failure(f"Not everything was compared: {'; '.join(errors)}")


def _finished(terminal: Terminal, api: PlatformApi, begun: Document, seconds: int) -> Document:
    """The walk that was asked for, or one that took its place, at its end."""
    deadline = time.monotonic() + seconds
    with terminal.working("Comparing"):
        while True:
            state = api.get("/v1/reconcile")
            last = cast("Document | None", state["last"])
            if last is not None and str(last["started_at"]) >= str(begun["started_at"]):
                return last
            if time.monotonic() > deadline:
                raise Failure(
                    f"The comparison goes on after {seconds} s. The platform ends it by itself; "
                    "run the command again to see its result."
                )
            time.sleep(_POLL_SECONDS)


def _table(terminal: Terminal, columns: tuple[str, ...], rows: list[Document]) -> None:
    cells = [[str("-" if row[name] is None else row[name]) for name in columns] for row in rows]
    terminal.table(columns, cells)
