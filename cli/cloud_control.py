"""The commands for the local cloud's processes: down, status, logs, trigger."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, cast

import typer

from cli import cloud_folder, leftovers, options
from cli.failures import Failure
from cli.local_cloud import LocalCloud

_FOLLOW_SECONDS = 0.3

Forget = Annotated[
    bool,
    typer.Option("--forget", help="Then delete the cloud folder: data, state, keys and ports."),
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines until Ctrl-C.")]
Worker = Annotated[
    str | None, typer.Option("--worker", "-w", help="Only this Worker: edge, api or jobs.")
]
Lines = Annotated[
    int, typer.Option("--lines", "-n", min=0, help="How many of the last lines to begin with.")
]


def down(home: options.Home = None, *, forget: Forget = False) -> None:
    """Stop the local cloud. Its data stays, and `stowage up` starts it again.

    Exit codes: 0 stopped or was not running, 1 failed, 3 the folder to forget is not a cloud
    folder.
    """
    scope = options.local_scope(home)
    local = LocalCloud(scope.project, scope.home)
    was_running = local.cloud.is_running()
    # Also when it does not answer: a process that hangs is ended.
    local.cloud.stop()
    leftovers.end_and_say(scope.home, scope.terminal.say)
    scope.terminal.result(f"The local cloud {'is stopped' if was_running else 'is not running'}.")
    if forget and scope.home.exists():
        kept = cloud_folder.forget(scope.home)
        scope.terminal.result(f"Forgot {scope.home}.")
        if kept:
            scope.terminal.result(
                f"The folder stays with what is not the local cloud's: {', '.join(kept)}."
            )


def status(home: options.Home = None, *, as_json: options.Json = False) -> None:
    """Show whether the local cloud runs, and what it runs.

    Exit codes: 0 it runs, 1 it does not.
    """
    scope = options.local_scope(home, as_json=as_json)
    local = LocalCloud(scope.project, scope.home)
    if not local.cloud.is_running():
        scope.terminal.document({"running": False, "home": str(scope.home)})
        scope.terminal.result(
            f"The local cloud of {scope.home} is not running. `stowage up` starts it."
        )
        raise typer.Exit(1)
    facts = {"running": True, "home": str(scope.home), **local.cloud.status()}
    scope.terminal.document(facts)
    rows = [[name, line] for name, value in facts.items() for line in _lines(value)]
    scope.terminal.table(["fact", "value"], rows)


def logs(
    home: options.Home = None,
    worker: Worker = None,
    *,
    follow: Follow = False,
    lines: Lines = 200,
) -> None:
    """Show what the Workers and the local cloud wrote.

    Exit codes: 0 shown, 1 there is no such log.
    """
    scope = options.local_scope(home)
    files = log_files(scope.home / "logs", worker)
    tails = {path: Tail(path) for path in files}
    for path, tail in tails.items():
        for line in tail.last(lines):
            scope.terminal.result(_labelled(path, line, len(files)))
    while follow:
        for path, tail in tails.items():
            for line in tail.new():
                scope.terminal.result(_labelled(path, line, len(files)))
        time.sleep(_FOLLOW_SECONDS)


def trigger(
    what: Annotated[
        str, typer.Argument(metavar="cron", help="What to trigger; there is only cron.")
    ],
    home: options.Home = None,
    worker: Worker = None,
    *,
    as_json: options.Json = False,
) -> None:
    """Run the schedule now instead of waiting for its time.

    Exit codes: 0 it ran, 1 it failed or the local cloud is not running, 2 wrong usage.
    """
    if what != "cron":
        raise typer.BadParameter(f"{what!r} cannot be triggered; there is only cron.")
    scope = options.local_scope(home, as_json=as_json)
    local = running(LocalCloud(scope.project, scope.home))
    outcome = local.cloud.trigger_cron(worker)
    scope.terminal.document({"triggered": "cron", "outcome": outcome})
    for line in _lines(outcome):
        scope.terminal.result(f"The schedule ran: {line}")


def running(local: LocalCloud) -> LocalCloud:
    """Raises Failure when the local cloud is not running."""
    if not local.cloud.is_running():
        raise Failure(f"The local cloud of {local.folder} is not running: `stowage up` starts it.")
    return local


def log_files(folder: Path, worker: str | None) -> list[Path]:
    """The logs to show: all, or a Worker's own."""
    files = sorted(folder.glob("*.log"))
    if worker:
        files = [path for path in files if path.stem == worker or path.stem.endswith(f"-{worker}")]
    if not files:
        what = f"no log of a Worker {worker}" if worker else "no log"
        raise Failure(
            f"There is {what} in {folder}. Has the local cloud been started with `stowage up`?"
        )
    return files


class Tail:
    """The end of a growing file. A file that became shorter was begun anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        self._rest = ""

    def last(self, count: int) -> list[str]:
        """The last complete lines so far."""
        lines = list(self.new())
        return lines[-count:] if count else []

    def new(self) -> Iterator[str]:
        """The lines that were completed since the last call."""
        try:
            size = self._path.stat().st_size
        except FileNotFoundError:
            return
        if size < self._position:
            self._position, self._rest = 0, ""
        with self._path.open("rb") as file:
            file.seek(self._position)
            data = file.read()
            self._position += len(data)
        *complete, self._rest = (self._rest + data.decode("utf-8", "replace")).split("\n")
        yield from complete


def _labelled(path: Path, line: str, files: int) -> str:
    return f"{path.stem}: {line}" if files > 1 else line


def _lines(value: object) -> list[str]:
    """A fact for people: one line for each entry of a list or mapping."""
    if isinstance(value, list):
        return [_entry(one) for one in cast("list[object]", value)]
    if isinstance(value, dict):
        return [f"{name}: {one}" for name, one in cast("dict[str, object]", value).items()]
    return [str(value)]


def _entry(one: object) -> str:
    if isinstance(one, dict):
        return ", ".join(f"{name} {text}" for name, text in cast("dict[str, object]", one).items())
    return str(one)
