"""Locks that a killed engine left behind go; those of living processes and of other hosts stay."""

import json
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli import options, state_lock, target
from cli.failures import Failure
from cli.local_cloud import LocalCloud


def a_lock(state: Path, pid: object, *, host: str | None = None, age_seconds: float = 0) -> Path:
    folder = state / ".pulumi" / "locks" / "organization" / "stowage" / "dev"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{len(list(folder.iterdir()))}.json"
    taken = datetime.now(UTC) - timedelta(seconds=age_seconds)
    # As Go writes it: nine digits of a second.
    timestamp = taken.strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z"
    path.write_text(
        json.dumps(
            {
                "pid": pid,
                "username": "someone",
                "hostname": host or socket.gethostname(),
                "timestamp": timestamp,
            }
        )
    )
    return path


def a_dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_lock_of_a_dead_process_is_removed(tmp_path: Path) -> None:
    pid = a_dead_pid()
    path = a_lock(tmp_path, pid)
    removed, kept = state_lock.remove_dead(tmp_path, "dev")
    assert [lock.pid for lock in removed] == [pid]
    assert kept == []
    assert not path.exists()
    assert f"process {pid} on {socket.gethostname()}" in str(removed[0])


def test_a_lock_of_a_living_process_stays(tmp_path: Path) -> None:
    path = a_lock(tmp_path, os.getpid())
    removed, kept = state_lock.remove_dead(tmp_path, "dev")
    assert removed == []
    assert [lock.pid for lock in kept] == [os.getpid()]
    assert path.exists()


def test_a_lock_that_is_older_than_the_process_with_its_number_is_removed(tmp_path: Path) -> None:
    path = a_lock(tmp_path, os.getpid(), age_seconds=30 * 24 * 3600)
    removed, _ = state_lock.remove_dead(tmp_path, "dev")
    assert len(removed) == 1
    assert not path.exists()


def test_a_lock_of_a_process_that_ended_unseen_is_removed(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    a_lock(tmp_path, process.pid)
    # Until we ask for its exit code it is a zombie, whose number still answers.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    removed, _ = state_lock.remove_dead(tmp_path, "dev")
    process.wait()
    assert len(removed) == 1


def test_a_lock_of_another_host_stays(tmp_path: Path) -> None:
    path = a_lock(tmp_path, a_dead_pid(), host="elsewhere.example")
    removed, kept = state_lock.remove_dead(tmp_path, "dev")
    assert (len(removed), len(kept)) == (0, 1)
    assert path.exists()


def test_a_lock_that_cannot_be_read_stays(tmp_path: Path) -> None:
    path = a_lock(tmp_path, "not a number")
    path.write_text("{")
    removed, kept = state_lock.remove_dead(tmp_path, "dev")
    assert (len(removed), len(kept)) == (0, 1)
    assert "unknown" in str(kept[0])


def test_a_stack_without_locks_has_none(tmp_path: Path) -> None:
    assert state_lock.remove_dead(tmp_path, "dev") == ([], [])


def test_a_stack_that_stays_locked_names_the_process_and_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = options.scope(tmp_path)
    path = a_lock(tmp_path / "state", os.getpid())
    monkeypatch.setattr(target, "_POLL_SECONDS", 0.01)
    with pytest.raises(Failure, match=rf"process {os.getpid()} .*{path}"):
        target.release_lock(scope, LocalCloud(scope.project, tmp_path), seconds=0.05)


def test_a_removed_lock_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scope = options.scope(tmp_path)
    a_lock(tmp_path / "state", a_dead_pid())
    target.release_lock(scope, LocalCloud(scope.project, tmp_path))
    assert "Removed the lock" in capsys.readouterr().err
