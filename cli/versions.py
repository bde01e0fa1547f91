"""The versions commands: what becomes of a version after its upload."""

from typing import Annotated, cast
from urllib.parse import quote

import typer

from cli import options
from cli.api_keys import AsOperator
from cli.paging import every_page
from cli.platform_api import Document, PlatformApi
from cli.platform_command import Caller, for_developers, for_either, for_operators

app = typer.Typer(
    no_args_is_help=True,
    help="Show, publish, reject, pull, restore versions, and roll back to one.",
)

Id = Annotated[str, typer.Argument(metavar="ID", help="The version's id.")]
Reason = Annotated[
    str, typer.Option("--reason", help="Why, in words that its developer reads; one line.")
]

_COLUMNS = ("id", "version_code", "version_name", "status", "due_at", "withdrawn_because")


@app.command()
@for_either
def show(caller: Caller, version_id: Id) -> None:
    """Show a version.

    Exit codes: 0 shown, 1 failed, 2 wrong usage.
    """
    answer = caller.either().get(f"/v1/versions/{quote(version_id)}")
    caller.terminal.document(answer)
    for name, value in cast("Document", answer["version"]).items():
        if value not in (None, []):
            caller.terminal.result(f"{name}: {value}")


@app.command(name="list")
@for_either
def list_versions(caller: Caller, app_id: options.AppId) -> None:
    """List the versions of an app, the newest first.

    Exit codes: 0 listed, 1 failed, 2 wrong usage.
    """
    api = caller.either()
    found = every_page(api, f"/v1/apps/{quote(app_id)}/versions", "versions")
    caller.terminal.document({"versions": found})
    caller.terminal.table(_COLUMNS, [_row(version) for version in found])


@app.command()
@for_developers
def publish(caller: Caller, version_id: Id) -> None:
    """Publish a draft and make it the app's current version. Repeating it is fine.

    Exit codes: 0 published, 1 failed, 2 wrong usage.
    """
    _change(caller, caller.developer(), version_id, "publish")


@app.command()
@for_operators
def reject(caller: Caller, version_id: Id, reason: Reason) -> None:
    """Reject a draft, as an operator. Its version code stays taken. Repeating it is fine.

    Exit codes: 0 rejected, 1 failed, 2 wrong usage.
    """
    api = caller.operator()
    _change(caller, api, version_id, "reject", {"reason": reason})


@app.command()
@for_either
def pull(
    caller: Caller,
    version_id: Id,
    reason: Reason,
    *,
    as_operator: AsOperator = False,
) -> None:
    """Take a published version back: no URL is given out for it any more, and those that are out
    are refused within seconds. Repeating it is fine.

    Exit codes: 0 pulled, 1 failed, 2 wrong usage.
    """
    api = caller.either(as_operator=as_operator)
    answer = _change(caller, api, version_id, "pull", {"reason": reason})
    if answer["purge"] == "pending":
        caller.terminal.say("The caches are purged in a moment: `stowage purges list`.")


@app.command()
@for_either
def restore(
    caller: Caller,
    version_id: Id,
    *,
    as_operator: AsOperator = False,
) -> None:
    """Publish a pulled version again. It becomes current only where the app has no current
    version. What an operator pulled, only an operator restores. Repeating it is fine.

    Exit codes: 0 restored, 1 failed, 2 wrong usage.
    """
    api = caller.either(as_operator=as_operator)
    _change(caller, api, version_id, "restore")


@app.command()
@for_either
def rollback(
    caller: Caller,
    version_id: Id,
    *,
    as_operator: AsOperator = False,
) -> None:
    """Make an old published version the app's current one again. Repeating it is fine.

    Exit codes: 0 it is current, 1 failed, 2 wrong usage.
    """
    api = caller.either(as_operator=as_operator)
    _change(caller, api, version_id, "rollback")


def _change(
    caller: Caller, api: PlatformApi, version_id: str, action: str, body: Document | None = None
) -> Document:
    answer = api.post(f"/v1/versions/{quote(version_id)}/{action}", body)
    version = cast("Document", answer["version"])
    caller.terminal.document(answer)
    caller.terminal.result(
        f"Version {version['id']} is {_state(version)} (version code {version['version_code']})."
    )
    return answer


def _state(version: Document) -> str:
    if version["status"] != "published":
        return str(version["status"])
    return "published and current" if version["is_current"] else "published, old"


def _row(version: Document) -> list[str]:
    shown = version | {"status": _state(version)}
    return [str(shown[name] if shown[name] is not None else "-") for name in _COLUMNS]
