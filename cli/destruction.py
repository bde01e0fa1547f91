"""The destroy command: refuses while buckets hold objects, and empties them first only when told
to."""

import os
from typing import Annotated, cast

import typer

from cli import options, summary
from cli.deployment_events import Journal
from cli.failures import Failure, Refusal
from cli.options import Scope
from cli.project import LOCAL_STACK
from cli.rest import AccountApi
from cli.stack_config import read
from cli.target import Target, open_target

CLOUDFLARE_API = "https://api.cloudflare.com/client/v4"
_SAID_EVERY = 500

DeleteData = Annotated[
    bool, typer.Option("--delete-data", help="Delete every object in the stack's buckets first.")
]


def destroy(
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    delete_data: DeleteData = False,
    as_json: options.Json = False,
) -> None:
    """Delete everything of the stack. Refuses while a bucket holds objects, and names the buckets.

    The local cloud keeps running, empty; `stowage down` stops it.

    Exit codes: 0 destroyed, 1 failed, 2 wrong usage, 3 refused because there is data.
    """
    scope = options.scope(home, stack, as_json=as_json)
    target = open_target(scope)
    api = account_api(target)
    buckets = stack_buckets(target)
    if delete_data:
        for bucket in buckets:
            empty(scope, api, bucket)
    else:
        refuse_data(api, buckets)
    with scope.terminal.working(f"Destroying stack {scope.stack}"):
        run = target.engine.destroy(Journal(scope.terminal.say))
    if target.local:
        target.local.cloud.settle()
    summary.changes(scope, run, done="destroyed")


def stack_buckets(target: Target) -> list[str]:
    """The physical names of the stack's buckets, out of its state: also those of a deployment that
    never ended."""
    document = target.engine.export_state()
    deployment = cast("dict[str, object]", document.get("deployment") or {})
    resources = cast("list[dict[str, object]]", deployment.get("resources") or [])
    return sorted(
        {
            str(cast("dict[str, object]", one.get("outputs") or {}).get("name"))
            for one in resources
            if one.get("type") == "cloudflare:index/r2Bucket:R2Bucket"
        }
    )


def refuse_data(api: AccountApi, buckets: list[str]) -> None:
    """Raises Refusal when a bucket holds an object, naming each such bucket."""
    full = [bucket for bucket in buckets if any(api.objects(bucket, limit=1))]
    if full:
        raise Refusal(
            f"Nothing was destroyed: {', '.join(full)} {'holds' if len(full) == 1 else 'hold'} "
            "objects. Save what you need, "
            "then run `stowage destroy --delete-data`, which deletes them first."
        )


def empty(scope: Scope, api: AccountApi, bucket: str) -> None:
    """Deletes every object of a bucket; repeating it is fine."""
    deleted = 0
    # A list that is read while its objects go may pass some over, so it is read again until it is
    # empty.
    for _ in range(10):
        keys = list(api.objects(bucket))
        for key in keys:
            api.delete_object(bucket, key)
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
