"""Rows made anew from the packages themselves: the last resort, when no backup is left, and the way
to versions that were published after the backup that was restored.

What can be believed of a version is what `package_proof` proves; a package without its signed
statement gets no row. Nothing tells whether a version was a draft, published, or pulled, who may
see the app, what the developer is called, or any key.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from functions.core import events
from functions.core.access import Caller
from functions.core.ids import new_id
from functions.core.package_proof import Proven
from functions.core.platform import DESIGNED, Retention
from functions.core.problems import ProblemError
from functions.core.publication import publish_version
from functions.core.times import parse_rfc3339
from functions.core.version_records import OCCUPIED
from functions.ports.records import ConflictError, Records, Statement, Value

if TYPE_CHECKING:
    from functions.core.apps import Visibility
    from functions.ports.clock import Clock
    from functions.ports.entropy import Entropy

ACTOR = "rebuild"
UNNAMED = "Recovered developer"
_DRAFTS = (
    "SELECT version.id AS id, version.app_id AS app_id, version.version_code AS version_code,"
    " app.developer_id AS developer_id FROM version JOIN app ON app.id = version.app_id"
    " JOIN event ON event.subject_id = version.id AND event.seq = 1"
    " WHERE event.actor = ? AND version.status = 'draft' AND version.deleted_at IS NULL"
    " ORDER BY version.app_id, version.version_code"
)
AT_ONCE = 20
"""Versions that are written in one batch."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What nothing tells and somebody must say."""

    visibility: "Visibility" = "private"
    """Of apps that have no row."""
    publish: bool = False
    """Every version that is made was published. The highest version_code of an app becomes current,
    unless a higher one is."""
    retention: Retention = DESIGNED


@dataclass(slots=True)
class Rebuilt:
    """Counts of the rows that were made."""

    developers: int = 0
    apps: int = 0
    versions: int = 0
    published: int = 0
    """Versions that this run published, also those that an earlier one had made."""
    known: int = 0
    """Versions that have a row already; nothing was changed about them."""
    problems: list[str] = field(default_factory=list[str])
    """What was left out, and why; one line each."""


async def write(
    records: Records,
    clock: "Clock",
    entropy: "Entropy",
    proven: Iterable[Proven],
    wish: Wish,
) -> Rebuilt:
    """Makes the rows that are missing: versions as drafts that never fall due, so that nothing is
    deleted before somebody has decided, or as published, if that is the wish. What has a row
    already is left as it is, so repeating it makes nothing twice.

    Raises: RecordsError.
    """
    rebuilt = Rebuilt()
    work = _Work(records, clock.now_ms(), wish, rebuilt)
    await work.look()
    waiting: list[tuple[Proven, list[Statement]]] = []
    # In this order an app is named by its newest version.
    for one in sorted(proven, key=lambda one: (one.named.app_id, -one.named.version_code)):
        made = work.statements(one, new_id(clock, entropy))
        if made:
            waiting.append((one, made))
        if len(waiting) >= AT_ONCE:
            await work.send(waiting)
            waiting = []
    await work.send(waiting)
    if wish.publish:
        await work.publish(clock)
    return rebuilt


