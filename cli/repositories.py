"""The repositories commands: what repositories there are, and their generations."""

from typing import Annotated, cast

import typer

from cli.paging import every_page
from cli.platform_api import Document
from cli.platform_command import Caller, for_tenant_or_operator
from cli.publish import repository_path

app = typer.Typer(
    no_args_is_help=True, help="List repositories, and show one with its generations."
)

_COLUMNS = ("id", "hostname", "distribution", "generation", "tenant_id")
_GENERATIONS = ("generation", "state", "file_count", "bytes", "published_at", "due_at")


@app.command(name="list")
@for_tenant_or_operator
def list_repositories(caller: Caller) -> None:
    """List a tenant's repositories, or all with an operator's key.

    Exit codes: 0 listed, 1 failed, 2 wrong usage.
    """
    api = caller.either()
    found = every_page(api, "/v1/repositories", "repositories")
    caller.terminal.document({"repositories": found})
    caller.terminal.table(_COLUMNS, [_row(one, _COLUMNS) for one in found])


@app.command()
@for_tenant_or_operator
def show(
    caller: Caller,
    repository_id: Annotated[str, typer.Argument(metavar="ID", help="The repository's id.")],
) -> None:
    """Show a repository and the generations of its location, the newest first.

    Exit codes: 0 shown, 1 failed, 2 wrong usage.
    """
    api = caller.either()
    path = repository_path(repository_id)
    repository = cast("Document", api.get(path)["repository"])
    publications = every_page(api, f"{path}/publications", "publications")
    caller.terminal.document({"repository": repository, "publications": publications})
    for name, value in repository.items():
        if value is not None:
            caller.terminal.result(f"{name}: {value}")
    if publications:
        caller.terminal.result("")
        caller.terminal.table(_GENERATIONS, [_row(one, _GENERATIONS) for one in publications])


def _row(one: Document, columns: tuple[str, ...]) -> list[str]:
    return ["-" if one.get(name) is None else str(one[name]) for name in columns]
