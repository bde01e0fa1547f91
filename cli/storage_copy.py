"""The command that moves a stack's objects to another storage."""

import json
import os
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn

from cli import options
from cli.bucket_copy import BucketCopy, Tally
from cli.cloud_folder import COPIES
from cli.console import Terminal
from cli.copy_journal import CopyJournal
from cli.engine import Output
from cli.failures import Failure, UsageFailure
from cli.object_copy import Side
from cli.options import Scope
from cli.project import LOCAL_STACK
from cli.s3_buckets import S3Keys, Storage, connect, said_clearly
from cli.target import Target, nothing_deployed, read_target
from functions.core.storages import PROFILES
from infra.keys import storage_origin_secrets

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

app = typer.Typer(
    no_args_is_help=True, help="The storage behind a stack, and moving to another one."
)


@app.callback()
def storage() -> None:
    """The storage behind a stack, and moving to another one."""


_LINE_SECONDS = 5.0

To = Annotated[
    str, typer.Option("--to", metavar="NAME", help="The storage to copy to: r2, b2 or minio.")
]
Threads = Annotated[
    int, typer.Option("--threads", min=1, max=64, help="How many objects are copied at once.")
]
Prune = Annotated[
    bool,
    typer.Option("--prune", help="Delete copies whose object was deleted in the source since."),
]


@app.command()
def copy(
    to: To,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    threads: Threads = 8,
    prune: Prune = False,
    as_json: options.Json = False,
) -> None:
    """Copy all objects of the stack to its other storage, which `fallbackStorage` declares.

    Every copy is verified by size and SHA-256. Run it again after it broke off, and again until
    nothing is left to copy: what is done is not done twice. docs/moving-storages.md tells how to
    switch without downtime.

    The access keys of both sides are read from STOWAGE_{R2,B2,MINIO}_ACCESS_KEY_ID and
    _SECRET_ACCESS_KEY; the local cloud has its own.

    Exit codes: 0 every object is copied, 1 some are not, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    target = read_target(scope)
    outputs = target.engine.outputs()
    if not outputs:
        raise nothing_deployed(scope)
    pair = choose(declared(outputs), in_use(outputs), to)
    clients = [
        connect(
            one,
            storage_keys(one.name, target.engine.environment),
            origin_secret(target, one.name),
            connections=threads,
        )
        for one in pair
    ]
    started = time.monotonic()
    tally = _run(scope, pair, clients, threads, prune=prune, target_in_use=to == in_use(outputs))
    _report(scope, pair, tally, time.monotonic() - started)


def declared(outputs: Mapping[str, Output]) -> dict[str, Storage]:
    """The stack's storages by name, from its outputs."""
    if "storages" not in outputs:
        return {}
    storages = cast("dict[str, dict[str, object]]", outputs["storages"].value)
    return {
        name: Storage(
            name,
            str(one["endpoint"]),
            str(one["region"]),
            cast("dict[str, str]", one["buckets"]),
        )
        for name, one in storages.items()
    }


def in_use(outputs: Mapping[str, Output]) -> str:
    return str(outputs["storage"].value) if "storage" in outputs else "r2"


def choose(storages: Mapping[str, Storage], active: str, to: str) -> tuple[Storage, Storage]:
    """Source and target.

    Raises:
        UsageFailure: the stack has no such storage, or no second one.
    """
    if to not in storages or len(storages) < 2:
        names = " and ".join(sorted(storages)) or active
        raise UsageFailure(
            f"The deployed stack has {names} and no other storage to copy to or from. Declare the "
            f"second one first: set `fallbackStorage` to it (here {to!r}) and deploy; see "
            "docs/moving-storages.md."
        )
    (source,) = (one for name, one in storages.items() if name != to)
    return source, storages[to]


