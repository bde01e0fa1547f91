"""The engine for the stack a command names: one of the local cloud, or a real one with the
operator's own backend."""

import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from cli import leftovers, pulumi_cli, state_lock
from cli.engine import Engine
from cli.engine_environment import real_environment
from cli.failures import Failure, UsageFailure
from cli.local_cloud import LocalCloud
from cli.options import Scope
from cli.overrides import Given, read_given
from cli.pulumi_cli import PulumiCli
from cli.pulumi_install import installers
from cli.remembered import TakeBack, nothing_to_take_back
from cli.rest import AccountApi
from cli.stack_config import StackConfig, read
from cli.state_file import Node

LOCK_SECONDS = 60.0
"""How long a deployment waits for another one that is about to end, for instance after its terminal
was closed."""


PERMISSIONS = (
    "account: Workers R2 Storage, D1, Queues, Workers Scripts, Account API Tokens, Notifications; "
    "zone: DNS, Workers Routes, SSL and Certificates"
)
"""What the API token of a real stack must be allowed to edit; the README lists the same."""

_CLOUDFLARE_API = "https://api.cloudflare.com/client/v4"
_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Target:
    """An engine, and the local cloud it deploys to if it is one."""

    engine: Engine
    local: LocalCloud | None
    take_back: TakeBack = nothing_to_take_back
    """Makes the configuration as if nothing had been given with `-c`."""

    def config(self) -> StackConfig:
        """The stack's configuration; what is secret in it is encrypted."""
        return read(self.engine.config_file)

    def resources(self) -> list[Node]:
        """The resources in the stack's state: also those of a deployment that never ended."""
        deployment = cast("Node", self.engine.export_state().get("deployment") or {})
        return cast("list[Node]", deployment.get("resources") or [])


def find_cli(scope: Scope) -> PulumiCli:
    """The Pulumi CLI, installed if there is none."""
    return pulumi_cli.find(scope.terminal.say, installers(scope.project.root))


def open_target(scope: Scope, given: Iterable[str] = ()) -> Target:
    """The engine of the scope's stack, its configuration checked and written; starts the local
    cloud if it is down.

    Raises:
        Failure: the stack does not exist, or the local cloud did not start.
    """
    chosen = list(given)
    if chosen and not scope.is_local:
        raise UsageFailure(
            f"-c is for the local stack. Set it for good: pulumi config set --stack {scope.stack} "
            "KEY VALUE"
        )
    # Before the folder changes: files are named relative to where the person is.
    settings = read_given(chosen)
    cli = find_cli(scope)
    # The program and the plugins find the bundle relative to the project folder.
    os.chdir(scope.project.root)
    if scope.is_local:
        return _open_local(scope, cli, settings)
    engine = _real_engine(scope, cli)
    _require_token(scope)
    return Target(engine, None)


def read_target(scope: Scope) -> Target:
    """The engine of the scope's stack for reading its state; starts nothing and writes nothing."""
    cli = find_cli(scope)
    if not scope.is_local:
        return Target(_real_engine(scope, cli), None)
    local = LocalCloud(scope.project, scope.home)
    if not local.state_file.exists():
        raise nothing_deployed(scope)
    return Target(_local_engine(local, cli), local)


def account_api(target: Target) -> AccountApi:
    """The account that the stack lies in.

    Raises:
        Failure: the environment holds no token for it.
    """
    if target.local:
        return target.local.account_api()
    token = os.environ.get("CLOUDFLARE_API_TOKEN")
    if not token:
        raise Failure(
            "CLOUDFLARE_API_TOKEN is not set, so the buckets cannot be looked into. Export it and "
            "try again."
        )
    config = target.config()
    base = os.environ.get("CLOUDFLARE_BASE_URL") or _CLOUDFLARE_API
    return AccountApi(base, token, str(config.get("accountId")), str(config.get("zoneId")))


def nothing_deployed(scope: Scope) -> Failure:
    """What to say where a stack has no outputs: before the first `up`, and after `destroy`."""
    if scope.is_local:
        return Failure(f"Nothing is deployed: `stowage up`. The cloud folder is {scope.home}.")
    return Failure(f"Nothing is deployed: `stowage up --stack {scope.stack}`.")


def release_lock(scope: Scope, local: LocalCloud, seconds: float = LOCK_SECONDS) -> None:
    """Removes the locks of dead processes and waits a while for a living one; then the state is
    nobody else's, and what a kill cut short in it is mended.

    Raises:
        Failure: a living process, or one of another host, holds the stack.
    """
    deadline = time.monotonic() + seconds
    waited = False
    while True:
        removed, kept = state_lock.remove_dead(local.home.state, scope.stack)
        for lock in removed:
            scope.terminal.say(f"Removed the lock of a deployment that was killed ({lock}).")
        if not kept:
            local.state_file.mend()
            return
        if time.monotonic() > deadline:
            break
        if not waited:
            scope.terminal.say(f"Another deployment is running ({kept[0]}); waiting for it ...")
            waited = True
        time.sleep(_POLL_SECONDS)
    raise Failure(
        f"The stack is still locked by {', '.join(map(str, kept))} after {seconds:.0f} s. Wait "
        f"for that deployment to end or, if it surely does not run, delete {kept[0].path}."
    )


def _open_local(scope: Scope, cli: PulumiCli, given: Given) -> Target:
    for folder, mend in (
        (scope.project.python_modules, "wheels"),
        (scope.project.node_modules, "setup"),
    ):
        if not folder.is_dir():
            raise Failure(
                f"{folder} is missing: run `make {mend}` first, or `make up`, which does it all."
            )
    local = LocalCloud(scope.project, scope.home)
    local.make_ready()
    release_lock(scope, local)
    leftovers.end_and_say(scope.home, scope.terminal.say)
    if not local.cloud.is_running():
        with scope.terminal.working("Starting the local cloud"):
            local.cloud.start()
    engine = _local_engine(local, cli)
    return Target(engine, local, local.write_config_for_now(engine, given))


def _local_engine(local: LocalCloud, cli: PulumiCli) -> Engine:
    return Engine(local.project, cli, "dev", local.config_file, local.environment(cli), _deploy)


def _real_engine(scope: Scope, cli: PulumiCli) -> Engine:
    path = scope.project.stack_file(scope.stack)
    if not path.exists():
        raise Failure(
            f"There is no stack {scope.stack}: {path.name} is missing. `stowage init "
            f"{scope.stack}` writes it."
        )
    environment = real_environment(scope.project, cli, Path(sys.executable))
    return Engine(scope.project, cli, scope.stack, path, environment, _deploy)


def _require_token(scope: Scope) -> None:
    """Raises Failure when there is nothing by which Cloudflare would let the provider in."""
    if not os.environ.get("CLOUDFLARE_API_TOKEN"):
        raise Failure(
            f"CLOUDFLARE_API_TOKEN is not set, and stack {scope.stack} lies on Cloudflare. Make "
            "an API token (https://dash.cloudflare.com/profile/api-tokens) with these permissions "
            f"(edit each): {PERMISSIONS}. Export it in this variable and run the command again."
        )


def _deploy() -> None:
    from infra.program import deploy

    deploy()
