"""What a person or a script sees: results on stdout, progress on stderr, one JSON document with
`--json`."""

import json
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console


class Terminal:
    """The two streams of a command. With `as_json`, stdout holds the document and nothing else."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self._out = Console(file=sys.stdout, soft_wrap=True, highlight=False, markup=False)
        self._err = Console(file=sys.stderr, soft_wrap=True, highlight=False, markup=False)

    @property
    def is_live(self) -> bool:
        """Whether progress may be drawn over itself: on a terminal, not in a pipe."""
        return self._err.is_terminal

    @property
    def progress_console(self) -> Console:
        return self._err

    @property
    def has_live_result(self) -> bool:
        """Whether the result may be drawn over itself: on a terminal, and not as JSON."""
        return self._out.is_terminal and not self.as_json

    @property
    def result_console(self) -> Console:
        return self._out

    def say(self, line: str) -> None:
        """One line of progress."""
        self._err.print(line)

    def result(self, line: str) -> None:
        """One line of the result; nothing with `--json`."""
        if not self.as_json:
            self._out.print(line)

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A result in columns."""
        if self.as_json:
            return
        # Not a table of rich: that cuts ids short to fit the width, and ids are there to be copied.
        lines = [list(heads), *map(list, rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
        for line in lines:
            cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            self._out.print("  ".join(cells).rstrip())

    def document(self, content: Mapping[str, object] | Sequence[object]) -> None:
        """The result as JSON; nothing without `--json`."""
        if self.as_json:
            sys.stdout.write(json.dumps(content, indent=2) + "\n")
            sys.stdout.flush()

    @contextmanager
    def working(self, what: str) -> Generator[None]:
        """Shows what is going on: a spinner on a terminal, one line in a pipe."""
        if not self.is_live:
            self.say(f"{what} ...")
            yield
            return
        with self._err.status(f"{what} ..."):
            yield


def failure_line(message: str) -> None:
    """The one paragraph by which a command ends that did not succeed."""
    console = Console(file=sys.stderr, soft_wrap=True, highlight=False, markup=False)
    console.print(f"stowage: {message}", style="red")
