import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core import access
from functions.core.access import Caller
from functions.core.platform import ATTEMPTS
from functions.core.problems import ProblemError
from functions.core.times import LAST_MS, rfc3339
from functions.ports.records import ConflictError, Row, Statement
from tests.contracts.object_store import run
from tests.functions.core.world import InterleavedRecords, World, pointers, refusal

ROOT = bytes(range(32))
ROOT_HASHES = ["0" * 64, hashlib.sha256(ROOT).hexdigest()]


async def authenticate(world: World, header: str | None) -> Caller:
    return await access.authenticate(world.records, world.clock, ROOT_HASHES, header)


async def key_for(
    world: World, role: str = "operator", subject: str | None = None, expires_at: int | None = None
) -> tuple[str, access.ApiKey]:
    return await access.create_key(
        world.records, world.clock, world.entropy, role, subject, expires_at
    )


def test_the_root_key_is_an_operator_in_either_slot(world: World) -> None:
    async def scenario() -> None:
        key = access.format_key("root", ROOT)
        assert key.startswith("stw_root_")
        caller = await authenticate(world, f"Bearer {key}")
        assert caller == Caller("operator", None, "root")
        assert caller.actor == "key:root"
        stranger = access.format_key("root", bytes(32))
        assert (await refusal(authenticate(world, f"Bearer {stranger}"))).status == 401

    run(scenario())


def test_a_key_of_the_database_is_its_role(world: World) -> None:
    async def scenario() -> None:
        developer, tenant = await world.developer(), await world.tenant()
        for role, subject in (
            ("operator", None),
            ("developer", developer.subject_id),
            ("tenant", tenant.subject_id),
        ):
            text, key = await key_for(world, role, subject)
            caller = await authenticate(world, f"bearer  {text}")
            assert (caller.role, caller.subject_id, caller.key_id) == (role, subject, key.id)

    run(scenario())


def test_only_the_digest_is_stored(world: World) -> None:
    async def scenario() -> None:
        text, key = await key_for(world)
        parsed = access.parse_key(text)
        assert parsed is not None
        assert parsed[0] == key.id
        rows = await world.rows("SELECT secret_sha256 FROM api_key WHERE id = ?", key.id)
        assert rows[0]["secret_sha256"] == hashlib.sha256(parsed[1]).hexdigest()
        assert text.rpartition("_")[2] not in str(await world.snapshot())

    run(scenario())


def test_a_wrong_secret_of_a_known_key_is_refused(world: World) -> None:
    async def scenario() -> None:
        _, key = await key_for(world)
        wrong = access.format_key(key.id, bytes(32))
        assert (await refusal(authenticate(world, f"Bearer {wrong}"))).status == 401

    run(scenario())


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic stw_root_x",
        "Bearer stw_root_",
        "Bearer stw__" + "A" * 43,
        "Bearer stw_root_" + "A" * 42,
        "Bearer stw_root_" + "A" * 42 + "!",
        "Bearer stw_root_" + "é" * 43,
        "Bearer stw_" + "0" * 31 + "_" + "A" * 43,
        "Bearer stw_" + "0" * 32 + "_" + "A" * 43,
        "Bearer stw_" + "G" * 32 + "_" + "A" * 43,
        "Bearer xyz_root_" + "A" * 43,
    ],
)
def test_what_is_no_key_is_refused_with_one_answer(world: World, header: str | None) -> None:
    problem = run(refusal(authenticate(world, header)))
    assert problem == run(refusal(authenticate(world, "Bearer nonsense")))
    assert problem.status == 401


@given(st.binary(min_size=32, max_size=32), st.uuids().map(str))
def test_a_key_is_read_back_from_its_text(secret: bytes, key_id: str) -> None:
    assert access.parse_key(access.format_key(key_id, secret)) == (key_id, secret)


@given(st.text(max_size=80))
def test_no_text_crashes_the_reader(text: str) -> None:
    access.parse_key(text)
    access.parse_key("stw_root_" + text)


def test_a_key_ends_at_its_expiry(world: World) -> None:
    async def scenario() -> None:
        text, _ = await key_for(world, expires_at=world.clock.now_ms() + 1000)
        await authenticate(world, f"Bearer {text}")
        world.clock.advance(seconds=1)
        assert (await refusal(authenticate(world, f"Bearer {text}"))).status == 401

    run(scenario())


