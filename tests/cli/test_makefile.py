"""The Makefile: what it offers, and what it says on a machine that lacks something."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SHELL_TOOLS = ("bash", "sh", "make", "awk", "touch", "mkdir", "rm", "mv", "echo", "id", "cat")


def a_machine(tmp_path: Path, **programs: str) -> Path:
    """A PATH with the shell's tools and these programs (name -> body of a shell script) only."""
    folder = tmp_path / "path"
    folder.mkdir()
    for name in SHELL_TOOLS:
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    for name, body in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    return folder


def a_checkout(tmp_path: Path) -> Path:
    """The files that the set-up reads."""
    checkout = tmp_path / "checkout"
    for name in ("Makefile", "pyproject.toml", "tools/test-packages"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, checkout / name)
    for name in ("requirements/dev.lock", "requirements/worker.lock"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).touch()
    for name in ("package.json", "package-lock.json"):
        (checkout / "local" / "workerd").mkdir(parents=True, exist_ok=True)
        (checkout / "local" / "workerd" / name).touch()
    return checkout


def run(folder: Path, *command: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(path) if path else os.environ["PATH"], "HOME": str(folder)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_help_is_the_default_and_lists_every_target() -> None:
    shown = run(PROJECT, "make").stdout
    targets = re.findall(r"^\.PHONY: (\S+)$", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert {"up", "down", "clean-cloud", "test", "check", "fmt", "lock", "wheels"} <= set(targets)
    for target in targets:
        assert re.search(rf"^  {target} +\S", shown, re.MULTILINE), target


def test_the_ci_script_calls_make_test_and_nothing_else() -> None:
    script = PROJECT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    commands = [
        line
        for line in script.read_text().splitlines()
        if line and not line.startswith(("#", "set ", "cd "))
    ]
    assert commands == ["exec make test"]


def test_without_python_the_set_up_says_what_to_install(tmp_path: Path) -> None:
    result = run(a_checkout(tmp_path), "make", "setup", path=a_machine(tmp_path))
    assert result.returncode != 0
    assert "Python 3.11 or newer" in result.stdout
    assert "python3-venv" in result.stdout


def test_an_old_python_is_passed_over(tmp_path: Path) -> None:
    path = a_machine(tmp_path, python3="exit 1")
    (path / "python3.12").symlink_to(sys.executable)
    shown = run(a_checkout(tmp_path), "make", "-n", "lint", path=path).stdout
    assert '"python3.12" -m venv' in shown


NODES: dict[str, tuple[dict[str, str], str]] = {
    "none": ({}, "there is no node on PATH"),
    "old": ({"node": 'if [ "$1" = --version ]; then echo v18.1.0; else exit 1; fi'}, "v18.1.0"),
    "alone": ({"node": "exit 0"}, "no npm on PATH"),
}


@pytest.mark.parametrize(("programs", "said"), NODES.values(), ids=NODES.keys())
def test_without_a_fitting_node_the_set_up_says_what_to_install(
    tmp_path: Path, programs: dict[str, str], said: str
) -> None:
    stamp = "local/workerd/node_modules/.from-lock"
    result = run(a_checkout(tmp_path), "make", stamp, path=a_machine(tmp_path, **programs))
    assert result.returncode != 0
    assert said in result.stdout
    assert "https://nodejs.org/" in result.stdout


def test_a_set_up_is_repeated_when_and_only_when_a_lock_changes(tmp_path: Path) -> None:
    checkout = a_checkout(tmp_path)
    stamps = (
        ".venv/.from-lock",
        "local/workerd/node_modules/.from-lock",
        ".build/stamps/python_modules",
    )
    for stamp in stamps:
        (checkout / stamp).parent.mkdir(parents=True)
        (checkout / stamp).touch()
    assert run(checkout, "make", "-q", "setup").returncode == 0
    later = (checkout / stamps[0]).stat().st_mtime + 10
    os.utime(checkout / "requirements" / "dev.lock", (later, later))
    repeated = run(checkout, "make", "-n", "setup").stdout
    assert "--require-hashes --no-deps -r requirements/dev.lock" in repeated
    assert "npm install" not in repeated


def test_down_on_a_fresh_clone_is_no_failure(tmp_path: Path) -> None:
    result = run(a_checkout(tmp_path), "make", "down")
    assert result.returncode == 0
    assert "There is no local cloud" in result.stdout


def test_the_tests_packages_are_named_where_they_cannot_be_installed(tmp_path: Path) -> None:
    result = run(a_checkout(tmp_path), "tools/test-packages", path=a_machine(tmp_path))
    assert result.returncode == 1
    assert "apt-get install apt-utils" in result.stderr


def test_the_tests_packages_are_left_alone_where_they_are_there(tmp_path: Path) -> None:
    programs = dict.fromkeys(
        ("apt-ftparchive", "apt-get", "dpkg-deb", "gpg", "curl", "initdb", "chromium"), "exit 9"
    )
    result = run(a_checkout(tmp_path), "tools/test-packages", path=a_machine(tmp_path, **programs))
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
