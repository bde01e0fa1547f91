"""The destroy command: refuses while data is protected or buckets hold objects, and empties them
first only when told to."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, cast

import typer

from cli import options, summary
from cli.deployment_events import Journal, describe
from cli.failures import Failure, Refusal
from cli.options import Scope
from cli.project import LOCAL_STACK
from cli.rest import DEFAULT_JURISDICTION, AccountApi
from cli.stack_config import read
from cli.target import Target, open_target

CLOUDFLARE_API = "https://api.cloudflare.com/client/v4"
_SAID_EVERY = 500
_BUCKET = "cloudflare:index/r2Bucket:R2Bucket"

_Node = dict[str, object]

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


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket by its physical name, and the jurisdiction without which it is not found."""

    name: str
    jurisdiction: str = DEFAULT_JURISDICTION


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
    resources = stack_resources(target)
    refuse_protected(scope, resources)
    api = account_api(target)
    buckets = stack_buckets(resources)
    if delete_data:
        require_confirmation(scope, confirm, buckets)
        for bucket in buckets:
            empty(scope, api, bucket)
    else:
        refuse_data(api, buckets)
    with scope.terminal.working(f"Destroying stack {scope.stack}"):
        run = target.engine.destroy(Journal(scope.terminal.say))
    if target.local:
        target.local.cloud.settle()
    summary.changes(scope, run, done="destroyed")


def stack_resources(target: Target) -> list[_Node]:
    """The resources in the stack's state: also those of a deployment that never ended."""
    deployment = cast("_Node", target.engine.export_state().get("deployment") or {})
    return cast("list[_Node]", deployment.get("resources") or [])


def stack_buckets(resources: Sequence[_Node]) -> list[Bucket]:
    """The buckets among the resources of a state, by name."""
    outputs = [cast("_Node", one.get("outputs") or {}) for one in resources if _is_bucket(one)]
    buckets = {
        Bucket(str(one.get("name")), str(one.get("jurisdiction") or DEFAULT_JURISDICTION))
        for one in outputs
    }
    return sorted(buckets, key=lambda bucket: bucket.name)


def refuse_protected(scope: Scope, resources: Sequence[_Node]) -> None:
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
        names = ", ".join(bucket.name for bucket in buckets) or "no bucket"
        scope.terminal.say(f"This deletes every object of stack {scope.stack} for ever: {names}.")
        name = str(typer.prompt("The stack's name, to confirm it", err=True))
    if name == scope.stack:
        return
    said = "nobody confirmed it" if name is None else f"{name!r} is not this stack's name"
    raise Refusal(
        f"Nothing was destroyed or deleted: --delete-data deletes the data of stack {scope.stack} "
        f"for ever, and {said}. Give --confirm {scope.stack}, or type the name when asked."
    )


def refuse_data(api: AccountApi, buckets: Sequence[Bucket]) -> None:
    """Raises Refusal when a bucket holds an object, naming each such bucket."""
    full = [one.name for one in buckets if any(api.objects(one.name, one.jurisdiction, limit=1))]
    if full:
        raise Refusal(
            f"Nothing was destroyed: {', '.join(full)} {'holds' if len(full) == 1 else 'hold'} "
            "objects. Save what you need, "
            "then run `stowage destroy --delete-data`, which deletes them first."
        )


def empty(scope: Scope, api: AccountApi, of: Bucket) -> None:
    """Deletes every object of a bucket; repeating it is fine."""
    bucket, deleted = of.name, 0
    # A list that is read while its objects go may pass some over, so it is read again until it is
    # empty.
    for _ in range(10):
        keys = list(api.objects(bucket, of.jurisdiction))
        for key in keys:
            api.delete_object(bucket, key, of.jurisdiction)
            deleted += 1
            if deleted % _SAID_EVERY == 0:
                scope.terminal.say(f"  deleted {deleted} objects of {bucket}")
        if not keys:
            break
    else:
        raise Failure(
            f"Bucket {bucket} does not become empty: something still writes to it. Stop it and "
            "try again."
        )
    if deleted:
        scope.terminal.say(f"Deleted {deleted} objects of {bucket}.")


def account_api(target: Target) -> AccountApi:
    """The account that the stack lies in."""
    if target.local:
        return target.local.account_api()
    token = os.environ.get("CLOUDFLARE_API_TOKEN")
    if not token:
        raise Failure(
            "CLOUDFLARE_API_TOKEN is not set, so the buckets cannot be looked into. Export it and "
            "try again."
        )
    config = read(target.engine.config_file)
    base = os.environ.get("CLOUDFLARE_BASE_URL") or CLOUDFLARE_API
    return AccountApi(base, token, str(config.get("accountId")), str(config.get("zoneId")))


def _is_bucket(resource: _Node) -> bool:
    return resource.get("type") == _BUCKET
