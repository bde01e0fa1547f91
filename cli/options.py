"""The options that several commands share, and what they mean together."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cli.console import Terminal
from cli.failures import UsageFailure
from cli.project import LOCAL_STACK, Project, home_folder

_HOME_HELP = "The cloud folder: state, keys, ports and data. Else $STOWAGE_HOME, else .stowage."


def _home(context: typer.Context, value: Path | None) -> Path | None:
    """`stowage --home X up` means the same as `stowage up --home X`."""
    return value or context.find_root().params.get("home")


Home = Annotated[
    Path | None, typer.Option("--home", help=_HOME_HELP, callback=_home, file_okay=False)
]
RootHome = Annotated[Path | None, typer.Option("--home", help=_HOME_HELP, file_okay=False)]
_STACK_HELP = "The stack: dev is the local cloud, others are real."


def _stack(context: typer.Context, value: str) -> str:
    """`stowage --stack X up` means the same as `stowage up --stack X`."""
    source = context.get_parameter_source("stack")
    if source is not None and source.name == "DEFAULT":
        return context.find_root().params.get("stack") or value
    return value


Stack = Annotated[str, typer.Option("--stack", "-s", help=_STACK_HELP, callback=_stack)]
RootStack = Annotated[str, typer.Option("--stack", "-s", help=_STACK_HELP)]
AppId = Annotated[str, typer.Argument(metavar="APP", help="The app's id.")]
Json = Annotated[bool, typer.Option("--json", help="Write one JSON document to stdout.")]
ConfigValues = Annotated[
    list[str] | None,
    typer.Option(
        "--config",
        "-c",
        metavar="KEY=VALUE",
        help="A setting of the local stack; `up` remembers it. An empty VALUE forgets it. "
        "Secret ones only as KEY=@FILE or KEY=- (standard input).",
    ),
]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a command works on, and how it speaks."""

    project: Project
    home: Path
    stack: str
    terminal: Terminal

    @property
    def is_local(self) -> bool:
        return self.stack == LOCAL_STACK


def scope(home: Path | None, stack: str = LOCAL_STACK, *, as_json: bool = False) -> Scope:
    """The scope that a command's options name."""
    project = Project.of_this_code()
    return Scope(project, home_folder(project, home), stack, Terminal(as_json=as_json))


def local_scope(home: Path | None, stack: str = LOCAL_STACK, *, as_json: bool = False) -> Scope:
    """The same for a command that only the local cloud has.

    Raises:
        UsageFailure: another stack was named.
    """
    found = scope(home, stack, as_json=as_json)
    if not found.is_local:
        raise UsageFailure(
            f"This command is for the local cloud (stack {LOCAL_STACK}), not for stack {stack}."
        )
    return found
