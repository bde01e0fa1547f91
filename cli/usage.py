"""The usage commands: what was downloaded of an app and of a repository, by day."""

from typing import Annotated, cast
from urllib.parse import quote

import typer

from cli.platform_api import Document
from cli.platform_command import Caller, for_owners

app = typer.Typer(
    no_args_is_help=True, help="Show what was downloaded of an app or of a repository, by day."
)

Days = Annotated[
    int, typer.Option("--days", min=1, max=366, help="The last so many days, today among them.")
]

_VERSIONS = ("version_id", "version_code", "version_name", "downloads", "sent_bytes")
_DOWNLOADS = ("day", "downloads", "sent_bytes")
_REQUESTS = ("day", "requests", "sent_bytes", "client_errors", "server_errors", "hit_ratio")
_DATE = len("2026-01-31")


@app.command(name="app")
@for_owners
def app_usage(
    caller: Caller,
    app_id: Annotated[str, typer.Argument(metavar="APP", help="The app's id.")],
    days: Days = 30,
) -> None:
    """Show the downloads of an app, by day and by version. Some minutes old.

    Exit codes: 0 shown, 1 failed, 2 wrong usage.
    """
    path = f"/v1/apps/{quote(app_id, safe='')}/usage?days={days}"
    found = _read(caller, path)
    _table(caller, _DOWNLOADS, found["days"])
    _table(caller, _VERSIONS, found["versions"])
    caller.terminal.result(f"{found['downloads']} downloads, {found['sent_bytes']} bytes sent.")


@app.command()
@for_owners
def repository(
    caller: Caller,
    repository_id: Annotated[str, typer.Argument(metavar="ID", help="The repository's id.")],
    days: Days = 30,
) -> None:
    """Show the requests to a repository's location, by day. Some minutes old.

    Exit codes: 0 shown, 1 failed, 2 wrong usage.
    """
    path = f"/v1/repositories/{quote(repository_id, safe='')}/usage?days={days}"
    found = _read(caller, path)
    _table(caller, _REQUESTS, found["days"])
    caller.terminal.result(f"{found['requests']} requests, {found['sent_bytes']} bytes sent.")


def _read(caller: Caller, path: str) -> Document:
    found = caller.either().get(path)
    caller.terminal.document(found)
    return found


def _table(caller: Caller, columns: tuple[str, ...], rows: object) -> None:
    shown = [
        [str(row[name])[:_DATE] if name == "day" else str(row[name]) for name in columns]
        for row in cast("list[Document]", rows)
    ]
    if shown:
        caller.terminal.table(columns, shown)
