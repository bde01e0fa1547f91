"""Building a command from the Go modules that one of `tools/*/go.mod` pins."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cli.failures import Failure

BUILD_SECONDS = 3600
HEARTBEAT_SECONDS = 20

Say = Callable[[str], None]


class BuildFailure(Failure):
    """Go is missing, or a build failed."""


def go(
    modules: Path, arguments: Sequence[str], say: Say, environment: Mapping[str, str] | None = None
) -> str:
    """Runs one `go` command in the folder of a go.mod and gives what it wrote to stdout; says that
    it goes on, every now and then.

    Raises:
        BuildFailure: Go is missing, the command failed, or it took over BUILD_SECONDS.
    """
    if shutil.which("go") is None:
        raise BuildFailure("Go is not installed; install it from https://go.dev/dl/.")
    process = subprocess.Popen(  # noqa: S603  (go of the person's PATH, arguments are ours)
        ["go", *arguments],  # noqa: S607
        cwd=modules,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A vendored or workspace set-up of the person's must not leak into this build.
        env={**os.environ, "GOWORK": "off", **(environment or {})},
    )
    ended = threading.Event()
    heartbeat = threading.Thread(target=_beat, args=(ended, say), daemon=True)
    heartbeat.start()
    try:
        out, err = process.communicate(timeout=BUILD_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise BuildFailure(f"go {arguments[0]} took over {BUILD_SECONDS} s.") from error
    finally:
        ended.set()
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode != 0:
        raise BuildFailure(f"go {arguments[0]} failed: {last_line(err)}")
    return out


def last_line(text: str) -> str:
    """The line in which a failed command says why."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else "It gave no reason."


def _beat(ended: threading.Event, say: Say) -> None:
    started = time.monotonic()
    while not ended.wait(HEARTBEAT_SECONDS):
        say(f"  still building ({time.monotonic() - started:.0f} s)")
