"""Plugins of a killed engine are ended; those of a living one and of other folders are not."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli import leftovers
from cli.interruption import stopping

_PLUGIN = "import sys, time; print('up', flush=True); time.sleep(600)"
_ENGINE = (
    "import subprocess, sys; p = subprocess.Popen([sys.executable, '-u', '-c', "
    f"{_PLUGIN!r}, 'pulumi.policy'], stdout=subprocess.PIPE); p.stdout.readline(); "
    "print(p.pid, flush=True); sys.stdin.read()"
)


def poll(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class AnEngine:
    """A process with a plugin below it."""

    def __init__(self, home: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _ENGINE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "STOWAGE_HOME": str(home)},
        )
        assert self.process.stdout
        self.plugin = int(self.process.stdout.readline())

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def end(self) -> None:
        if self.process.returncode is None:
            self.kill()
        if runs(self.plugin):
            os.kill(self.plugin, signal.SIGKILL)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[AnEngine]:
    made = AnEngine(tmp_path)
    yield made
    made.end()


def test_a_plugin_of_a_killed_engine_is_ended_and_counted(engine: AnEngine, tmp_path: Path) -> None:
    engine.kill()
    said: list[str] = []
    assert poll(lambda: leftovers.orphans(tmp_path) == [engine.plugin])
    leftovers.end_and_say(tmp_path, said.append)
    assert poll(lambda: not runs(engine.plugin))
    assert said == ["Ended 1 process that an interrupted or killed deployment had left running."]
    leftovers.end_and_say(tmp_path, said.append)
    assert len(said) == 1


def test_a_plugin_of_a_living_engine_stays(engine: AnEngine, tmp_path: Path) -> None:
    assert leftovers.end(tmp_path) == 0
    assert runs(engine.plugin)


def test_a_plugin_of_another_folder_stays(engine: AnEngine, tmp_path: Path) -> None:
    engine.kill()
    assert leftovers.end(tmp_path / "other") == 0
    assert runs(engine.plugin)


def test_nothing_is_ended_where_there_is_no_proc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "PROC", tmp_path / "none")
    assert leftovers.end(tmp_path) == 0


def test_an_interrupt_is_said_at_once_and_waits_for_the_engine(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    engine = subprocess.Popen(
        ["pulumi", "-c", "import sys; sys.stdin.read()"],
        executable=sys.executable,
        stdin=subprocess.PIPE,
    )
    assert poll(lambda: leftovers.own_engines() == [engine.pid])

    def fail() -> None:
        raise ValueError("I/O operation on closed file")

    def say(line: str) -> None:
        said.append(line)
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        assert engine.poll() is None
        assert engine.stdin
        engine.stdin.close()

    before = signal.getsignal(signal.SIGINT), threading.excepthook
    with pytest.raises(KeyboardInterrupt), stopping(say, tmp_path):
        signal.raise_signal(signal.SIGINT)
    assert said == ["Stopping ..."]
    assert leftovers.own_engines() == []
    assert engine.wait(20) == 0
    assert "Traceback" not in capfd.readouterr().err
    assert (signal.getsignal(signal.SIGINT), threading.excepthook) == before


def test_no_traceback_follows_an_interrupted_command(tmp_path: Path) -> None:
    code = (
        "import sys, threading, time\n"
        "from cli import app, interruption\n"
        "def fail():\n"
        "    go.wait(20)\n"
        "    raise RuntimeError('a thread of the engine')\n"
        "go = threading.Event()\n"
        "threading.Thread(target=fail).start()\n"
        "def interrupted():\n"
        "    print('stowage: Interrupted.', file=sys.stderr)\n"
        "    threading.Timer(0.2, go.set).start()\n"
        "    raise SystemExit(130)\n"
        "app.app = interrupted\n"
        "app.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr == "stowage: Interrupted.\n"
