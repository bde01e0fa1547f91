"""The short commands of the Pulumi CLI: making a stack, encrypting a value, editing state."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from cli.failures import Failure
from cli.pulumi_cli import PulumiCli

SECONDS = 120


def run_command(
    cli: PulumiCli,
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    stdin: str = "",
) -> str:
    """Runs one command in a folder and gives what it wrote to stdout.

    `environment` is added to the process's own. Secrets go over stdin, never as arguments, which
    every user of the machine can see.

    Raises:
        Failure: it failed or took over SECONDS.
    """
    name = " ".join(arguments[:2])
    try:
        done = subprocess.run(  # noqa: S603  (our CLI, our arguments)
            [str(cli.executable), "--non-interactive", *arguments],
            cwd=folder,
            env={**os.environ, **environment},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Failure(f"`pulumi {name}` took over {SECONDS} s and was ended.") from error
    except OSError as error:
        raise Failure(f"{cli.executable} cannot be run ({error}).") from error
    if done.returncode != 0:
        raise Failure(f"`pulumi {name}` failed: {done.stderr.strip()}")
    return done.stdout
