"""How the S3 server of a `minio` storage comes to be there."""

import os
from pathlib import Path

import pytest

from cli import versitygw
from cli.failures import Failure
from cli.go_build import BuildFailure
from tests.cli.fakes import a_program

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")


def a_project(folder: Path, version: str = "1.2.3") -> Path:
    modules = folder / "project" / "tools" / "versitygw"
    modules.mkdir(parents=True)
    required = f"require (\n\tgithub.com/versity/versitygw v{version} // indirect\n)\n"
    (modules / "go.mod").write_text(required)
    return folder / "project"


def a_go(folder: Path, then: str = "") -> None:
    """A `go` that notes how it was called and writes what `-o` names."""
    a_program(
        folder / "bin" / "go",
        f"""echo "$CGO_ENABLED $GOWORK $*" >> {folder}/calls
{then}
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\\necho server\\n' > "$2"; chmod +x "$2" """,
    )


def test_it_is_built_once_from_the_pinned_modules(tmp_path: Path) -> None:
    a_go(tmp_path)
    project = a_project(tmp_path)
    said: list[str] = []
    found = versitygw.find(project, said.append)
    assert found == tmp_path / "cache" / "stowage" / "versitygw" / "1.2.3" / "versitygw"
    assert os.access(found, os.X_OK)
    assert "Building versitygw 1.2.3" in said[0]
    assert versitygw.find(project, said.append) == found
    (call,) = (tmp_path / "calls").read_text().splitlines()
    assert call.startswith("0 off build -trimpath")


def test_another_pinned_version_is_another_build(tmp_path: Path) -> None:
    a_go(tmp_path)
    versitygw.find(a_project(tmp_path / "a"), lambda _: None)
    newer = versitygw.find(a_project(tmp_path / "b", "1.2.4"), lambda _: None)
    assert newer.parent.name == "1.2.4"


def test_a_failed_build_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    a_go(tmp_path, "echo 'no space left on device' >&2; exit 1")
    project = a_project(tmp_path)
    with pytest.raises(BuildFailure, match="no space left on device"):
        versitygw.find(project, lambda _: None)
    left = {path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()}
    assert left == {".lock"}


def test_a_go_mod_without_it_is_a_clear_failure(tmp_path: Path) -> None:
    project = a_project(tmp_path)
    (project / "tools" / "versitygw" / "go.mod").write_text("module x\n")
    with pytest.raises(Failure, match="does not require"):
        versitygw.find(project, lambda _: None)


def test_the_checkout_pins_a_version_with_its_sums() -> None:
    pinned = versitygw.version(PROJECT)
    sums = (PROJECT / "tools" / "versitygw" / "go.sum").read_text()
    assert f"github.com/versity/versitygw v{pinned} h1:" in sums
