"""Turns the engine's event stream into progress lines, counts and reasons."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi.automation.events import (
        DiagnosticEvent,
        EngineEvent,
        PolicyEvent,
        StepEventMetadata,
    )

QUIET = frozenset({"same", "read", "refresh"})
"""Operations that change nothing, so nobody is told of them one by one."""

_VERBS = {
    "create": "creating",
    "update": "updating",
    "delete": "deleting",
    "create-replacement": "replacing",
    "import-replacement": "replacing",
    "import": "adopting",
}
_STEPS = {
    "create-replacement": "replace",
    "import-replacement": "replace",
    "replace": "same",
    "delete-replaced": "same",
}
"""The engine takes three steps to replace a resource; one of them stands for all."""

_PARTS = frozenset(op for op, shown in _STEPS.items() if shown == "same")
_EXPECTED = (
    # The providers of the checkout are meant to be found there.
    "from $PATH at",
    # `up` says itself what it does about them.
    "pending operations from previous deployment",
)
"""Warnings of the engine about what is as it should be."""

_STAYING = frozenset({"WorkerVersion", "WorkersDeployment"})
_NOT_DELETED = ("sends nothing", "cannot be destroyed")
"""What the providers say when a deletion does nothing: the local cloud's, and Cloudflare's own."""

_FRAME = "an unhandled error occurred: "

_COLOUR = re.compile(r"<\{%.*?%\}>")


@dataclass(slots=True)
class Journal:
    """One operation as it goes: `say` gets a line for each resource that changes and for each
    problem."""

    say: Callable[[str], None]
    steps: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    problems: list[str] = field(default_factory=list[str])
    _summary: dict[str, int] | None = None
    _left: int = 0

    def take(self, event: "EngineEvent") -> None:
        """Takes the next event of the engine."""
        if event.resource_pre_event is not None:
            self._begin(event.resource_pre_event.metadata)
        elif event.res_outputs_event is not None:
            self._end(event.res_outputs_event.metadata)
        elif event.diagnostic_event is not None:
            self._diagnose(event.diagnostic_event)
        elif event.policy_event is not None:
            self._judge(event.policy_event)
        elif event.summary_event is not None:
            changes = event.summary_event.resource_changes or {}
            self._summary = {str(getattr(op, "value", op)): count for op, count in changes.items()}
            self._say_left()

    def counts(self) -> dict[str, int]:
        """Resources by operation, from the engine's own summary."""
        if self._summary is not None:
            return dict(sorted(self._summary.items()))
        return dict(sorted(Counter(step["op"] for step in self.steps).items()))

    def changed_anything(self) -> bool:
        """Whether a resource was changed: the stack itself, providers and groups of resources are
        in the state only."""
        return any(not step["type"].startswith(("pulumi:", "stowage:")) for step in self.steps)

    def explanation(self) -> str:
        """What went wrong, in the engine's words; empty when it gave no diagnostics."""
        return "\n".join(dict.fromkeys(self.problems))

    def _begin(self, step: "StepEventMetadata") -> None:
        op = _op(step)
        if op in QUIET or op in _PARTS or _is_hidden(step):
            return
        self.say(f"  {_VERBS.get(op, op)} {describe(step.type, step.urn)}")

    def _end(self, step: "StepEventMetadata") -> None:
        op = _STEPS.get(_op(step), _op(step))
        if op in QUIET:
            return
        self.steps.append({"op": op, "type": step.type, "name": name_of(step.urn), "urn": step.urn})

    def _diagnose(self, event: "DiagnosticEvent") -> None:
        text = _COLOUR.sub("", event.message).strip()
        severity = str(getattr(event.severity, "value", event.severity))
        if not text or severity in {"debug", "info"} or event.ephemeral:
            return
        if severity == "warning" and _stays(event.urn, text):
            self._left += 1
            return
        if not event.urn and severity == "error":
            self._fail(text)
            return
        where = f"{describe('', event.urn)}: " if event.urn else ""
        if severity == "error" or severity == "info#err":
            self.problems.append(where + text)
        if severity != "info#err" and not any(one in text for one in _EXPECTED):
            self.say(f"  {severity}: {where}{text}")

    def _fail(self, text: str) -> None:
        """An error of the program as a whole. It ends the command, whose last paragraph tells it;
        the engine then tells it again, in its own frame."""
        if text.removeprefix(_FRAME) not in self.problems:
            self.problems.append(text)

    def _say_left(self) -> None:
        """One line for what would else be a warning each, at every change of a Worker."""
        if self._left:
            what = "deployments and versions stay until their Worker goes; that is Cloudflare's way"
            self.say(f"  {self._left} {what}")
        self._left = 0

    def _judge(self, event: "PolicyEvent") -> None:
        text = f"policy {event.policy_name}: {_COLOUR.sub('', event.message).strip()}"
        if event.enforcement_level == "mandatory":
            self.problems.append(text)
        self.say(f"  {text}")


def describe(type_token: str, urn: str) -> str:
    """A resource as a person would name it: `R2Bucket uploads`."""
    token = type_token or urn.split("::")[-2].rsplit("$", 1)[-1]
    return f"{token.rsplit(':', 1)[-1]} {name_of(urn)}"


def name_of(urn: str) -> str:
    """A resource's logical name."""
    return urn.split("::", 3)[-1]


def _stays(urn: str | None, text: str) -> bool:
    kind = urn.split("::")[-2].rpartition(":")[2] if urn else ""
    return kind in _STAYING and any(words in text for words in _NOT_DELETED)


def _op(step: "StepEventMetadata") -> str:
    return str(getattr(step.op, "value", step.op))


def _is_hidden(step: "StepEventMetadata") -> bool:
    return step.type.startswith("pulumi:") and step.type != "pulumi:providers:cloudflare"
