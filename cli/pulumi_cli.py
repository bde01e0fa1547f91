"""Finds the Pulumi CLI: on PATH, else in the user's cache, where it is put first if it is missing.

The cache is `${XDG_CACHE_HOME:-~/.cache}/stowage/pulumi/<version>/bin`, shared by all checkouts of
this user. It holds `pulumi` and the two launch scripts that the engine looks up on PATH:
`pulumi-analyzer-policy-python` (policy packs) and `pulumi-resource-pulumi-python` (dynamic
resources). How they come there is cli/pulumi_install.py's business.
"""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.failures import Failure

VERSION = "3.200.0"
"""The version that is installed or built, and the oldest one that is taken from PATH."""

SCRIPTS = ("pulumi-analyzer-policy-python", "pulumi-resource-pulumi-python")
LANGUAGE_HOST = "pulumi-language-python"
"""Comes with the official CLI only. Without it plain `pulumi up` cannot run a Python program;
`stowage up` can."""

_VERSION_SECONDS = 20

Say = Callable[[str], None]
Installer = Callable[[Path, Say], None]
"""Puts `bin/pulumi` and the launch scripts into an empty folder, or raises InstallFailure."""


class InstallFailure(Failure):
    """One way of getting the CLI did not work."""


@dataclass(frozen=True, slots=True)
class PulumiCli:
    """A CLI that works: its executable, and its version without the leading v."""

    executable: Path
    version: str

    @property
    def folder(self) -> Path:
        return self.executable.parent

    def has_language_host(self) -> bool:
        """Whether plain `pulumi` can run a Python program, too."""
        beside = self.folder / LANGUAGE_HOST
        return beside.exists() or shutil.which(LANGUAGE_HOST) is not None


def cache_base() -> Path:
    """Where this user's copies of all built tools lie."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "stowage"


def cache_folder() -> Path:
    """Where this user's versions of the CLI lie."""
    return cache_base() / "pulumi"


def find(say: Say, installers: Sequence[tuple[str, Installer]]) -> PulumiCli:
    """The CLI to use. Slow (minutes) the first time on a machine without one, else immediate.

    `installers` are tried in turn, each with a name for messages. Several processes may ask at
    once: one installs, the others wait for it.

    Raises:
        Failure: no way of getting the CLI worked; the message holds what each of them said.
    """
    found = _on_path(say) or _cached()
    if found:
        return found
    with _lock():
        found = _cached()
        if found:
            return found
        return _install(say, installers)


def read_version(executable: Path) -> str | None:
    """The version an executable reports, or None when it does not run or reports none."""
    try:
        answer = subprocess.run(  # noqa: S603  (the executable was found by us)
            [str(executable), "version"],
            capture_output=True,
            text=True,
            timeout=_VERSION_SECONDS,
            check=True,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.match(r"v?(\d+\.\d+\.\d+)", answer.stdout.strip())
    return match.group(1) if match else None


def _on_path(say: Say) -> PulumiCli | None:
    name = shutil.which("pulumi")
    if name is None:
        return None
    executable = Path(name).resolve()
    version = read_version(executable)
    if version is None or _number(version) < _number(VERSION):
        say(f"pulumi on PATH is {version or 'unusable'}; Stowage needs {VERSION} or newer.")
        return None
    for script in SCRIPTS:
        if not (executable.parent / script).exists() and shutil.which(script) is None:
            say(f"pulumi on PATH has no {script}; using Stowage's own copy of the CLI instead.")
            return None
    return PulumiCli(executable, version)


def _cached() -> PulumiCli | None:
    executable = cache_folder() / VERSION / "bin" / "pulumi"
    complete = all((executable.parent / name).exists() for name in ("pulumi", *SCRIPTS))
    return PulumiCli(executable, VERSION) if complete else None


def _install(say: Say, installers: Sequence[tuple[str, Installer]]) -> PulumiCli:
    reasons: list[str] = []
    for name, installer in installers:
        staging = cache_folder() / f".staging-{os.getpid()}"
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
        try:
            installer(staging, say)
            _check(staging)
            _put(staging)
        except InstallFailure as failure:
            reasons.append(f"{name}: {failure}")
            say(f"{name} did not work; {_first_line(str(failure))}")
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        found = _cached()
        if found:
            say(f"Pulumi CLI {VERSION} is ready in {found.folder}.")
            return found
    raise Failure(
        "No Pulumi CLI: there is none on PATH and no way of getting one worked. "
        + " ".join(reasons)
        + f" Install Pulumi {VERSION} or newer by hand (https://www.pulumi.com/docs/install/) and "
        "run the command again."
    )


def _check(staging: Path) -> None:
    version = read_version(staging / "bin" / "pulumi")
    if version != VERSION:
        raise InstallFailure(f"the new CLI reports version {version}, not {VERSION}.")
    missing = [name for name in SCRIPTS if not (staging / "bin" / name).exists()]
    if missing:
        raise InstallFailure(f"the new CLI comes without {', '.join(missing)}.")


def _put(staging: Path) -> None:
    final = cache_folder() / VERSION
    if final.exists():  # incomplete: the caller has looked
        shutil.rmtree(final)
    staging.rename(final)


@contextmanager
def _lock() -> Generator[None]:
    cache_folder().mkdir(parents=True, exist_ok=True)
    with (cache_folder() / f".lock-{VERSION}").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "it gave no reason."
