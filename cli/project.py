"""Where the parts of a checkout lie, and which cloud folder a command works on."""

import os
from dataclasses import dataclass
from pathlib import Path

from cli.failures import UsageFailure

NAME = "stowage"
"""The Pulumi project's name, the namespace of its settings."""

LOCAL_STACK = "dev"
"""The one stack that lives in the local cloud; every other one is a real deployment."""


@dataclass(frozen=True, slots=True)
class Project:
    """A checkout of Stowage: the folder of Pulumi.yaml."""

    root: Path

    @classmethod
    def of_this_code(cls) -> "Project":
        """The checkout that the running command belongs to, wherever it was started."""
        root = Path(__file__).resolve().parent.parent
        if not (root / "Pulumi.yaml").exists():
            raise UsageFailure(
                f"{root} holds no Pulumi.yaml, so it is not a checkout of Stowage. The command "
                "works from a checkout: clone the repository and run `make up` there."
            )
        return cls(root)

    def stack_file(self, stack: str) -> Path:
        """What a person chose for a stack; committed, and never written by a command but `init`."""
        return self.root / f"Pulumi.{stack}.yaml"

    @property
    def policies(self) -> Path:
        return self.root / "policies"

    @property
    def plugins(self) -> Path:
        """Holds the providers that stand in for Cloudflare's."""
        return self.root / "local" / "bin"

    @property
    def python_modules(self) -> Path:
        """The unpacked wheels of the Worker bundle (`make wheels`)."""
        return self.root / ".build" / "python_modules"

    @property
    def node_modules(self) -> Path:
        return self.root / "local" / "workerd" / "node_modules"


def home_folder(project: Project, chosen: Path | None) -> Path:
    """The cloud folder: what was asked for, else $STOWAGE_HOME, else `.stowage` of the checkout.
    Absolute."""
    named = chosen or (Path(value) if (value := os.environ.get("STOWAGE_HOME")) else None)
    return (named or project.root / ".stowage").expanduser().resolve()
