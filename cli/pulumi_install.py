"""The two ways of getting a Pulumi CLI: Pulumi's own installer, and a build from Go modules.

The build takes minutes but needs nothing beyond Go and a module proxy, so it also works where
Pulumi's own hosts are out of reach. It has no Python language host, which the Automation API with
an inline program does not need.
"""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from cli.pulumi_cli import SCRIPTS, VERSION, Installer, InstallFailure, Say, find

PROBE_SECONDS = 10
"""For the first answer of Pulumi's host: a network that swallows packets must not cost more than
this."""
DOWNLOAD_SECONDS = 180
BUILD_SECONDS = 3600
HEARTBEAT_SECONDS = 20

_PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_SDK = "github.com/pulumi/pulumi/sdk/v3"

_PROBE = """
import sys, urllib.request
urllib.request.urlopen("https://get.pulumi.com/install.sh", timeout=float(sys.argv[1])).read(1)
"""
_INSTALL = """
import sys
from pulumi.automation import PulumiCommand
from semver import VersionInfo
PulumiCommand.install(root=sys.argv[1], version=VersionInfo.parse(sys.argv[2]))
"""


def installers(project: Path) -> Sequence[tuple[str, Installer]]:
    """In the order in which they are tried."""
    return [
        ("Pulumi's installer", install),
        ("A build from Go modules", lambda staging, say: build(project, staging, say)),
    ]


def install(staging: Path, say: Say) -> None:
    """Runs the installer of Pulumi's Automation API, in a process of its own that can be ended.

    Raises:
        InstallFailure: the host does not answer, or the installer failed or took too long.
    """
    say(f"Getting Pulumi CLI {VERSION} with Pulumi's own installer ...")
    _python(_PROBE, [str(PROBE_SECONDS / 2)], PROBE_SECONDS, "get.pulumi.com does not answer:")
    _python(_INSTALL, [str(staging), VERSION], DOWNLOAD_SECONDS, "the installer failed:")


def build(project: Path, staging: Path, say: Say) -> None:
    """Builds the CLI from `tools/pulumi/go.mod` and copies the launch scripts of the same release.

    Raises:
        InstallFailure: Go is missing, or the build failed.
    """
    if shutil.which("go") is None:
        raise InstallFailure("Go is not installed; install it from https://go.dev/dl/.")
    modules = project / "tools" / "pulumi"
    say(f"Building Pulumi CLI {VERSION} with Go, once for this user (about 5 minutes) ...")
    flag = f"-s -w -X {_SDK}/go/common/version.Version=v{VERSION}"
    target = staging / "bin" / "pulumi"
    target.parent.mkdir(parents=True, exist_ok=True)
    _go(modules, ["build", "-ldflags", flag, "-o", str(target), _PACKAGE], say)
    # Without -mod=mod: the folder of a module that the build above has already downloaded.
    folder = _go(modules, ["list", "-m", "-f", "{{.Dir}}", _SDK], say).strip()
    for name in SCRIPTS:
        copy = target.parent / name
        try:
            copy.write_bytes((Path(folder) / "python" / "dist" / name).read_bytes())
        except OSError as error:
            raise InstallFailure(f"the Go module {_SDK} has no {name} ({error}).") from error
        copy.chmod(0o755)


def _python(code: str, arguments: Sequence[str], seconds: float, problem: str) -> None:
    try:
        subprocess.run(  # noqa: S603  (our own interpreter and our own code)
            [sys.executable, "-c", code, *arguments],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise InstallFailure(f"{problem} given up after {seconds:.0f} s.") from error
    except subprocess.CalledProcessError as error:
        raise InstallFailure(f"{problem} {_last_line(str(error.stderr))}") from error


def _go(modules: Path, arguments: Sequence[str], say: Say) -> str:
    process = subprocess.Popen(  # noqa: S603  (go of the person's PATH, arguments are ours)
        ["go", *arguments],  # noqa: S607
        cwd=modules,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A vendored or workspace set-up of the person's must not leak into this build.
        env={**os.environ, "GOWORK": "off"},
    )
    ended = threading.Event()
    heartbeat = threading.Thread(target=_beat, args=(ended, say), daemon=True)
    heartbeat.start()
    try:
        out, err = process.communicate(timeout=BUILD_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise InstallFailure(f"go {arguments[0]} took over {BUILD_SECONDS} s.") from error
    finally:
        ended.set()
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode != 0:
        raise InstallFailure(f"go {arguments[0]} failed: {_last_line(err)}")
    return out


def _beat(ended: threading.Event, say: Say) -> None:
    started = time.monotonic()
    while not ended.wait(HEARTBEAT_SECONDS):
        say(f"  still building ({time.monotonic() - started:.0f} s)")


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else "It gave no reason."


def main() -> None:
    """`python -m cli.pulumi_install`: the CLI made ready, with progress lines, before something
    needs it."""
    checkout = Path(__file__).resolve().parents[1]
    try:
        found = find(lambda text: print(text, flush=True), installers(checkout))
    except InstallFailure as failure:
        sys.exit(str(failure))
    print(f"Pulumi CLI {found.version}: {found.executable}")


if __name__ == "__main__":
    main()
