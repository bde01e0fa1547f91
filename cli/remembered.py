"""Takes back what was given with `-c` when it must not be remembered: after a plan, and after a
deployment that failed before it changed anything."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local.home import write_private


@dataclass(frozen=True, slots=True)
class Before:
    """The content of small files at a moment; None for one that was absent."""

    texts: dict[Path, str | None]

    @classmethod
    def of(cls, *paths: Path) -> "Before":
        """Reads the files as they are now."""
        return cls({path: _text(path) for path in paths})

    def put_back(self, path: Path) -> None:
        """Gives one of the files its content of then; repeating it is fine."""
        text = self.texts[path]
        if text is None:
            path.unlink(missing_ok=True)
        elif text != _text(path):
            write_private(path, text)


def nothing_to_take_back() -> None:
    """For a command line without `-c`."""


TakeBack = Callable[[], None]


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
