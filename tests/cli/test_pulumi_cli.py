"""The Pulumi CLI is taken from PATH or the cache, else installed once, else built; each failure
says what to do."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cli import pulumi_cli, pulumi_install
from cli.failures import Failure
from cli.pulumi_cli import SCRIPTS, VERSION, InstallFailure
from tests.cli.fakes import a_program

SYSTEM_PATH = "/usr/bin:/bin"


@pytest.fixture(autouse=True)
def _own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    """A machine without Pulumi and with an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{SYSTEM_PATH}")
    (tmp_path / "bin").mkdir()


def a_cli(folder: Path, version: str = VERSION, scripts: tuple[str, ...] = SCRIPTS) -> None:
    a_program(folder / "pulumi", f"echo v{version}")
    for name in scripts:
        a_program(folder / name, "")


def an_installer(
    version: str = VERSION, scripts: tuple[str, ...] = SCRIPTS
) -> Callable[[Path, pulumi_cli.Say], None]:
    return lambda staging, _: a_cli(staging / "bin", version, scripts)


def broken(_: Path, say: pulumi_cli.Say) -> None:
    say("trying")
    raise InstallFailure("the host does not answer.")


def test_a_fitting_cli_on_path_is_taken(tmp_path: Path) -> None:
    a_cli(tmp_path / "bin", "3.250.1")
    found = pulumi_cli.find(lambda _: None, [])
    assert (found.executable, found.version) == (tmp_path / "bin" / "pulumi", "3.250.1")


@pytest.mark.parametrize("version", ["3.199.9", "2.0.0"])
def test_an_old_cli_on_path_is_passed_over_and_said(tmp_path: Path, version: str) -> None:
    a_cli(tmp_path / "bin", version)
    said: list[str] = []
    found = pulumi_cli.find(said.append, [("Installer", an_installer())])
    assert found.version == VERSION
    assert version in said[0]


def test_a_cli_on_path_without_its_launch_scripts_is_passed_over(tmp_path: Path) -> None:
    a_cli(tmp_path / "bin", scripts=())
    said: list[str] = []
    found = pulumi_cli.find(said.append, [("Installer", an_installer())])
    assert found.folder != tmp_path / "bin"
    assert SCRIPTS[0] in said[0]


def test_the_cache_serves_the_second_call_without_an_installer(tmp_path: Path) -> None:
    first = pulumi_cli.find(lambda _: None, [("Installer", an_installer())])
    again = pulumi_cli.find(lambda _: None, [])
    assert first == again
    assert first.folder == tmp_path / "cache" / "stowage" / "pulumi" / VERSION / "bin"


def test_the_next_way_is_tried_when_one_fails() -> None:
    said: list[str] = []
    ways = [("Installer", broken), ("Build", an_installer())]
    assert pulumi_cli.find(said.append, ways).version == VERSION
    assert any("the host does not answer" in line for line in said)


def test_when_every_way_fails_each_reason_is_told() -> None:
    with pytest.raises(Failure, match=r"Installer: the host does not.*Build: the new CLI reports"):
        pulumi_cli.find(lambda _: None, [("Installer", broken), ("Build", an_installer("3.0.0"))])


@pytest.mark.parametrize("way", [an_installer("3.0.0"), an_installer(scripts=()), broken])
def test_an_unfit_cli_never_reaches_the_cache(
    tmp_path: Path, way: Callable[[Path, pulumi_cli.Say], None]
) -> None:
    with pytest.raises(Failure):
        pulumi_cli.find(lambda _: None, [("Way", way)])
    left = [path.name for path in (tmp_path / "cache" / "stowage" / "pulumi").iterdir()]
    assert left == [f".lock-{VERSION}"]


def test_an_incomplete_version_in_the_cache_is_replaced(tmp_path: Path) -> None:
    a_cli(tmp_path / "cache" / "stowage" / "pulumi" / VERSION / "bin", scripts=())
    assert pulumi_cli.find(lambda _: None, [("Installer", an_installer())]).version == VERSION


def test_of_two_that_ask_at_once_one_installs_and_the_other_waits() -> None:
    entered, release = threading.Event(), threading.Event()
    installs: list[int] = []

    def slow(staging: Path, say: pulumi_cli.Say) -> None:
        installs.append(1)
        entered.set()
        assert release.wait(30)
        an_installer()(staging, say)

    def ask() -> None:
        pulumi_cli.find(lambda _: None, [("Slow", slow)])

    threads = [threading.Thread(target=ask) for _ in range(2)]
    threads[0].start()
    assert entered.wait(30)
    threads[1].start()
    release.set()
    for thread in threads:
        thread.join(30)
    assert installs == [1]


def test_the_build_uses_the_pinned_modules_and_copies_the_launch_scripts(tmp_path: Path) -> None:
    sdk = tmp_path / "sdk" / "python" / "dist"
    for name in SCRIPTS:
        a_program(sdk / name, "echo script")
    a_program(
        tmp_path / "bin" / "go",
        f"""echo "$(pwd) $*" >> {tmp_path}/calls
if [ "$1" = list ]; then echo {tmp_path}/sdk; exit 0; fi
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\\necho v{VERSION}\\n' > "$2"; chmod +x "$2" """,
    )
    project = tmp_path / "project"
    (project / "tools" / "pulumi").mkdir(parents=True)
    staging = tmp_path / "staging"
    pulumi_install.build(project, staging, lambda _: None)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert all(line.startswith(f"{project / 'tools' / 'pulumi'} ") for line in calls)
    assert f"version.Version=v{VERSION}" in calls[0]
    assert pulumi_cli.read_version(staging / "bin" / "pulumi") == VERSION
    assert all(os.access(staging / "bin" / name, os.X_OK) for name in SCRIPTS)


def test_a_failed_build_tells_what_go_said_last(tmp_path: Path) -> None:
    a_program(tmp_path / "bin" / "go", "echo first >&2; echo 'no space left on device' >&2; exit 1")
    (tmp_path / "tools" / "pulumi").mkdir(parents=True)
    with pytest.raises(InstallFailure, match="no space left on device"):
        pulumi_install.build(tmp_path, tmp_path / "staging", lambda _: None)


def test_without_go_the_build_says_where_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(InstallFailure, match=r"https://go\.dev"):
        pulumi_install.build(tmp_path, tmp_path / "staging", lambda _: None)


def test_an_installer_whose_host_is_silent_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulumi_install, "_PROBE", "import time; time.sleep(60)")
    monkeypatch.setattr(pulumi_install, "PROBE_SECONDS", 0.2)
    with pytest.raises(InstallFailure, match="given up"):
        pulumi_install.install(tmp_path, lambda _: None)


def test_an_installer_that_fails_tells_its_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulumi_install, "_PROBE", "")
    monkeypatch.setattr(pulumi_install, "_INSTALL", "raise SystemExit('checksum mismatch')")
    with pytest.raises(InstallFailure, match="checksum mismatch"):
        pulumi_install.install(tmp_path, lambda _: None)


def test_the_installers_scripts_are_valid_python() -> None:
    for code in (pulumi_install._PROBE, pulumi_install._INSTALL):  # pyright: ignore[reportPrivateUsage]
        subprocess.run([sys.executable, "-c", f"compile({code!r}, 'x', 'exec')"], check=True)


def test_a_cli_without_python_language_host_is_recognised(tmp_path: Path) -> None:
    a_cli(tmp_path / "bin")
    found = pulumi_cli.find(lambda _: None, [])
    assert not found.has_language_host()
    a_program(tmp_path / "bin" / pulumi_cli.LANGUAGE_HOST, "")
    assert found.has_language_host()
