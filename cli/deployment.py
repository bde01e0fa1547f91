"""The commands that run the engine over a stack: up, preview, refresh."""

import time
from dataclasses import replace
from typing import Annotated

import typer

from cli import adopt, options, storages, summary
from cli.adopt import Adoption
from cli.deployment_events import Journal
from cli.engine import Engine, Run
from cli.failures import Failure
from cli.local_cloud import LocalCloud
from cli.options import Scope
from cli.project import LOCAL_STACK
from cli.remembered import nothing_to_take_back
from cli.target import Target, open_target
from local.home import CloudError

NoChanges = Annotated[
    bool, typer.Option("--expect-no-changes", help="Exit with 1 if anything would change.")
]


def up(
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    config: options.ConfigValues = None,
    *,
    as_json: options.Json = False,
) -> None:
    """Deploy the stack; for dev, start the local cloud first.

    Repeating it is quick and changes nothing. After a kill in the middle it takes up what was left
    half-way.

    Exit codes: 0 deployed, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    started = time.monotonic()
    target = open_target(scope, config or ())
    _prepare(scope, target)
    run = _deploy(scope, target)
    if target.local:
        with scope.terminal.working("Warming the Workers"):
            target.local.cloud.settle(entry_hosts=target.local.entry_hosts())
        storages.start_servers(scope, target.local, storages.used(target.config()))
    summary.deployed(scope, target, run, time.monotonic() - started)


def preview(
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    config: options.ConfigValues = None,
    *,
    expect_no_changes: NoChanges = False,
    as_json: options.Json = False,
) -> None:
    """Say what `up` would change, and change nothing. What is given with -c is for this plan only.

    Exit codes: 0 planned, 1 failed or (with --expect-no-changes) something would change, 2 wrong
    usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    target = open_target(scope, config or ())
    try:
        with scope.terminal.working(f"Planning stack {scope.stack}"):
            run = target.engine.preview(Journal(scope.terminal.say))
    finally:
        target.take_back()
    summary.changes(scope, run, done="would change")
    if expect_no_changes and run.changed:
        raise Failure(f"Changes were not expected, and {summary.counted(run)}.")


def refresh(
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    as_json: options.Json = False,
) -> None:
    """Read the cloud's side of every resource into the state; the cloud itself is not changed.

    Exit codes: 0 done, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    target = open_target(scope)
    storages.prepare(scope, target, target.resources(), deploying=False)
    with scope.terminal.working(f"Refreshing stack {scope.stack}"):
        run = target.engine.refresh(Journal(scope.terminal.say))
    summary.changes(scope, run, done="changed in the state")


def _prepare(scope: Scope, target: Target) -> None:
    """Nothing was changed yet, so nothing of what was given is remembered when this fails."""
    local = target.local
    resources = local.state_file.resources() if local else target.resources()
    try:
        storages.prepare(scope, target, resources, deploying=True)
    except (Failure, CloudError):
        target.take_back()
        raise


def _deploy(scope: Scope, target: Target) -> Run:
    engine, adoption = target.engine, Adoption({}, ())
    if target.local:
        adoption = _adoption(scope, target.local)
        engine = replace(engine, program=adopt.adopting(adoption, engine.program))
    journal = Journal(scope.terminal.say)
    try:
        with scope.terminal.working(f"Deploying stack {scope.stack}"):
            run = engine.up(journal)
    except Failure:
        if not journal.changed_anything() and target.take_back is not nothing_to_take_back:
            target.take_back()
            scope.terminal.say("Nothing was changed, so what was given with -c is not remembered.")
        raise
    if target.local and target.local.state_file.has_pending_operations():
        _forget_pending(target.engine)
    return run


def _adoption(scope: Scope, local: LocalCloud) -> Adoption:
    """What a killed engine had begun to make and the cloud holds already."""
    pending = local.state_file.unfinished_creations()
    if not pending:
        return Adoption({}, ())
    api = local.account_api()
    found = adopt.plan(pending, api)
    scope.terminal.say(
        f"The deployment before was interrupted while it made {len(pending)} resources; "
        f"{len(found.imports)} of them exist and are adopted."
    )
    for name, path in found.orphans:
        api.delete(path)
        scope.terminal.say(f"  deleted {name}, which cannot be adopted and is made again")
    return found


def _forget_pending(engine: Engine) -> None:
    """The engine keeps interrupted creations in the state until it is told that they are settled,
    which they are now. An import drops them."""
    engine.import_state(engine.export_state())
