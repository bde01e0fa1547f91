"""What the Pulumi engine and the plugins it starts find in their environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.project import Project
from cli.pulumi_cli import PulumiCli
from local.credentials import AccessKey


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """The local cloud's side of the environment: its folders, and how its REST face is reached."""

    home: Path
    pulumi_home: Path
    state: Path
    passphrase_file: Path
    rest_url: str
    api_token: str
    storage_keys: Mapping[str, AccessKey]
    """An administrator's key of each storage: the deployment makes buckets with it, and a copy
    reads and writes all of them."""

    def variables(self, project: Project) -> dict[str, str]:
        """Everything by which the engine differs from one that talks to Cloudflare."""
        keys: dict[str, str] = {}
        for storage, key in self.storage_keys.items():
            start = f"STOWAGE_{storage.upper()}"
            keys[f"{start}_ACCESS_KEY_ID"] = key.access_key_id
            keys[f"{start}_SECRET_ACCESS_KEY"] = key.secret_access_key
        return keys | {
            "STOWAGE_HOME": str(self.home),
            "PULUMI_HOME": str(self.pulumi_home),
            "PULUMI_BACKEND_URL": f"file://{self.state}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.passphrase_file),
            "CLOUDFLARE_API_TOKEN": self.api_token,
            "CLOUDFLARE_BASE_URL": f"{self.rest_url}/client/v4",
            # The plugins are in the checkout; a download of the real provider would only take their
            # place.
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "STOWAGE_PROJECT": str(project.root),
        }


CONTRADICTING = (
    "PULUMI_CONFIG_PASSPHRASE",
    "PULUMI_ACCESS_TOKEN",
    "PULUMI_STACK",
    "CLOUDFLARE_API_KEY",
    "CLOUDFLARE_EMAIL",
)
"""A person's own settings for real deployments, which would win over the local cloud's."""


def search_path(project: Project, cli: PulumiCli, interpreter: Path) -> list[str]:
    """What goes in front of PATH: the interpreter of this checkout (dynamic resources and policy
    packs run `python3`), the local cloud's plugins, the CLI with its launch scripts."""
    return [str(interpreter.parent), str(project.plugins), str(cli.folder)]


def local_environment(
    project: Project,
    cli: PulumiCli,
    interpreter: Path,
    settings: LocalSettings,
    ambient: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The variables of an engine that deploys to the local cloud. Empty ones undo a variable of the
    person's."""
    around = os.environ if ambient is None else ambient
    path = [*search_path(project, cli, interpreter), around.get("PATH", os.defpath)]
    undone = {name: "" for name in CONTRADICTING if name in around}
    return (
        undone
        | _common(project, around)
        | settings.variables(project)
        | {"PATH": os.pathsep.join(path)}
    )


def real_environment(
    project: Project, cli: PulumiCli, interpreter: Path, ambient: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The variables of an engine that deploys to Cloudflare: the operator's own backend, passphrase
    and token stay."""
    around = os.environ if ambient is None else ambient
    path = [str(interpreter.parent), str(cli.folder), around.get("PATH", os.defpath)]
    return _common(project, around) | {"PATH": os.pathsep.join(path)}


def _common(project: Project, around: Mapping[str, str]) -> dict[str, str]:
    path = [str(project.root), *filter(None, [around.get("PYTHONPATH")])]
    return {
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # Plugins of this checkout's Python, wherever it is installed.
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONWARNINGS": "ignore",
    }
