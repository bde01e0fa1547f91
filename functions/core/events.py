"""The history: each change of a state is one row of `event`, written in the same batch as the
change.

The rules, which every use-case keeps:
1. A row with a history has a `revision`, which is the `seq` of its last event; a new row has
   revision 1.
2. A change puts `Transition.event()` before `Transition.update()` into one batch.
3. The event's `seq` is read from the row under the guard (id, revision and state as the caller saw
   them). Where the guard no longer holds it is NULL, which the table refuses; where another change
   won the same revision, the primary key (subject_id, seq) refuses it. Either way the whole batch
   is gone with a `ConflictError`, so no statement behind the event can be written by the loser, on
   databases too whose UPDATE silently matches nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from functions.ports.records import Statement, Value

Table: TypeAlias = Literal[
    "api_key",
    "developer",
    "developer_key",
    "app",
    "version",
    "tenant",
    "location",
    "hostname",
    "debian_repository",
]

_COLUMNS = "subject_id, seq, subject_kind, actor, reason, from_state, to_state, at, detail"


@dataclass(frozen=True, slots=True)
class Guard:
    """A further condition, as SQL; of a transition, over the columns of its row."""

    sql: str
    parameters: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of the row `subject_id` of `table`, last seen at `revision`."""

    table: Table
    subject_id: str
    revision: int
    actor: str
    reason: str
    from_state: str | None
    to_state: str
    at: int
    guard: Guard | None = None
    detail: str | None = None
    """What a person said to it; `reason` is a name of the program's."""

    def event(self) -> Statement:
        where = "id = ? AND revision = ?"
        parameters: tuple[Value, ...] = (self.subject_id, self.revision)
        if self.guard is not None:
            where += f" AND {self.guard.sql}"
            parameters += self.guard.parameters
        seq = f"(SELECT revision + 1 FROM {self.table} WHERE {where})"  # noqa: S608  (closed set)
        return Statement(
            f"INSERT INTO event ({_COLUMNS}) VALUES (?, {seq}, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (
                self.subject_id,
                *parameters,
                self.table,
                self.actor,
                self.reason,
                self.from_state,
                self.to_state,
                self.at,
                self.detail,
            ),
        )

    def update(self, columns: Mapping[str, Value]) -> Statement:
        """Sets `columns` (names of the program, never of a caller) and moves the revision on."""
        assignments = "".join(f"{column} = ?, " for column in columns)
        return Statement(
            f"UPDATE {self.table} SET {assignments}revision = revision + 1"  # noqa: S608
            " WHERE id = ? AND revision = ?",
            (*columns.values(), self.subject_id, self.revision),
        )


def created(
    subject_id: str, table: Table, actor: str, state: str, at: int, guard: Guard | None = None
) -> Statement:
    """The first event of a row that the same batch inserts with revision 1. A `guard` here is about
    other rows, and goes with an event that is put before the row."""
    seq = "1" if guard is None else f"(SELECT CASE WHEN {guard.sql} THEN 1 END)"
    return Statement(
        f"INSERT INTO event ({_COLUMNS}) VALUES (?, {seq}, ?, ?, 'created', NULL, ?, ?, NULL)",  # noqa: S608
        (subject_id, *(guard.parameters if guard else ()), table, actor, state, at),
    )


def batch_of(changes: Sequence[tuple[Transition, Mapping[str, Value]]]) -> list[Statement]:
    """Transitions of different rows, with the columns that each sets, that happen together or not
    at all."""
    return [
        *(transition.event() for transition, _ in changes),
        *(transition.update(columns) for transition, columns in changes),
    ]
