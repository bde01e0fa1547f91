"""Runs the real Pulumi engine over the project's program, in this process (Automation API).

The stack file is always given as `config_file`, and a stack is created in a folder of its own, so
that no command writes into the checkout.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from pulumi import automation as auto
from pulumi.automation import errors as auto_errors

from cli.deployment_events import Journal
from cli.failures import Failure
from cli.interruption import stopping
from cli.project import Project
from cli.pulumi_cli import PulumiCli
from cli.pulumi_command import run_command
from cli.stack_config import full_key


@dataclass(frozen=True, slots=True)
class Run:
    """What one operation of the engine did."""

    counts: dict[str, int]
    """Resources by operation: same, create, update, replace, delete."""
    steps: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    """What changed, in the order in which it was done: op, type, name, urn."""

    @property
    def changed(self) -> int:
        return sum(count for op, count in self.counts.items() if op != "same")


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a stack."""

    value: object
    secret: bool


@dataclass(frozen=True, slots=True)
class Engine:
    """The engine for one stack: where its configuration lies and in which environment it runs.

    A stack that the backend does not know yet is made.
    """

    project: Project
    cli: PulumiCli
    stack: str
    config_file: Path
    environment: Mapping[str, str]
    program: Callable[[], None]

    def up(self, journal: Journal) -> Run:
        """Deploys. Raises Failure with what the engine reported."""
        return self._run(
            journal,
            lambda stack: stack.up(
                policy_packs=[str(self.project.policies)],
                config_file=str(self.config_file),
                show_secrets=False,
                suppress_outputs=True,
                color="never",
                on_event=journal.take,
            ),
        )

    def preview(self, journal: Journal) -> Run:
        """Plans. Raises Failure with what the engine reported."""
        return self._run(
            journal,
            lambda stack: stack.preview(
                policy_packs=[str(self.project.policies)],
                config_file=str(self.config_file),
                suppress_outputs=True,
                color="never",
                on_event=journal.take,
            ),
        )

    def refresh(self, journal: Journal) -> Run:
        """Reads the cloud into the state."""
        return self._run(
            journal,
            lambda stack: stack.refresh(
                config_file=str(self.config_file),
                show_secrets=False,
                suppress_outputs=True,
                color="never",
                on_event=journal.take,
            ),
        )

    def destroy(self, journal: Journal) -> Run:
        """Deletes everything of the stack; the empty stack stays."""
        return self._run(
            journal,
            lambda stack: stack.destroy(
                config_file=str(self.config_file),
                show_secrets=False,
                suppress_outputs=True,
                color="never",
                on_event=journal.take,
            ),
        )

    def outputs(self) -> dict[str, Output]:
        """The outputs of the last deployment; none before the first."""
        try:
            found = self._workspace().stack_outputs(self.stack)
        except auto_errors.StackNotFoundError:
            return {}
        except auto_errors.CommandError as error:
            if "no stack named" in str(error):
                return {}
            raise Failure(f"Pulumi could not read the stack's outputs: {_reason(error)}") from error
        return {name: Output(cast("object", one.value), one.secret) for name, one in found.items()}

    def create_stack(self, config_text: str) -> str | None:
        """Makes the stack in the backend and gives the salt of its passphrase, if it has one.

        `config_text` is the stack file so far: with a salt in it, that salt stays.
        """
        with tempfile.TemporaryDirectory(prefix="stowage-stack-") as name:
            folder = Path(name)
            shutil.copy(self.project.root / "Pulumi.yaml", folder)
            stack_file = folder / f"Pulumi.{self.stack}.yaml"
            stack_file.write_text(config_text, encoding="utf-8")
            self._command(["stack", "init", self.stack, "--no-select"], folder=folder)
            for line in stack_file.read_text(encoding="utf-8").splitlines():
                if line.startswith("encryptionsalt:"):
                    return line.partition(":")[2].strip()
        return None

    def encrypt(self, settings: Mapping[str, str]) -> None:
        """Writes secret settings into the configuration file, encrypted. Each goes over stdin:
        arguments are visible to every user of the machine."""
        for name, value in settings.items():
            arguments = ["config", "set", "--secret", "--stack", self.stack, name]
            self._command([*arguments, "--config-file", str(self.config_file)], stdin=value)

    def secret_setting(self, name: str) -> str | None:
        """A setting's text, decrypted; None where it is not set."""
        arguments = ["config", "--json", "--show-secrets", "--stack", self.stack]
        text = self._command([*arguments, "--config-file", str(self.config_file)])
        found = cast("dict[str, dict[str, str]]", json.loads(text))
        return found.get(full_key(name), {}).get("value")

    def export_state(self) -> dict[str, object]:
        """The state as it is stored: secrets stay encrypted."""
        text = self._command(["stack", "export", "--stack", self.stack])
        return cast("dict[str, object]", json.loads(text))

    def import_state(self, document: Mapping[str, object]) -> None:
        """Puts a state back; the engine drops its pending operations."""
        self._command(["stack", "import", "--stack", self.stack], stdin=json.dumps(document))

    def _command(self, arguments: list[str], *, stdin: str = "", folder: Path | None = None) -> str:
        return run_command(
            self.cli, arguments, folder or self.project.root, self.environment, stdin
        )

    def _run(self, journal: Journal, operation: Callable[[auto.Stack], object]) -> Run:
        home = self.environment.get("STOWAGE_HOME")
        try:
            with stopping(journal.say, Path(home) if home else None):
                operation(self._select())
        except auto_errors.ConcurrentUpdateError as error:
            raise Failure(
                "Another deployment of this stack is running. Wait for it to end; if none is, "
                "`stowage up` removes the lock of a dead process."
            ) from error
        except (auto_errors.CommandError, auto_errors.InlineSourceRuntimeError) as error:
            raise Failure(journal.explanation() or _reason(error)) from error
        return Run(journal.counts(), journal.steps)

    def _select(self) -> auto.Stack:
        try:
            return auto.Stack.select(self.stack, self._workspace())
        except auto_errors.StackNotFoundError:
            self.create_stack(self.config_file.read_text(encoding="utf-8"))
            return auto.Stack.select(self.stack, self._workspace())

    def _workspace(self) -> auto.LocalWorkspace:
        return auto.LocalWorkspace(
            work_dir=str(self.project.root),
            program=self.program,
            env_vars=self.environment,
            pulumi_home=self.environment.get("PULUMI_HOME"),
            pulumi_command=self._pulumi_command(),
        )

    def _pulumi_command(self) -> auto.PulumiCommand:
        in_bin = self.cli.folder.name == "bin"
        found = auto.PulumiCommand(root=str(self.cli.folder.parent) if in_bin else None)
        # By an absolute path its folder would come first on PATH, and with it perhaps another
        # python3 than this checkout's.
        found.command = "pulumi"
        return found


def _reason(error: Exception) -> str:
    """The engine's own words out of an error of the Automation API, which wraps them in code,
    stdout and stderr."""
    text = str(error)
    _, _, after = text.partition("stderr:")
    lines = [line.strip() for line in (after or text).splitlines() if line.strip()]
    return "\n".join(lines[-20:])
