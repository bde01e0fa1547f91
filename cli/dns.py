"""The DNS of the local cloud, as people write into it: what a tenant does at its own provider."""

from typing import Annotated, cast

import typer

from cli import options
from cli.cloud_control import running
from cli.local_cloud import LocalCloud

app = typer.Typer(
    no_args_is_help=True,
    help="Records of the local cloud's DNS, which plays the whole world's outside the zone.",
)

_COLUMNS = ("name", "type", "value")

Name = Annotated[str, typer.Argument(help="The full name, such as apt.example.com.")]
_TYPE_HELP = "A, AAAA, CAA, CNAME or TXT."


@app.command(name="list")
def list_records(home: options.Home = None, *, as_json: options.Json = False) -> None:
    """List all records.

    Exit codes: 0 listed, 1 the local cloud is not running.
    """
    scope = options.local_scope(home, as_json=as_json)
    found = running(LocalCloud(scope.project, scope.home)).cloud.dns()
    scope.terminal.document(found)
    rows = [
        [str(one[column]) for column in _COLUMNS]
        for one in cast("list[dict[str, object]]", found["records"])
    ]
    scope.terminal.table(_COLUMNS, rows)


@app.command(name="set")
def set_records(
    name: Name,
    kind: Annotated[str, typer.Argument(metavar="TYPE", help=_TYPE_HELP)],
    values: Annotated[list[str], typer.Argument(metavar="VALUE...", help="One for each record.")],
    home: options.Home = None,
) -> None:
    """Set the records of a name and type, in place of those that it has.

    Exit codes: 0 set, 1 the local cloud is not running or refuses them.
    """
    scope = options.local_scope(home)
    running(LocalCloud(scope.project, scope.home)).cloud.set_dns(name, kind, *values)
    scope.terminal.result(f"{name} has {len(values)} {kind.upper()} record(s).")


@app.command()
def delete(
    name: Name,
    kind: Annotated[
        str | None, typer.Argument(metavar="[TYPE]", help=f"Only this type: {_TYPE_HELP}")
    ] = None,
    home: options.Home = None,
) -> None:
    """Delete the records of a name; none there is a success.

    Exit codes: 0 deleted, 1 the local cloud is not running.
    """
    scope = options.local_scope(home)
    running(LocalCloud(scope.project, scope.home)).cloud.delete_dns(name, kind)
    which = f"{kind.upper()} record" if kind else "record"
    scope.terminal.result(f"{name} has no {which}.")
