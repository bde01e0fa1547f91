"""The commands that tell how a stack is reached: outputs, and env for plain `pulumi`."""

import shlex
import stat
from pathlib import Path
from typing import Annotated

import typer

from cli import options, summary
from cli.engine_environment import search_path
from cli.failures import UsageFailure
from cli.local_cloud import LocalCloud
from cli.options import Scope
from cli.project import LOCAL_STACK
from cli.pulumi_cli import LANGUAGE_HOST, PulumiCli
from cli.target import nothing_deployed, read_target

ShowSecrets = Annotated[
    bool, typer.Option("--show-secrets", help="Show secret outputs in plain text.")
]

_WITH_CONFIG = "preview|pre|up|update|refresh|destroy|config"
"""The commands of Pulumi that take --config-file; no variable of the environment names that
file."""


def outputs(
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    show_secrets: ShowSecrets = False,
    as_json: options.Json = False,
) -> None:
    """Show the stack's outputs; secret ones are masked unless asked for.

    Exit codes: 0 shown, 1 nothing is deployed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    found = read_target(scope).engine.outputs()
    if not found:
        raise nothing_deployed(scope)
    values = summary.visible(found, show_secrets=show_secrets)
    scope.terminal.document(values)
    scope.terminal.table(
        ["output", "value"], [[name, str(value)] for name, value in values.items()]
    )


def env(home: options.Home = None, stack: options.Stack = LOCAL_STACK) -> None:
    """Print shell lines with which plain `pulumi preview|up|refresh|destroy` work on the local
    stack.

    Use it as: eval "$(stowage env)". Plain `pulumi` needs the official CLI, which brings the Python
    language host.

    Exit codes: 0 printed, 1 nothing is deployed, 2 wrong usage.
    """
    scope = options.scope(home, stack)
    if not scope.is_local:
        raise UsageFailure(
            f"Stack {stack} is a real one: plain `pulumi --stack {stack}` works on it as it is."
        )
    target = read_target(scope)
    local, cli = target.local, target.engine.cli
    if local is None:
        raise UsageFailure("There is no local cloud behind this stack.")
    if not target.engine.outputs():
        raise nothing_deployed(scope)
    for line in env_lines(local, cli):
        scope.terminal.result(line)
    if not cli.has_language_host():
        scope.terminal.say(missing_language_host(scope, cli))


def env_lines(local: LocalCloud, cli: PulumiCli) -> list[str]:
    """Shell lines that any POSIX shell takes; writes the small `pulumi` that they put on PATH."""
    wrapper = write_wrapper(local, cli)
    settings = local.environment(cli)
    head = [str(wrapper.parent), *search_path(local.project, cli, _python(local))]
    settings["PATH"] = ""
    lines = [
        f"export {name}={shlex.quote(value)}" for name, value in sorted(settings.items()) if value
    ]
    lines.append(f'export PATH={shlex.quote(":".join(head))}":$PATH"')
    comment = f"# Then, in {local.project.root}: pulumi preview | up | refresh | destroy"
    if not cli.has_language_host():
        comment += f"\n# NOT YET: without {LANGUAGE_HOST} plain pulumi cannot run the program."
    return [*lines, comment]


def write_wrapper(local: LocalCloud, cli: PulumiCli) -> Path:
    """A `pulumi` that names the stack and its file, and leaves everything else to the CLI."""
    path = local.folder / "bin" / "pulumi"
    path.parent.mkdir(parents=True, exist_ok=True)
    program = shlex.quote(str(cli.executable))
    config = shlex.quote(str(local.config_file))
    path.write_text(
        "#!/bin/sh\n"
        "# Gives Pulumi the local stack's file: no variable of the environment can.\n"
        'case "$1" in\n'
        f"  {_WITH_CONFIG})\n"
        '    command="$1"; shift\n'
        f'    exec {program} "$command" --stack {LOCAL_STACK} --config-file {config} "$@" ;;\n'
        f'  *) exec {program} "$@" ;;\n'
        "esac\n",
        encoding="utf-8",
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def missing_language_host(scope: Scope, cli: PulumiCli) -> str:
    """What to tell a person whose CLI was built from Go modules."""
    return (
        f"Note: {cli.executable} comes without {LANGUAGE_HOST}, so plain `pulumi up` cannot run "
        "the program. Install the "
        "official CLI (https://www.pulumi.com/docs/install/) to use it; `stowage up`, `preview`, "
        f"`refresh` and `destroy` work on stack {scope.stack} as it is."
    )


def _python(local: LocalCloud) -> Path:
    import sys

    return (
        Path(sys.executable) if sys.executable else local.project.root / ".venv" / "bin" / "python"
    )