@dataclass(slots=True)
class _Work:
    records: Records
    now: int
    wish: Wish
    rebuilt: Rebuilt
    developers: set[str] = field(default_factory=set[str])
    owners: dict[str, str] = field(default_factory=dict[str, str])
    taken: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    current: dict[str, int] = field(default_factory=dict[str, int])
    """The version_code that is current, by app, before this run."""
    newest: dict[str, int] = field(default_factory=dict[str, int])
    """The highest version_code, by app, current or of this run."""

    async def look(self) -> None:
        """What has rows already, also what was deleted: ids are never used again."""
        rows = await self.records.fetch(Statement("SELECT id FROM developer"))
        self.developers = {cast("str", row["id"]) for row in rows}
        rows = await self.records.fetch(Statement("SELECT id, developer_id FROM app"))
        self.owners = {cast("str", row["id"]): cast("str", row["developer_id"]) for row in rows}
        rows = await self.records.fetch(
            Statement(f"SELECT app_id, version_code FROM version WHERE {OCCUPIED}")  # noqa: S608
        )
        self.taken = {
            (cast("str", row["app_id"]), cast("int", row["version_code"])) for row in rows
        }
        rows = await self.records.fetch(
            Statement(
                "SELECT version.app_id AS app_id, version.version_code AS version_code FROM app"
                " JOIN version ON version.id = app.current_version_id"
            )
        )
        self.current = {
            cast("str", row["app_id"]): cast("int", row["version_code"]) for row in rows
        }

    def statements(self, one: Proven, version_id: str) -> list[Statement]:
        """Of what is missing for this version; none where nothing is to be done."""
        named = one.named
        if (named.app_id, named.version_code) in self.taken:
            self.rebuilt.known += 1
            return []
        owner = self.owners.get(named.app_id)
        if owner is not None and owner != named.developer_id:
            self.rebuilt.problems.append(
                f"{one.object_key}: the app {named.app_id} belongs to another developer, {owner}"
            )
            return []
        made: list[Statement] = []
        if named.developer_id not in self.developers:
            self.developers.add(named.developer_id)
            made += self._developer(named.developer_id)
        if owner is None:
            self.owners[named.app_id] = named.developer_id
            made += self._app(one)
        self.taken.add((named.app_id, named.version_code))
        made += self._draft(one, version_id)
        # They come in falling order: what follows the newest of its app is old at once.
        current = self.current.get(named.app_id, 0)
        newest = self.newest.setdefault(named.app_id, max(current, named.version_code))
        if self.wish.publish and named.version_code < newest:
            made += self._old(version_id)
        return made

    async def send(self, waiting: Sequence[tuple[Proven, list[Statement]]]) -> None:
        """All of them in one batch; one by one where a row came in between."""
        if not waiting:
            return
        try:
            await self.records.batch([made for _, each in waiting for made in each])
        except ConflictError as error:
            if len(waiting) == 1:
                one = waiting[0][0]
                self.rebuilt.problems.append(f"{one.object_key}: {error}")
                return
            for each in waiting:
                await self.send([each])
            return
        for _, made in waiting:
            self._count(made)

    def _count(self, made: Sequence[Statement]) -> None:
        self.rebuilt.versions += 1
        self.rebuilt.developers += sum("INTO developer " in each.sql for each in made)
        self.rebuilt.apps += sum("INTO app " in each.sql for each in made)
        self.rebuilt.published += sum("UPDATE version " in each.sql for each in made)

    async def publish(self, clock: "Clock") -> None:
        """The drafts of this run and of earlier ones that were not to publish, or were killed."""
        rows = await self.records.fetch(Statement(_DRAFTS, (ACTOR,)))
        for row in rows:
            app_id, code = cast("str", row["app_id"]), cast("int", row["version_code"])
            version_id = cast("str", row["id"])
            try:
                if code < self.current.get(app_id, 0):
                    await self.records.batch(self._old(version_id))
                else:
                    caller = Caller("developer", cast("str", row["developer_id"]), ACTOR)
                    retention = self.wish.retention
                    await publish_version(self.records, clock, caller, version_id, retention)
            except (ConflictError, ProblemError) as error:
                self.rebuilt.problems.append(f"{app_id} {code} was not published: {error}")
            else:
                self.rebuilt.published += 1

    def _developer(self, developer_id: str) -> list[Statement]:
        return [
            Statement(
                "INSERT INTO developer (id, name, created_at, revision) VALUES (?, ?, ?, 1)",
                (developer_id, UNNAMED, self.now),
            ),
            events.created(developer_id, "developer", ACTOR, "active", self.now),
        ]

    def _app(self, one: Proven) -> list[Statement]:
        return [
            Statement(
                "INSERT INTO app (id, developer_id, name, visibility, created_at, revision)"
                " VALUES (?, ?, ?, ?, ?, 1)",
                (
                    one.named.app_id,
                    one.named.developer_id,
                    one.app_name,
                    self.wish.visibility,
                    self.now,
                ),
            ),
            events.created(one.named.app_id, "app", ACTOR, "active", self.now),
        ]

    def _old(self, version_id: str) -> list[Statement]:
        """Published, and not current: it falls due as if it had been superseded now."""
        change = events.Transition(
            "version", version_id, 1, ACTOR, "published", "draft", "published", self.now
        )
        columns: dict[str, Value] = {
            "status": "published",
            "published_at": self.now,
            "due_at": self.now + self.wish.retention.superseded_ms,
        }
        return [change.event(), change.update(columns)]

    def _draft(self, one: Proven, version_id: str) -> list[Statement]:
        signed_at = one.signed.signed_at
        return [
            Statement(
                "INSERT INTO version (id, app_id, version_code, version_name, status, size, sha256,"
                " object_key, statement, signature, signing_key_id, signed_at, problems,"
                " created_at, updated_at, revision)"
                " VALUES (?, ?, ?, ?, 'draft', ?, ?, ?, ?, ?, ?, ?, '[]', ?, ?, 1)",
                (
                    version_id,
                    one.named.app_id,
                    one.named.version_code,
                    one.version_name,
                    one.named.size,
                    one.named.sha256,
                    one.object_key,
                    one.signed.statement,
                    one.signed.signature,
                    one.signed.signing_key_id,
                    None if signed_at is None else parse_rfc3339(signed_at),
                    self.now,
                    self.now,
                ),
            ),
            events.created(version_id, "version", ACTOR, "draft", self.now),
        ]
