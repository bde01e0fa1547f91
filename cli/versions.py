"""The versions commands: what becomes of a version after its upload."""

from typing import Annotated, cast
from urllib.parse import quote

import typer

from cli import options
from cli.api_keys import (
    ApiUrl,
    AsOperator,
    DeveloperKey,
    OperatorKey,
    developer_api,
    operator_api,
)
from cli.options import Scope
from cli.paging import every_page
from cli.platform_api import Document, PlatformApi
from cli.project import LOCAL_STACK

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
def show(
    version_id: Id,
    key: DeveloperKey = None,
    operator_key: OperatorKey = None,
    api_url: ApiUrl = None,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    as_json: options.Json = False,
) -> None:
    """Show a version.

    Exit codes: 0 shown, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    answer = _api(scope, api_url, key, operator_key).get(f"/v1/versions/{quote(version_id)}")
    scope.terminal.document(answer)
    for name, value in cast("Document", answer["version"]).items():
        if value not in (None, []):
            scope.terminal.result(f"{name}: {value}")


@app.command(name="list")
def list_versions(
    app_id: Annotated[str, typer.Argument(metavar="APP", help="The app's id.")],
    key: DeveloperKey = None,
    operator_key: OperatorKey = None,
    api_url: ApiUrl = None,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    as_json: options.Json = False,
) -> None:
    """List the versions of an app, the newest first.

    Exit codes: 0 listed, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    api = _api(scope, api_url, key, operator_key)
    found = every_page(api, f"/v1/apps/{quote(app_id)}/versions", "versions")
    scope.terminal.document({"versions": found})
    scope.terminal.table(_COLUMNS, [_row(version) for version in found])


@app.command()
def publish(
    version_id: Id,
    key: DeveloperKey = None,
    api_url: ApiUrl = None,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    as_json: options.Json = False,
) -> None:
    """Publish a draft and make it the app's current version. Repeating it is fine.

    Exit codes: 0 published, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    _change(scope, developer_api(scope, api_url, key), version_id, "publish")


@app.command()
def reject(
    version_id: Id,
    reason: Reason,
    operator_key: OperatorKey = None,
    api_url: ApiUrl = None,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    as_json: options.Json = False,
) -> None:
    """Reject a draft, as an operator. Its version code stays taken. Repeating it is fine.

    Exit codes: 0 rejected, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    api = operator_api(scope, api_url, operator_key)
    _change(scope, api, version_id, "reject", {"reason": reason})


@app.command()
def pull(
    version_id: Id,
    reason: Reason,
    key: DeveloperKey = None,
    operator_key: OperatorKey = None,
    api_url: ApiUrl = None,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    as_operator: AsOperator = False,
    as_json: options.Json = False,
) -> None:
    """Take a published version back: no URL is given out for it any more, and those that are out
    are refused within seconds. Repeating it is fine.

    Exit codes: 0 pulled, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    api = _api(scope, api_url, None if as_operator else key, operator_key)
    answer = _change(scope, api, version_id, "pull", {"reason": reason})
    if answer["purge"] == "pending":
        scope.terminal.say("The caches are purged in a moment: `stowage purges list`.")


@app.command()
def restore(
    version_id: Id,
    key: DeveloperKey = None,
    operator_key: OperatorKey = None,
    api_url: ApiUrl = None,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    as_operator: AsOperator = False,
    as_json: options.Json = False,
) -> None:
    """Publish a pulled version again. It becomes current only where the app has no current
    version. What an operator pulled, only an operator restores. Repeating it is fine.

    Exit codes: 0 restored, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    api = _api(scope, api_url, None if as_operator else key, operator_key)
    _change(scope, api, version_id, "restore")


@app.command()
def rollback(
    version_id: Id,
    key: DeveloperKey = None,
    operator_key: OperatorKey = None,
    api_url: ApiUrl = None,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    as_operator: AsOperator = False,
    as_json: options.Json = False,
) -> None:
    """Make an old published version the app's current one again. Repeating it is fine.

    Exit codes: 0 it is current, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    api = _api(scope, api_url, None if as_operator else key, operator_key)
    _change(scope, api, version_id, "rollback")


def _api(
    scope: Scope, api_url: str | None, key: str | None, operator_key: str | None
) -> PlatformApi:
    """Called as the developer whose key is given, else as an operator."""
    if key:
        return developer_api(scope, api_url, key)
    return operator_api(scope, api_url, operator_key)


def _change(
    scope: Scope, api: PlatformApi, version_id: str, action: str, body: Document | None = None
) -> Document:
    answer = api.post(f"/v1/versions/{quote(version_id)}/{action}", body)
    version = cast("Document", answer["version"])
    scope.terminal.document(answer)
    scope.terminal.result(
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
