"""The two ways of getting a Pulumi CLI: Pulumi's own installer, and a build from Go modules.

The build takes minutes but needs nothing beyond Go and a module proxy, so it also works where
Pulumi's own hosts are out of reach. It has no Python language host, which the Automation API with
an inline program does not need.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from cli.go_build import BuildFailure, go, last_line
from cli.pulumi_cli import SCRIPTS, VERSION, Installer, InstallFailure, Say, find

PROBE_SECONDS = 10
"""For the first answer of Pulumi's host: a network that swallows packets must not cost more than
this."""
DOWNLOAD_SECONDS = 180

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
    modules = project / "tools" / "pulumi"
    say(f"Building Pulumi CLI {VERSION} with Go, once for this user (about 5 minutes) ...")
    flag = f"-s -w -X {_SDK}/go/common/version.Version=v{VERSION}"
    target = staging / "bin" / "pulumi"
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        go(modules, ["build", "-ldflags", flag, "-o", str(target), _PACKAGE], say)
        # Without -mod=mod: the folder of a module that the build above has already downloaded.
        folder = go(modules, ["list", "-m", "-f", "{{.Dir}}", _SDK], say).strip()
    except BuildFailure as failure:
        raise InstallFailure(str(failure)) from failure
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
        raise InstallFailure(f"{problem} {last_line(str(error.stderr))}") from error


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
