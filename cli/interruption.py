"""Ctrl-C while the engine runs: says so at once, lets the engine end what it is doing, and leaves
no plugin behind."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from cli import leftovers

ENGINE_SECONDS = 60.0
"""How long the engine may take to end the requests under way and to write its state."""

_POLL_SECONDS = 0.05


@contextmanager
def stopping(say: Callable[[str], None], home: Path | None) -> Generator[None]:
    """Around an operation of the engine. An interrupt in it stays a KeyboardInterrupt, raised when
    the engine has ended; a second one is raised at once.

    `home` is the cloud folder whose plugins are ended then; None for a real stack.
    """
    previous = signal.getsignal(signal.SIGINT)
    hooks = threading.excepthook, sys.unraisablehook
    in_main = threading.current_thread() is threading.main_thread()

    def interrupted(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # The Automation API's threads fail at once: the interrupt closes what they read from.
        threading.excepthook = sys.unraisablehook = _nothing
        logging.disable(logging.CRITICAL)
        say("Stopping ...")
        raise KeyboardInterrupt

    if in_main:
        signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    except KeyboardInterrupt:
        _wait_for_engine()
        if home:
            leftovers.end_and_say(home, say)
        raise
    finally:
        threading.excepthook, sys.unraisablehook = hooks
        logging.disable(logging.NOTSET)
        if in_main:
            signal.signal(signal.SIGINT, previous)


def be_quiet() -> None:
    """Lets nothing follow the last line of an interrupted command: the Automation API's threads
    fail one after the other while the interpreter ends."""
    sys.stderr.flush()
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    os.close(sink)


def _wait_for_engine() -> None:
    deadline = time.monotonic() + ENGINE_SECONDS
    while leftovers.own_engines() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _nothing(_: object) -> None:
    """In the place of a hook that prints."""
