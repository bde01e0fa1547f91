"""The server of the tests leaves nothing running."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.local.workerd_host import CHECKOUT

pytestmark = pytest.mark.cloud

START = """
import sys, time
from pathlib import Path
from tests.contracts.versitygw import Versitygw
print(Versitygw(Path(sys.argv[1])).process.pid, flush=True)
time.sleep(600)
"""


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_ends_with_the_process_that_started_it_however_that_ends(tmp_path: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", START, str(tmp_path / "server")],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
    )
    assert starter.stdout
    pid = int(starter.stdout.readline())
    assert is_running(pid)
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    deadline = time.monotonic() + 30
    while is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.1)
