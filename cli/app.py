"""The `stowage` command: its subcommands, and how each of them ends."""

import os
import sys
import tempfile
import traceback
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cli import (
    api_keys,
    app_images,
    backups,
    cloud_control,
    deployment,
    destruction,
    dns,
    hostnames,
    options,
    outputs,
    publish,
    push,
    repositories,
    signing_keys,
    stack_init,
    storage_copy,
    tenants,
    upkeep,
    usage,
    verify,
    versions,
    webhooks,
)
from cli.console import failure_line
from cli.failures import Failure
from cli.interruption import be_quiet
from cli.project import LOCAL_STACK
from local.home import CloudError

_INTERRUPTED = 130


class Commands(TyperGroup):
    """Turns a failure into one paragraph on stderr and its exit code."""

    def invoke(self, ctx: Any) -> object:  # Typer does not export the type of its context
        try:
            return super().invoke(ctx)
        except Failure as failure:
            failure_line(str(failure))
            raise typer.Exit(failure.exit_code) from failure
        except CloudError as error:
            failure_line(str(error))
            raise typer.Exit(Failure.exit_code) from error
        except KeyboardInterrupt as interrupt:
            failure_line("Interrupted. Running the same command again takes up what was left.")
            raise typer.Exit(_INTERRUPTED) from interrupt


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused, 130 interrupted.",
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"stowage {metadata.version('stowage')}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end."),
]


@app.callback()
def root(
    home: options.RootHome = None,
    stack: options.RootStack = LOCAL_STACK,
    *,
    version: Version = False,
) -> None:
    """Storage and delivery for packages, on the embedded local cloud or on Cloudflare."""


app.command()(stack_init.init)
app.command()(deployment.up)
app.command()(deployment.preview)
app.command()(deployment.refresh)
app.command()(destruction.destroy)
app.command()(cloud_control.down)
app.command()(cloud_control.status)
app.command()(cloud_control.logs)
app.command()(outputs.outputs)
app.command()(outputs.env)
app.command()(cloud_control.trigger)
app.command()(push.push)
app.command()(publish.publish)
app.command()(publish.rollback)
app.command()(verify.verify)
app.command()(upkeep.reconcile)
app.add_typer(api_keys.app, name="keys")
app.add_typer(versions.app, name="versions")
app.add_typer(repositories.app, name="repositories")
app.add_typer(backups.app, name="backup")
app.add_typer(app_images.app, name="apps")
app.add_typer(hostnames.app, name="hostnames")
app.add_typer(tenants.app, name="tenants")
app.add_typer(signing_keys.app, name="signing-keys")
app.add_typer(dns.app, name="dns")
app.add_typer(upkeep.purges, name="purges")
app.add_typer(upkeep.retention, name="retention")
app.add_typer(storage_copy.app, name="storage")
app.add_typer(webhooks.app, name="webhook")
app.add_typer(usage.app, name="usage")


def main() -> None:
    """The entry point of the installed command."""
    try:
        app()
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            be_quiet()
        raise
    except Exception as error:
        if os.environ.get("STOWAGE_DEBUG"):
            raise
        failure_line(_unexpected(error))
        sys.exit(Failure.exit_code)


def _unexpected(error: Exception) -> str:
    """What to say about an error nobody thought of; the traceback goes to a file."""
    handle, name = tempfile.mkstemp(prefix="stowage-error-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        traceback.print_exception(error, file=file)
    return (
        f"An error that should not happen: {type(error).__name__}: {error}. This is a defect of "
        "Stowage, not of your set-up. "
        f"The details are in {Path(name)}; with STOWAGE_DEBUG=1 they are printed."
    )


if __name__ == "__main__":
    main()
