"""The repositories commands: what repositories there are, and their generations."""

from typing import Annotated, cast

import typer

from cli import options
from cli.api_keys import ApiUrl, OperatorKey
from cli.paging import every_page
from cli.platform_api import Document
from cli.project import LOCAL_STACK
from cli.publish import TenantKey, repository_api, repository_path

app = typer.Typer(
    no_args_is_help=True, help="List repositories, and show one with its generations."
)

_COLUMNS = ("id", "hostname", "distribution", "generation", "tenant_id")
_GENERATIONS = ("generation", "state", "file_count", "bytes", "published_at", "due_at")


@app.command(name="list")
def list_repositories(
    key: TenantKey = None,
    operator_key: OperatorKey = None,
    api_url: ApiUrl = None,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    as_json: options.Json = False,
) -> None:
    """List a tenant's repositories, or all with an operator's key.

    Exit codes: 0 listed, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    api = repository_api(scope, api_url, key, operator_key)
    found = every_page(api, "/v1/repositories", "repositories")
    scope.terminal.document({"repositories": found})
    scope.terminal.table(_COLUMNS, [_row(one, _COLUMNS) for one in found])


@app.command()
def show(
    repository_id: Annotated[str, typer.Argument(metavar="ID", help="The repository's id.")],
    key: TenantKey = None,
    operator_key: OperatorKey = None,
    api_url: ApiUrl = None,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    as_json: options.Json = False,
) -> None:
    """Show a repository and the generations of its location, the newest first.

    Exit codes: 0 shown, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    api = repository_api(scope, api_url, key, operator_key)
    path = repository_path(repository_id)
    repository = cast("Document", api.get(path)["repository"])
    publications = every_page(api, f"{path}/publications", "publications")
    scope.terminal.document({"repository": repository, "publications": publications})
    for name, value in repository.items():
        if value is not None:
            scope.terminal.result(f"{name}: {value}")
    if publications:
        scope.terminal.result("")
        scope.terminal.table(_GENERATIONS, [_row(one, _GENERATIONS) for one in publications])


def _row(one: Document, columns: tuple[str, ...]) -> list[str]:
    return ["-" if one.get(name) is None else str(one[name]) for name in columns]
