"""The S3-compatible server of a local cloud whose storage is `minio` or `b2`: versitygw, built once
for each user from `tools/versitygw/go.mod`, whose sums pin every byte.

The cache is `${XDG_CACHE_HOME:-~/.cache}/stowage/versitygw/<version>/versitygw`, shared by all
checkouts of this user. Nothing is taken from PATH: what is tested is what the file pins.
"""

import fcntl
import os
import re
import sys
from pathlib import Path

from cli.failures import Failure
from cli.go_build import Say, go
from cli.pulumi_cli import cache_base

_PACKAGE = "github.com/versity/versitygw/cmd/versitygw"
_REQUIRED = re.compile(r"^\s*github\.com/versity/versitygw v(\S+)", re.MULTILINE)


def version(project: Path) -> str:
    """The version that `tools/versitygw/go.mod` pins, without the leading v."""
    found = _REQUIRED.search(_modules(project).joinpath("go.mod").read_text(encoding="utf-8"))
    if found is None:
        raise Failure(f"{_modules(project)}/go.mod does not require github.com/versity/versitygw.")
    return found[1]


def find(project: Path, say: Say) -> Path:
    """The executable. Slow (minutes) the first time for this user, else immediate. Several
    processes may ask at once: one builds, the others wait for it.

    Raises:
        BuildFailure: Go is missing, or the build failed.
    """
    pinned = version(project)
    executable = cache_base() / "versitygw" / pinned / "versitygw"
    if executable.exists():
        return executable
    executable.parent.mkdir(parents=True, exist_ok=True)
    with (executable.parent / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not executable.exists():
            _build(project, pinned, executable, say)
    return executable


def _build(project: Path, pinned: str, executable: Path, say: Say) -> None:
    say(f"Building versitygw {pinned} with Go, once for this user (about 4 minutes) ...")
    staging = executable.with_name(f".staging-{os.getpid()}")
    try:
        flags = ["-trimpath", "-ldflags", "-s -w", "-o", str(staging)]
        go(_modules(project), ["build", *flags, _PACKAGE], say, {"CGO_ENABLED": "0"})
        # At the end and at once: a build that was killed leaves nothing that looks finished.
        staging.replace(executable)
    finally:
        staging.unlink(missing_ok=True)
    say(f"versitygw {pinned} is ready in {executable.parent}.")


def _modules(project: Path) -> Path:
    return project / "tools" / "versitygw"


def main() -> None:
    """`python -m cli.versitygw`: the server made ready before something needs it."""
    try:
        found = find(Path(__file__).resolve().parents[1], lambda text: print(text, flush=True))
    except Failure as failure:
        sys.exit(str(failure))
    print(f"versitygw: {found}")


if __name__ == "__main__":
    main()
