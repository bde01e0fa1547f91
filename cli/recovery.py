"""What restoring and rebuilding work on: a deployed stack, and its database or another one."""

from typing import Annotated

import typer

from cli.database_api import DatabaseApi
from cli.options import Scope
from cli.target import Target, account_api, nothing_deployed, read_target

DatabaseId = Annotated[
    str | None,
    typer.Option("--database-id", help="Another D1 database of the account, for a drill."),
]


def deployed(scope: Scope) -> Target:
    """The stack, by what its state says; nothing of it need run.

    Raises:
        Failure: nothing is deployed.
    """
    target = read_target(scope)
    if not target.engine.outputs():
        raise nothing_deployed(scope)
    return target


def database_of(target: Target, database_id: str | None) -> DatabaseApi:
    own = str(target.engine.outputs()["database_id"].value)
    return DatabaseApi(account_api(target), database_id or own)