def storage_keys(name: str, environment: Mapping[str, str]) -> S3Keys:
    """The person's own keys for a storage, as the deployment reads them.

    Raises:
        UsageFailure: a variable is not set; it is named.
    """
    around = {**os.environ, **environment}
    names = [f"STOWAGE_{name.upper()}_{end}" for end in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")]
    missing = [one for one in names if not around.get(one)]
    if missing:
        raise UsageFailure(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set: the copy "
            f"needs keys that may list, read and write all of the stack's buckets on {name}. "
            "Export them and run the command again."
        )
    return S3Keys(*(around[one] for one in names))


def origin_secret(target: Target, name: str) -> str | None:
    """What the zone's proxy asks of every request to the server, where it stands behind one."""
    given = target.config().get("storageServers")
    # In YAML, or as JSON text.
    parsed: object = json.loads(given) if isinstance(given, str) else given
    servers = cast("dict[str, dict[str, object]]", parsed or {})
    if not servers.get(name, {}).get("origin"):
        return None
    text = target.engine.secret_setting("storageOriginSecret")
    return None if text is None else storage_origin_secrets(text)[0]


def _run(
    scope: Scope,
    pair: tuple[Storage, Storage],
    clients: Sequence["S3Client"],
    threads: int,
    *,
    prune: bool,
    target_in_use: bool,
) -> Tally:
    source, target = pair
    tally = Tally()
    path = scope.home / COPIES / f"{scope.stack}-{source.name}-to-{target.name}.sqlite"
    journal = CopyJournal(path)
    try:
        for role in sorted(source.buckets):
            if role not in target.buckets:
                raise Failure(f"{target.name} has no bucket for {role!r}: deploy first.")
            sides = [
                Side(
                    client,
                    one.buckets[role],
                    keeps_checksums=PROFILES[one.name].pins_sha256_in_presigned_put,
                    conditional_put=PROFILES[one.name].conditional_put,
                )
                for client, one in zip(clients, pair, strict=True)
            ]
            with (
                said_clearly(source, source.buckets[role]),
                _progress(scope.terminal, role, tally) as advance,
            ):
                BucketCopy(role, sides[0], sides[1], target_in_use, journal, tally, advance).run(
                    threads, prune=prune
                )
    finally:
        journal.close()
    return tally


@contextmanager
def _progress(terminal: Terminal, role: str, tally: Tally) -> Generator[Callable[[int], None]]:
    """Objects and bytes so far: drawn over itself on a terminal, a line every few seconds in a
    pipe. How many there will be is not known before everything was listed."""
    begun = tally.settled
    moved = 0
    said = time.monotonic()

    def state() -> str:
        return f"{role}: {tally.settled - begun} objects, {moved / 1e6:.1f} MB read"

    if terminal.is_live:
        columns = (SpinnerColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=terminal.progress_console) as bar:
            task = bar.add_task(state(), total=None)

            def draw(count: int) -> None:
                nonlocal moved
                moved += count
                bar.update(task, description=state())

            yield draw
            bar.update(task, description=state())
        return

    def say(count: int) -> None:
        nonlocal moved, said
        moved += count
        if time.monotonic() - said >= _LINE_SECONDS:
            said = time.monotonic()
            terminal.say(f"  {state()}")

    yield say
    terminal.say(f"  {state()}")


def _report(scope: Scope, pair: tuple[Storage, Storage], tally: Tally, seconds: float) -> None:
    source, target = pair
    terminal = scope.terminal
    terminal.document({"from": source.name, "to": target.name, **tally.document()})
    terminal.result(
        f"From {source.name} to {target.name}: {tally.copied} objects copied and verified "
        f"({tally.copied_bytes / 1e6:.1f} MB, {seconds:.0f} s), {tally.unchanged} were there "
        f"already, {tally.kept} kept as {target.name} has them."
    )
    if tally.gone:
        terminal.result(f"{tally.gone} were deleted in {source.name} meanwhile.")
    if tally.vanished:
        left = tally.vanished - tally.pruned
        terminal.result(
            f"{tally.vanished} copies have no object in {source.name} any more; {tally.pruned} "
            f"were deleted{'' if not left else ' (--prune deletes them)'}."
        )
    if tally.failed:
        lines = "\n".join(f"  - {one}" for one in tally.failures[:20])
        more = "" if tally.failed <= 20 else f"\n  and {tally.failed - 20} more (--json has them)"
        raise Failure(
            f"{tally.failed} objects were not copied:\n{lines}{more}\nRun the command again: it "
            "takes up what is missing."
        )
    if tally.copied == 0:
        terminal.result("Nothing was left to copy.")
