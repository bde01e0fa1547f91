"""The legal transitions of a version, as data. Whoever changes a version's state takes its step
from here, so that nothing happens that the table does not show.

A version is current where its app's `current_version_id` names it; a published version that is not
is old. What is current has no `due_at`; everything else falls due.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from functions.core.events import Guard, Transition
from functions.core.problems import ProblemError, conflict
from functions.core.version_records import Status, Version

Name: TypeAlias = Literal[
    "completed", "expired", "validated", "invalid", "dead-letter", "published", "superseded",
    "made-current", "rejected", "pulled", "taken-over", "restored", "removed",
]  # fmt: skip
"""As the version's events call it."""


@dataclass(frozen=True, slots=True)
class Rule:
    sources: tuple[Status, ...]
    target: Status | None
    """None: the state stays what it is."""
    meaning: str

    def result(self, source: Status) -> Status:
        return source if self.target is None else self.target


TABLE: Mapping[Name, Rule] = {
    "completed": Rule(("uploading",), "validating", "its developer says that the package is there"),
    "expired": Rule(("uploading",), "failed", "nobody completed the upload in time"),
    "validated": Rule(("validating",), "draft", "the package keeps every rule"),
    "invalid": Rule(("validating",), "failed", "the package breaks a rule"),
    "dead-letter": Rule(("validating",), "failed", "the platform could not validate it"),
    "published": Rule(("draft",), "published", "its developer made it current"),
    "superseded": Rule(("published",), None, "another version is current now; this one is old"),
    "made-current": Rule(("published",), None, "an old version is current again"),
    "rejected": Rule(("draft",), "rejected", "an operator refused it"),
    "pulled": Rule(("published",), "pulled", "its developer or an operator took it back"),
    "taken-over": Rule(("pulled",), None, "an operator pulled what its developer had pulled"),
    "restored": Rule(("pulled",), "published", "what was pulled can be downloaded again"),
    "removed": Rule(
        ("draft", "rejected", "failed", "published", "pulled"), None, "its retention is over"
    ),
}


def step(
    name: Name,
    version: Version,
    actor: str,
    now: int,
    guard: Guard | None = None,
    *,
    detail: str | None = None,
) -> Transition:
    """The version's transition, to be written with the columns that go with it. Its guard holds
    while the version is as it was read and not deleted; `guard` adds to that.

    Raises: ProblemError 409 `illegal-transition` where the table does not have it.
    """
    rule = TABLE[name]
    if version.status not in rule.sources:
        raise illegal(name, version)
    unchanged = Guard("status = ? AND deleted_at IS NULL", (version.status,))
    if guard is not None:
        unchanged = Guard(
            f"{unchanged.sql} AND {guard.sql}", (*unchanged.parameters, *guard.parameters)
        )
    return Transition(
        "version",
        version.id,
        version.revision,
        actor,
        name,
        version.status,
        rule.result(version.status),
        now,
        unchanged,
        detail,
    )


def illegal(name: Name, version: Version, hint: str = "") -> ProblemError:
    """409 with the state that the version is in (`version_status`) and those from which it would be
    legal (`legal_from`)."""
    sources = TABLE[name].sources
    done = name.replace("-", " ")
    detail = (
        f"Only a version that is {' or '.join(sources)} can be {done}; this one is "
        f"{version.status}.{hint}"
    )
    return conflict(
        "illegal-transition",
        detail,
        version_status=version.status,
        is_current=version.is_current,
        legal_from=list(sources),
    )
