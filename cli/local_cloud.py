"""The local cloud as the command uses it: its folder made ready, its stack file written, its REST
API at hand."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from cli import credentials, secret_settings, stack_config
from cli.credentials import Credentials
from cli.engine_environment import LocalSettings, local_environment
from cli.failures import Failure
from cli.overrides import Given
from cli.project import LOCAL_STACK, Project
from cli.pulumi_cli import PulumiCli
from cli.remembered import Before, TakeBack, nothing_to_take_back
from cli.rest import AccountApi
from cli.stack_config import StackConfig
from cli.state_file import StateFile
from local.client import Cloud
from local.credentials import ROLES, ROOT
from local.dns.records import RESOLVER_PATHS
from local.home import STORAGE_PORTS, STORAGE_REGIONS, CloudHome, write_private

if TYPE_CHECKING:
    from cli.engine import Engine

_R2 = "r2"


class LocalCloud:
    """One cloud folder and the processes behind it. Nothing is made or started before it is asked
    for."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project = project
        self.folder = folder
        self.home = CloudHome(folder)
        self.cloud = Cloud(folder)
        self.state_file = StateFile.of(self.home.state, LOCAL_STACK)
        self.config_file = folder / f"Pulumi.{LOCAL_STACK}.yaml"
        self.keys_file = folder / "keys.json"
        self.secrets_file = folder / "fingerprints.json"
        self.overrides_file = folder / "overrides.json"

    def credentials(self) -> Credentials:
        """The platform's keys; the first `up` makes them."""
        return credentials.load(self.keys_file)

    def url(self, port: str) -> str:
        """The base URL of one of the cloud's ports."""
        return self.home.urls()[port]

    def settings(self) -> LocalSettings:
        """What the engine needs to find this cloud."""
        known = self.home.credentials()
        return LocalSettings(
            home=self.folder,
            pulumi_home=self.home.pulumi_home,
            state=self.home.state,
            passphrase_file=self.home.passphrase_file,
            rest_url=self.url("rest"),
            api_token=known.api_token,
            storage_keys={_R2: known.r2}
            | {server: keys[ROOT] for server, keys in known.storage.items()},
        )

    def environment(self, cli: PulumiCli) -> dict[str, str]:
        """The variables of an engine that deploys here."""
        return local_environment(self.project, cli, Path(sys.executable), self.settings())

    def account_api(self) -> AccountApi:
        """The REST API of the local account."""
        config = stack_config.read(self.config_file)
        settings = self.settings()
        return AccountApi(
            f"{settings.rest_url}/client/v4",
            settings.api_token,
            str(config.get("accountId")),
            str(config.get("zoneId")),
        )

    def entry_hosts(self) -> dict[str, str]:
        """The host names of the Workers that have a port of their own."""
        config = stack_config.read(self.config_file)
        zone = config.get("zone")
        return {name: str(config.get(f"{name}Host") or f"{name}.{zone}") for name in ("api", "cdn")}

    def make_ready(self) -> None:
        """Makes the folder with what outlives the processes: ports, credentials, passphrase.

        Raises:
            Failure: keys are missing that a deployment in this folder was made with.
        """
        for path in (self.home.passphrase_file, self.keys_file):
            if not path.exists() and self.state_file.exists():
                raise Failure(
                    f"{path} is gone, but {self.home.state} holds a deployment that was made with "
                    "it. Restore the file, or "
                    "begin again with an empty local cloud: `make clean-cloud`, then `make up`."
                )
        self.home.ensure()

    def write_config(self, engine: "Engine", given: Given) -> StackConfig:
        """Writes the stack file that the engine is given, and makes the stack if there is none.

        `given` is remembered from now on: plain settings in a file of their own, secret ones only
        encrypted, in the stack file.
        """
        overrides = stack_config.remember(self.overrides_file, given.plain)
        keys, _ = credentials.load_or_generate(self.keys_file)
        previous = stack_config.read(self.config_file)
        plan = secret_settings.plan(
            self.secrets_file,
            keys.secret_settings() | self._storage_secrets(),
            given.secret,
            previous,
        )
        config = stack_config.compose(
            self._committed(),
            overrides,
            {
                "endpoints": self._endpoints(),
                "platformKeys": list(keys.platform_keys),
                "storageServers": self._storage_servers(),
                "dnsResolvers": [f"{self.url('rest')}{path}" for path in RESOLVER_PATHS],
                # The only network that the local cloud and its tests may use.
                "loopbackWebhooks": "true",
            },
            previous,
            plan.kept,
        )
        config = StackConfig(config.values, self.state_file.salt() or config.salt)
        if not self.state_file.exists():
            config = StackConfig(config.values, engine.create_stack(config.text()))
        # What a kill leaves half-way is done again, because the file says so already.
        secret_settings.note(self.secrets_file, plan.unchanged)
        if config != previous:
            write_private(self.config_file, config.text())
        engine.encrypt(plan.stale)
        secret_settings.note(self.secrets_file, plan.notes)
        return config

    def write_config_for_now(self, engine: "Engine", given: Given) -> TakeBack:
        """Writes the stack file like `write_config`, and gives what makes it as if `given` had not
        been. When it fails itself, nothing of `given` stays either."""
        if not given.plain and not given.secret:
            self.write_config(engine, given)
            return nothing_to_take_back
        before = Before.of(self.overrides_file, self.secrets_file, self.config_file)

        def take_back() -> None:
            before.put_back(self.overrides_file)
            before.put_back(self.secrets_file)
            if before.texts[self.config_file] is not None:
                before.put_back(self.config_file)
            # The stack itself may be new, and its salt is in the stack file only.
            self.write_config(engine, Given())

        try:
            self.write_config(engine, given)
        except Failure:
            before.put_back(self.overrides_file)
            raise
        return take_back

    def _committed(self) -> StackConfig:
        path = self.project.stack_file(LOCAL_STACK)
        if not path.exists():
            raise Failure(
                f"{path} is missing; it is part of the checkout: `git checkout -- {path.name}`."
            )
        return stack_config.read(path)

    def _storage_servers(self) -> dict[str, object]:
        return {
            server: {"endpoint": self.url(port), "region": STORAGE_REGIONS[server]}
            for server, port in STORAGE_PORTS.items()
        }

    def _storage_secrets(self) -> dict[str, str]:
        """The keys of the S3 servers' users, as the program takes them."""
        known = self.home.credentials()
        keys = {
            server: {role: asdict(keys[role]) for role in ROLES}
            for server, keys in known.storage.items()
        }
        return {
            "storageKeys": json.dumps(keys),
            "storageOriginSecret": known.storage_origin_secret,
        }

    def _endpoints(self) -> dict[str, str]:
        own = {name: self.url(name) for name in ("api", "cdn", "edge", "s3")}
        return {**own, "cloudflare": self.url("rest")}
