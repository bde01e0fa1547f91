"""The local stack's state as Pulumi's file backend stores it, read without starting the engine."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from cli.failures import Failure
from cli.project import NAME

Node = dict[str, object]
_STACK = "pulumi:pulumi:Stack"


@dataclass(frozen=True, slots=True)
class Pending:
    """A resource that an operation of a killed engine was about to make."""

    urn: str
    type: str
    name: str
    inputs: Node


@dataclass(frozen=True, slots=True)
class StateFile:
    """One stack's checkpoint; everything is empty before the first deployment."""

    path: Path

    @classmethod
    def of(cls, state: Path, stack: str) -> "StateFile":
        return cls(state / ".pulumi" / "stacks" / NAME / f"{stack}.json")

    def mend(self) -> None:
        """Mends what a kill in the middle of a write leaves behind.

        The backend replaces the state as a whole, but writes the attributes beside each file in
        place: a cut one makes the state unreadable ("failed to load checkpoint: EOF"), a missing
        one does not. Only for a stack that no process is writing to.
        """
        cut = [path for path in self.path.parent.glob("*.attrs") if not _is_json(path)]
        left = list(self.path.parent.glob(f"{self.path.name}.*.tmp"))
        for path in cut + left:
            path.unlink(missing_ok=True)

    def exists(self) -> bool:
        return self.path.exists()

    def salt(self) -> str | None:
        """The salt of the passphrase that the secrets in the state are encrypted with."""
        provider = _node(self._latest().get("secrets_providers"))
        salt = _node(provider.get("state")).get("salt")
        return salt if isinstance(salt, str) else None

    def has_outputs(self) -> bool:
        """Whether a deployment came to its end and was not destroyed since."""
        resources = _nodes(self._latest().get("resources"))
        return any(one.get("type") == _STACK and _node(one.get("outputs")) for one in resources)

    def resources(self) -> list[Node]:
        """What the state holds, also of a deployment that never ended."""
        return _nodes(self._latest().get("resources"))

    def has_pending_operations(self) -> bool:
        return bool(_nodes(self._latest().get("pending_operations")))

    def unfinished_creations(self) -> list[Pending]:
        """What may exist in the cloud although the state does not hold it: creations that were
        begun and whose end nobody wrote down."""
        latest = self._latest()
        known = {str(one.get("urn")) for one in _nodes(latest.get("resources"))}
        found: dict[str, Pending] = {}
        for operation in _nodes(latest.get("pending_operations")):
            resource = _node(operation.get("resource"))
            urn = str(resource.get("urn"))
            if operation.get("type") in {"creating", "importing"} and urn not in known:
                name = urn.split("::", 3)[-1]
                found[urn] = Pending(
                    urn, str(resource.get("type")), name, _node(resource.get("inputs"))
                )
        return list(found.values())

    def _latest(self) -> Node:
        try:
            document = _node(json.loads(self.path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise Failure(
                f"The stack's state in {self.path} cannot be read ({error}). Pulumi keeps the one "
                f"before beside it, in {self.path.name}.bak."
            ) from error
        # Go reads and writes these names without regard to case.
        checkpoint = _node(document.get("checkpoint") or document.get("Checkpoint"))
        return _node(checkpoint.get("latest") or checkpoint.get("Latest"))


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def _node(value: object) -> Node:
    return cast("Node", value) if isinstance(value, dict) else {}


def _nodes(value: object) -> list[Node]:
    return [_node(one) for one in cast("list[object]", value)] if isinstance(value, list) else []