def test_a_revoked_key_is_refused_and_revoking_twice_is_once(world: World) -> None:
    async def scenario() -> None:
        text, key = await key_for(world)
        revoked = await asyncio.gather(
            *(access.revoke_key(world.records, world.clock, key.id) for _ in range(4))
        )
        world.clock.advance(seconds=9)
        revoked.append(await access.revoke_key(world.records, world.clock, key.id))
        assert {each.revoked_at for each in revoked} == {world.clock.now_ms() - 9000}
        assert (await refusal(authenticate(world, f"Bearer {text}"))).status == 401
        assert await world.history(key.id) == ["created", "revoked"]
        unknown = access.revoke_key(world.records, world.clock, "x")
        assert (await refusal(unknown)).status == 404

    run(scenario())


def test_a_key_may_expire_at_the_last_moment_that_can_be_written(world: World) -> None:
    async def scenario() -> None:
        _, key = await key_for(world, expires_at=LAST_MS)
        assert key.expires_at is not None
        assert rfc3339(key.expires_at) == "9999-12-31T23:59:59.999Z"
        problem = await refusal(key_for(world, expires_at=LAST_MS + 1))
        assert pointers(problem) == ["/expires_at"]

    run(scenario())


def test_a_key_is_revoked_at_the_last_attempt_too(world: World) -> None:
    async def scenario() -> None:
        _, key = await key_for(world)
        records = Losing(world, ATTEMPTS - 1)
        revoked = await access.revoke_key(records, world.clock, key.id)
        assert records.lost == ATTEMPTS - 1
        assert revoked == replace(key, revoked_at=world.clock.now_ms())
        assert await access.list_keys(world.records) == [revoked]
        assert await world.history(key.id) == ["created", "revoked"]
        records.close()

    run(scenario())


class Losing(InterleavedRecords):
    """Loses the first races for a row, to requests that leave no trace."""

    def __init__(self, world: World, times: int) -> None:
        super().__init__()
        self._world = world
        self._times = times
        self.lost = 0

    async def fetch(self, statement: Statement) -> Sequence[Row]:
        return await self._world.records.fetch(statement)

    async def batch(self, statements: Sequence[Statement]) -> Sequence[int]:
        if self.lost < self._times:
            self.lost += 1
            raise ConflictError("lost")
        return await self._world.records.batch(statements)


def test_keys_are_listed_in_pages(world: World) -> None:
    async def scenario() -> None:
        made: list[str] = []
        for _ in range(3):
            world.clock.advance(milliseconds=1)
            made.append((await key_for(world))[1].id)
        first = await access.list_keys(world.records, limit=2)
        rest = await access.list_keys(world.records, after=first[-1].id, limit=2)
        assert [key.id for key in (*first, *rest)] == made

    run(scenario())


@pytest.mark.parametrize(
    ("role", "subject", "expires_in", "wrong"),
    [
        ("root", None, None, ["/role"]),
        ("operator", "x", None, ["/subject_id"]),
        ("developer", None, None, ["/subject_id"]),
        ("developer", "x", None, ["/subject_id"]),
        ("tenant", "x", -1, ["/subject_id", "/expires_at"]),
        ("operator", None, 0, ["/expires_at"]),
        ("operator", None, 10**15, ["/expires_at"]),
    ],
)
def test_a_key_without_a_right_subject_is_refused(
    world: World, role: str, subject: str | None, expires_in: int | None, wrong: list[str]
) -> None:
    async def scenario() -> None:
        expires_at = None if expires_in is None else world.clock.now_ms() + expires_in
        problem = await refusal(key_for(world, role, subject, expires_at))
        assert (problem.status, pointers(problem)) == (422, wrong)
        assert await world.rows("SELECT id FROM api_key") == []

    run(scenario())


def test_a_tenants_id_makes_no_developers_key(world: World) -> None:
    async def scenario() -> None:
        tenant = await world.tenant()
        problem = await refusal(key_for(world, "developer", tenant.subject_id))
        assert pointers(problem) == ["/subject_id"]

    run(scenario())


@pytest.mark.parametrize(
    ("role", "operator_status", "developer_status"),
    [("operator", None, 403), ("developer", 403, None), ("tenant", 404, 404)],
)
def test_each_role_has_its_own_doors(
    role: access.Role, operator_status: int | None, developer_status: int | None
) -> None:
    caller = Caller(role, None if role == "operator" else "s", "k")
    for door, status in (
        (access.require_operator, operator_status),
        (access.require_developer, developer_status),
    ):
        if status is None:
            door(caller)
        else:
            with pytest.raises(ProblemError) as caught:
                door(caller)
            assert caught.value.problem.status == status
