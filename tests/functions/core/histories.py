"""What holds of a platform at every moment, whatever was done to it and whatever broke."""

from collections.abc import Mapping
from itertools import pairwise

from functions.core.denials import Denials
from functions.core.promotion import is_promoted
from functions.core.transitions import TABLE
from functions.core.version_records import VERSION_ROWS, Version, version_of
from functions.ports.records import Row, Statement
from tests.functions.core.world import APP, World


class Memory:
    """What was seen before, so that nothing of it can be lost or changed unnoticed."""

    def __init__(self) -> None:
        self.events: dict[str, list[Row]] = {}
        self.versions: dict[str, Version] = {}
        self.burned: dict[int, set[str]] = {}
        """By version_code: the versions there were with it when it was burned."""


async def check(world: World, memory: Memory, purged: Mapping[str, int]) -> None:
    """`world` with sound ports; `purged` says when each tag was purged last."""
    rows = await world.records.fetch(Statement(VERSION_ROWS))
    found = {version.id: version for version in map(version_of, rows)}
    events = await _events(world)
    _check_nothing_is_lost(memory, found, events)
    for version in found.values():
        _check_history(version, events[version.id])
        _check_columns(version)
        await _check_objects(world, version)
    _check_burned_codes(memory, found)
    await _check_current(world, found, events[APP])
    await _check_withdrawal(world, found, events, purged)
    memory.events, memory.versions = events, found


async def _events(world: World) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in await world.rows("SELECT * FROM event ORDER BY subject_id, seq"):
        found.setdefault(str(row["subject_id"]), []).append(row)
    return found


def _check_nothing_is_lost(
    memory: Memory, found: Mapping[str, Version], events: Mapping[str, list[Row]]
) -> None:
    for subject, before in memory.events.items():
        assert events[subject][: len(before)] == before
    for version_id, before in memory.versions.items():
        now = found[version_id]
        assert now.version_code == before.version_code
        assert now.revision >= before.revision
        assert before.object_key in (None, now.object_key)
        assert not (before.is_deleted and now.deleted_at != before.deleted_at)


def _check_history(version: Version, events: list[Row]) -> None:
    """Without a gap, without an invention, and ending in the state that the row has."""
    assert [row["seq"] for row in events] == list(range(1, version.revision + 1))
    first = events[0]
    assert (first["reason"], first["from_state"], first["to_state"]) == (
        "created",
        None,
        "uploading",
    )
    for before, event in pairwise(events):
        assert event["from_state"] == before["to_state"]
        rule = TABLE[str(event["reason"])]  # pyright: ignore[reportArgumentType]
        source = str(event["from_state"])
        assert source in rule.sources
        assert event["to_state"] == rule.result(source)  # pyright: ignore[reportArgumentType]
    assert events[-1]["to_state"] == version.status
    reasons = [row["reason"] for row in events]
    if version.status in ("draft", "rejected", "published", "pulled"):
        assert reasons.count("validated") == 1
    assert version.is_deleted == ("removed" in reasons)


def _check_columns(version: Version) -> None:
    is_withdrawn = version.status in ("rejected", "pulled")
    assert (version.withdrawn_because is not None) == is_withdrawn
    assert (version.pulled_by is not None) == (version.status == "pulled")
    assert (version.pulled_at is not None) == (version.status == "pulled")
    if not version.is_deleted:
        assert (version.due_at is None) == version.is_current


async def _check_objects(world: World, version: Version) -> None:
    if version.status in ("draft", "rejected", "published", "pulled") and not version.is_deleted:
        assert version.statement is not None
        assert version.signature is not None
        assert await is_promoted(world.packages, version)
    if version.is_deleted and version.due_at is None and version.object_key is not None:
        folder = version.object_key.rpartition("/")[0] + "/"
        assert (await world.packages.list_objects(folder)).objects == ()


def _check_burned_codes(memory: Memory, found: Mapping[str, Version]) -> None:
    for version in found.values():
        same = {other.id for other in found.values() if other.version_code == version.version_code}
        if version.object_key is not None:
            assert memory.burned.setdefault(version.version_code, same) == same


async def _check_current(world: World, found: Mapping[str, Version], events: list[Row]) -> None:
    current = await world.current()
    named = [row["to_state"] for row in events if row["reason"] == "current-version"]
    assert (named[-1] if named else "none") == (current or "none")
    if current is not None:
        version = found[str(current)]
        assert (version.status, version.is_deleted) == ("published", False)
    assert sum(version.is_current for version in found.values()) == (current is not None)


async def _check_withdrawal(
    world: World,
    found: Mapping[str, Version],
    events: Mapping[str, list[Row]],
    purged: Mapping[str, int],
) -> None:
    """Every pull is denied at once, and purged or still to be purged."""
    pending = {row["tag"] for row in await world.rows("SELECT tag FROM cache_purge")}
    denials = Denials(world.records)
    for version in found.values():
        pulls = [row["at"] for row in events[version.id] if row["reason"] == "pulled"]
        tag = f"version:{version.app_id}/{version.version_code}"
        if pulls and tag not in pending:
            assert purged[tag] >= max(int(at or 0) for at in pulls)
        if version.pulled_at == world.clock.now_ms():
            assert await denials.is_denied(version.id, world.clock.now_ms())
