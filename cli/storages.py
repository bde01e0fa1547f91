"""Which storages a stack uses, and what must run or be looked after because of that: the local
cloud's S3 servers, and the data on a storage that would be left."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from cli import versitygw
from cli.failures import Refusal
from cli.local_cloud import LocalCloud
from cli.options import Scope
from cli.stack_buckets import R2, Bucket, BucketData, named, stack_buckets
from cli.stack_config import StackConfig
from cli.state_file import Node
from cli.target import Target, account_api
from local.credentials import STORAGE_SERVERS

if TYPE_CHECKING:
    from cli.server_bucket import ServerBucket

_ORIGIN_SECRET = "storageOriginSecret"  # noqa: S105  (a setting's name)


def used(config: StackConfig) -> tuple[str, ...]:
    """The storages that a configuration names: the active one, and the one it falls back to."""
    names = (config.get("storage") or R2, config.get("fallbackStorage"))
    return tuple(str(name) for name in names if name)


def start_servers(scope: Scope, local: LocalCloud, storages: Iterable[str]) -> None:
    """Has the local cloud run the S3 servers of these storages and no others, the executable built
    first if there is none.

    Raises:
        Failure: it cannot be built, or a server does not come up.
    """
    wanted = sorted(set(storages) & set(STORAGE_SERVERS))
    known = {str(one["server"]) for one in local.cloud.status().get("storage", [])}
    if not wanted:
        if known:
            local.cloud.run_storage([], "")
        return
    binary = versitygw.find(scope.project.root, scope.terminal.say)
    if not known.issuperset(wanted):
        scope.terminal.say(f"Starting the S3 server for {' and '.join(wanted)} ...")
    # Also when it runs: it may be another version's, or still on its way after a restart.
    local.cloud.run_storage(wanted, binary)


def prepare(scope: Scope, target: Target, resources: Iterable[Node], *, deploying: bool) -> None:
    """What must be so before the engine works on the stack: the servers of its buckets run, and
    those that it is about to make. `resources` are those of the stack's state.

    Raises:
        Refusal: it is to be deployed, and a storage would be left that holds data.
        Failure: a server cannot be started.
    """
    buckets = stack_buckets(resources)
    wanted = used(target.config()) if deploying else ()
    if target.local:
        start_servers(scope, target.local, {*wanted, *(one.storage for one in buckets)})
    if deploying:
        _refuse_to_leave_data(scope, target, buckets, wanted)


def bucket_data(target: Target) -> BucketData:
    """The data of the stack's buckets, wherever they lie."""
    return BucketData(lambda: account_api(target), lambda bucket: _server_bucket(target, bucket))


def _refuse_to_leave_data(
    scope: Scope, target: Target, buckets: Iterable[Bucket], wanted: tuple[str, ...]
) -> None:
    """The engine would refuse to delete a bucket that holds data, too, but at its end: when the
    Workers look for the objects in another storage already."""
    left = [one for one in buckets if one.storage not in wanted]
    full = bucket_data(target).full(left)
    if not full:
        return
    old = " and ".join(sorted({one.storage for one in full}))
    keep = f"fallbackStorage={full[0].storage}"
    if scope.is_local:
        go_on = f"`stowage up -c storage={wanted[0]} -c {keep}`"
    else:
        key, _, value = keep.partition("=")
        go_on = f"`pulumi config set --stack {scope.stack} stowage:{key} {value}`, then `up`"
    raise Refusal(
        f"Nothing was changed: stack {scope.stack} would leave the storage {old}, where "
        f"{named(full)} {'holds' if len(full) == 1 else 'hold'} objects. Nothing would find them "
        "any more, and buckets that hold data are not deleted. To move them without downtime, let "
        f"the old storage be read from: {go_on}; then `stowage storage copy --to {wanted[0]}`. If "
        "the data is to go, `stowage destroy --delete-data` deletes it with the stack."
    )


def _server_bucket(target: Target, bucket: Bucket) -> "ServerBucket":
    # Imported late: botocore takes a while, and most commands reach no server.
    from cli.server_bucket import open_bucket

    secret = target.engine.secret_setting(_ORIGIN_SECRET) if bucket.is_proxied else None
    return open_bucket(bucket, secret, os.environ | target.engine.environment)
