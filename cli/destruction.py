"""The destroy command: refuses while data is protected or buckets hold objects, and empties them
first only when told to."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from cli import options, storages, summary
from cli.deployment_events import Journal, describe
from cli.failures import Refusal
from cli.options import Scope
from cli.project import LOCAL_STACK
from cli.stack_buckets import Bucket, BucketData, named, stack_buckets
from cli.state_file import Node
from cli.target import open_target

DeleteData = Annotated[
    bool, typer.Option("--delete-data", help="Delete every object in the stack's buckets first.")
]
Confirm = Annotated[
    str | None,
    typer.Option(
        "--confirm",
        metavar="NAME",
        help="The stack's name once more, which --delete-data needs for a real stack; else it is "
        "asked for.",
    ),
]


def destroy(
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    delete_data: DeleteData = False,
    confirm: Confirm = None,
    as_json: options.Json = False,
) -> None:
    """Delete everything of the stack. Refuses while data is protected or a bucket holds objects,
    and names them.

    The local cloud keeps running, empty; `stowage down` stops it.

    Exit codes: 0 destroyed, 1 failed, 2 wrong usage, 3 refused: there is data, it is protected, or
    its deletion was not confirmed.
    """
    scope = options.scope(home, stack, as_json=as_json)
    target = open_target(scope)
    resources = target.resources()
    refuse_protected(scope, resources)
    storages.prepare(scope, target, resources, deploying=False)
    data = storages.bucket_data(target)
    buckets = stack_buckets(resources)
    if delete_data:
        require_confirmation(scope, confirm, buckets)
        for bucket in buckets:
            data.empty(bucket, scope.terminal.say)
    else:
        refuse_data(data, buckets)
    with scope.terminal.working(f"Destroying stack {scope.stack}"):
        run = target.engine.destroy(Journal(scope.terminal.say))
    if target.local:
        target.local.cloud.settle()
    summary.changes(scope, run, done="destroyed")


def refuse_protected(scope: Scope, resources: Sequence[Node]) -> None:
    """Raises Refusal when a resource is protected. The engine refuses, too, but only when it is
    asked to delete: after the buckets were emptied."""
    protected = [describe("", str(one["urn"])) for one in resources if one.get("protect") is True]
    if not protected:
        return
    unlock = f"`stowage up --stack {scope.stack}`"
    if scope.is_local:
        unlock = "`stowage up -c protectData=false`"
    else:
        setting = f"`pulumi config set --stack {scope.stack} stowage:protectData false`"
        unlock = f"{setting}, then {unlock}"
    raise Refusal(
        f"Nothing was destroyed or deleted: {', '.join(protected)} "
        f"{'is' if len(protected) == 1 else 'are'} protected (setting protectData). If this data "
        f"is to go, take the protection off first: {unlock}."
    )


def require_confirmation(scope: Scope, given: str | None, buckets: Sequence[Bucket]) -> None:
    """Lets the data of a real stack go only after its name was given or typed.

    Raises:
        Refusal: it was not, or it was another name.
    """
    if scope.is_local:
        return
    name = given
    if name is None and sys.stdin.isatty():
        names = named(buckets) or "no bucket"
        scope.terminal.say(f"This deletes every object of stack {scope.stack} for ever: {names}.")
        name = str(typer.prompt("The stack's name, to confirm it", err=True))
    if name == scope.stack:
        return
    said = "nobody confirmed it" if name is None else f"{name!r} is not this stack's name"
    raise Refusal(
        f"Nothing was destroyed or deleted: --delete-data deletes the data of stack {scope.stack} "
        f"for ever, and {said}. Give --confirm {scope.stack}, or type the name when asked."
    )


def refuse_data(data: BucketData, buckets: Sequence[Bucket]) -> None:
    """Raises Refusal when a bucket holds data, naming each such bucket."""
    full = data.full(buckets)
    if full:
        raise Refusal(
            f"Nothing was destroyed: {named(full)} {'holds' if len(full) == 1 else 'hold'} "
            "objects. Save what you need, "
            "then run `stowage destroy --delete-data`, which deletes them first."
        )
