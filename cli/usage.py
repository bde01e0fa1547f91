"""The usage commands: what was downloaded of an app and of a repository, by day."""

from typing import Annotated, cast
from urllib.parse import quote

import typer

from cli import options
from cli.api_keys import ApiUrl, OperatorKey, developer_api, operator_api
from cli.options import Scope
from cli.platform_api import Document
from cli.project import LOCAL_STACK

app = typer.Typer(
    no_args_is_help=True, help="Show what was downloaded of an app or of a repository, by day."
)

Days = Annotated[
    int, typer.Option("--days", min=1, max=366, help="The last so many days, today among them.")
]

OwnerKey = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="STOWAGE_KEY",
        help="Better set STOWAGE_KEY: arguments are visible to every user of the machine. The API "
        "key of whose it is, a developer or a tenant; without it, an operator asks.",
    ),
]

_VERSIONS = ("version_id", "version_code", "version_name", "downloads", "sent_bytes")
_DOWNLOADS = ("day", "downloads", "sent_bytes")
_REQUESTS = ("day", "requests", "sent_bytes", "client_errors", "server_errors", "hit_ratio")
_DATE = len("2026-01-31")


@app.command(name="app")
def app_usage(
    app_id: Annotated[str, typer.Argument(metavar="APP", help="The app's id.")],
    days: Days = 30,
    key: OwnerKey = None,
    operator_key: OperatorKey = None,
    api_url: ApiUrl = None,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    as_json: options.Json = False,
) -> None:
    """Show the downloads of an app, by day and by version. Some minutes old.

    Exit codes: 0 shown, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    path = f"/v1/apps/{quote(app_id, safe='')}/usage?days={days}"
    found = _read(scope, path, api_url, key, operator_key)
    _table(scope, _DOWNLOADS, found["days"])
    _table(scope, _VERSIONS, found["versions"])
    scope.terminal.result(f"{found['downloads']} downloads, {found['sent_bytes']} bytes sent.")


@app.command()
def repository(
    repository_id: Annotated[str, typer.Argument(metavar="ID", help="The repository's id.")],
    days: Days = 30,
    key: OwnerKey = None,
    operator_key: OperatorKey = None,
    api_url: ApiUrl = None,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    as_json: options.Json = False,
) -> None:
    """Show the requests to a repository's location, by day. Some minutes old.

    Exit codes: 0 shown, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    path = f"/v1/repositories/{quote(repository_id, safe='')}/usage?days={days}"
    found = _read(scope, path, api_url, key, operator_key)
    _table(scope, _REQUESTS, found["days"])
    scope.terminal.result(f"{found['requests']} requests, {found['sent_bytes']} bytes sent.")


def _read(
    scope: Scope, path: str, api_url: str | None, key: str | None, operator_key: str | None
) -> Document:
    """As the owner whose key is given, else as an operator."""
    api = developer_api(scope, api_url, key) if key else operator_api(scope, api_url, operator_key)
    found = api.get(path)
    scope.terminal.document(found)
    return found


def _table(scope: Scope, columns: tuple[str, ...], rows: object) -> None:
    shown = [
        [str(row[name])[:_DATE] if name == "day" else str(row[name]) for name in columns]
        for row in cast("list[Document]", rows)
    ]
    if shown:
        scope.terminal.table(columns, shown)
