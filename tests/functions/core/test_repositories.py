import asyncio
from collections.abc import Awaitable

import pytest

from functions.core.problems import ProblemError
from functions.core.repositories import Repository, create_repository
from functions.core.serving import resolve_host
from functions.ports.records import Statement
from tests.contracts.object_store import run
from tests.functions.core.world import BUCKETS, World, pointers, refusal

FIRST, SECOND = BUCKETS


def create(
    world: World,
    tenant_id: str | None,
    hostname: str = "apt.example.com",
    distribution: str = "stable",
    s3_bucket: str | None = None,
    s3_prefix: str | None = None,
) -> Awaitable[Repository]:
    assert tenant_id is not None
    return create_repository(
        world.records,
        world.clock,
        world.entropy,
        world.repository_settings,
        tenant_id,
        hostname,
        distribution,
        s3_bucket,
        s3_prefix,
    )


async def tenant(world: World) -> str:
    subject = (await world.tenant()).subject_id
    assert subject is not None
    return subject


@pytest.fixture
def single(world: World) -> World:
    world.multi_tenant = False
    return world


def test_a_repository_of_many_tenants_gets_a_prefix_of_its_own(world: World) -> None:
    async def scenario() -> None:
        owner = await tenant(world)
        made = await create(world, owner)
        assert (made.s3_bucket, made.s3_prefix) == (FIRST, f"{made.location_id}/")
        location = await resolve_host(world.records, "apt.example.com", BUCKETS)
        assert location is not None
        assert (location.id, location.tenant_id) == (made.location_id, owner)
        assert location.generation is None
        for subject in (made.id, made.location_id):
            assert await world.history(subject) == ["created"]

    run(scenario())


def test_a_repository_of_a_single_tenant_gets_the_empty_prefix(single: World) -> None:
    async def scenario() -> None:
        owner = await tenant(single)
        made = await create(single, owner)
        assert (made.s3_bucket, made.s3_prefix) == (FIRST, "")
        # Another hostname of the same tenant shares it.
        other = await create(single, owner, "deb.example.com", "testing")
        assert other.location_id == made.location_id
        explicit = await create(single, owner, "more.example.com", "stable", SECOND, "")
        assert (explicit.s3_bucket, explicit.s3_prefix) == (SECOND, "")

    run(scenario())


def test_another_distribution_of_a_hostname_shares_its_location(world: World) -> None:
    async def scenario() -> None:
        owner = await tenant(world)
        stable = await create(world, owner)
        for prefix in (None, stable.s3_prefix):
            name = f"testing{prefix is None}"
            more = await create(world, owner, distribution=name, s3_prefix=prefix)
            assert more.location_id == stable.location_id
        assert len(await world.rows("SELECT id FROM hostname")) == 1

    run(scenario())


def test_two_tenants_never_share(world: World) -> None:
    async def scenario() -> None:
        one, two = await tenant(world), await tenant(world)
        first = await create(world, one, "one.example.com")
        second = await create(world, two, "two.example.com")
        assert first.s3_bucket == second.s3_bucket
        assert first.s3_prefix != second.s3_prefix
        before = await world.snapshot()
        taken = await refusal(create(world, two, "one.example.com", "other"))
        assert (taken.status, taken.slug) == (409, "hostname-taken")
        stolen = await refusal(create(world, two, "new.example.com", s3_prefix=first.s3_prefix))
        assert (stolen.status, stolen.slug) == (409, "location-taken")
        assert await world.snapshot() == before

    run(scenario())


def test_a_second_tenant_has_no_place_in_a_single_tenants_bucket(single: World) -> None:
    async def scenario() -> None:
        await create(single, await tenant(single))
        problem = await refusal(create(single, await tenant(single), "two.example.com"))
        assert (problem.status, problem.slug) == (409, "location-taken")

    run(scenario())


def test_the_same_row_twice_is_refused(world: World) -> None:
    async def scenario() -> None:
        owner = await tenant(world)
        made = await create(world, owner)
        for name in ("apt.example.com", "other.example.com"):
            prefix = None if name == "apt.example.com" else made.s3_prefix
            problem = await refusal(create(world, owner, name, s3_prefix=prefix))
            assert (problem.status, problem.slug) == (409, "repository-exists")

    run(scenario())


def test_a_hostname_has_one_location(world: World) -> None:
    async def scenario() -> None:
        owner = await tenant(world)
        await create(world, owner)
        other = await create(world, owner, "other.example.com")
        for bucket, prefix in ((SECOND, None), (None, other.s3_prefix)):
            work = create(world, owner, "apt.example.com", "new", bucket, prefix)
            problem = await refusal(work)
            assert (problem.status, problem.slug) == (409, "hostname-taken")

    run(scenario())


def test_an_explicit_location_of_the_tenant_is_shared(world: World) -> None:
    async def scenario() -> None:
        owner = await tenant(world)
        first = await create(world, owner, s3_bucket=SECOND)
        assert first.s3_bucket == SECOND
        shared = await create(world, owner, "b.example.com", "testing", SECOND, first.s3_prefix)
        assert shared.location_id == first.location_id

    run(scenario())


def test_with_many_tenants_no_new_location_joins_a_whole_bucket(single: World) -> None:
    async def scenario() -> None:
        owner = await tenant(single)
        await create(single, owner)
        single.multi_tenant = True
        more = await create(single, owner, "two.example.com")
        assert (more.s3_bucket, more.s3_prefix) == (SECOND, f"{more.location_id}/")
        # The hostname of before keeps its location.
        kept = await create(single, owner, "apt.example.com", "testing")
        assert (kept.s3_bucket, kept.s3_prefix) == (FIRST, "")
        problem = await refusal(create(single, owner, "three.example.com", s3_bucket=FIRST))
        assert (problem.status, problem.slug) == (409, "bucket-occupied")
        single.multi_tenant = False
        problem = await refusal(create(single, owner, "four.example.com", s3_bucket=SECOND))
        assert (problem.status, problem.slug) == (409, "bucket-occupied")

    run(scenario())


WRONG: dict[str, tuple[dict[str, str], list[str]]] = {
    "unknown tenant": ({"tenant_id": "x"}, ["/tenant_id"]),
    "undeclared bucket": ({"s3_bucket": "stowage-dev-packages"}, ["/s3_bucket"]),
    "empty bucket": ({"s3_bucket": ""}, ["/s3_bucket"]),
    "invented prefix": ({"s3_prefix": "mine/"}, ["/s3_prefix"]),
    "dotted prefix": ({"s3_prefix": "../"}, ["/s3_prefix"]),
    "empty prefix": ({"s3_prefix": ""}, ["/s3_prefix"]),
    "platform host": ({"hostname": "api.stowage.test"}, ["/hostname"]),
    "platform zone": ({"hostname": "stowage.test"}, ["/hostname"]),
    "declared host": ({"hostname": "cdn.platform.example"}, ["/hostname"]),
    "no distribution": ({"distribution": ""}, ["/distribution"]),
    "dotted distribution": ({"distribution": "../x"}, ["/distribution"]),
    "much": (
        {"hostname": "x", "distribution": "a b", "s3_bucket": "y"},
        ["/hostname", "/distribution", "/s3_bucket"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_accepted_is_named_and_nothing_is_written(world: World, case: str) -> None:
    change, wrong = WRONG[case]

    async def scenario() -> None:
        values = {"tenant_id": await tenant(world)} | change
        before = await world.snapshot()
        problem = await refusal(create(world, **values))
        assert (problem.status, pointers(problem)) == (422, wrong)
        assert await world.snapshot() == before

    run(scenario())


def test_races_for_one_hostname_have_one_winner(world: World) -> None:
    async def scenario() -> None:
        owners = [await tenant(world) for _ in range(5)]
        results = await asyncio.gather(
            *(create(world, owner) for owner in owners), return_exceptions=True
        )
        lost = [result for result in results if isinstance(result, ProblemError)]
        assert len(lost) == 4
        assert {error.problem.slug for error in lost} == {"hostname-taken"}
        for table in ("hostname", "location", "debian_repository"):
            assert len(await world.rows(f"SELECT id FROM {table}")) == 1  # noqa: S608

    run(scenario())


def test_races_for_one_bucket_have_one_winner(single: World) -> None:
    async def scenario() -> None:
        owners = [await tenant(single) for _ in range(5)]
        results = await asyncio.gather(
            *(create(single, owner, f"h{n}.example.com") for n, owner in enumerate(owners)),
            return_exceptions=True,
        )
        lost = [result for result in results if isinstance(result, ProblemError)]
        assert {error.problem.slug for error in lost} == {"location-taken"}
        assert len(lost) == 4

    run(scenario())


def test_a_prefix_cannot_slip_into_a_bucket_that_is_being_taken_whole(world: World) -> None:
    """The control planes of two settings at once, as during a deployment."""

    async def scenario() -> None:
        owner = await tenant(world)
        whole = World(records=world.records, multi_tenant=False, entropy=world.entropy)
        results = await asyncio.gather(
            create(world, owner, "a.example.com", s3_bucket=FIRST),
            create(whole, owner, "b.example.com", s3_bucket=FIRST),
            return_exceptions=True,
        )
        assert sum(isinstance(result, Repository) for result in results) == 1
        assert len(await world.rows("SELECT id FROM location")) == 1

    run(scenario())


def test_racing_repetitions_make_one_row(world: World) -> None:
    async def scenario() -> None:
        owner = await tenant(world)
        results = await asyncio.gather(
            *(create(world, owner) for _ in range(5)), return_exceptions=True
        )
        assert sum(isinstance(result, Repository) for result in results) == 1
        lost = [result for result in results if isinstance(result, ProblemError)]
        assert {error.problem.slug for error in lost} == {"repository-exists"}

    run(scenario())


def test_a_hostname_whose_location_was_deleted_is_refused(world: World) -> None:
    async def scenario() -> None:
        owner = await tenant(world)
        await create(world, owner)
        await world.records.batch([Statement("UPDATE location SET deleted_at = 1")])
        problem = await refusal(create(world, owner, distribution="testing"))
        assert (problem.status, problem.slug) == (409, "hostname-taken")

    run(scenario())


def test_a_bucket_whose_only_location_was_deleted_is_not_handed_out_again(single: World) -> None:
    async def scenario() -> None:
        owner = await tenant(single)
        made = await create(single, owner)
        await single.records.batch(
            [
                Statement("UPDATE location SET deleted_at = 1 WHERE id = ?", (made.location_id,)),
                Statement("UPDATE hostname SET deleted_at = 1"),
            ]
        )
        before = await single.snapshot()
        for hostname in ("apt.example.com", "new.example.com"):
            for asking in (owner, await tenant(single)):
                problem = await refusal(create(single, asking, hostname, "testing"))
                assert (problem.status, problem.slug) == (409, "bucket-occupied")
                assert "deleted" in problem.detail
        assert [rows for rows in before if rows[0] in {"location", "hostname"}] == [
            rows for rows in await single.snapshot() if rows[0] in {"location", "hostname"}
        ]
        other = await create(single, owner, "new.example.com", s3_bucket=SECOND)
        assert (other.s3_bucket, other.s3_prefix) == (SECOND, "")

    run(scenario())


def test_a_bucket_cannot_be_taken_whole_while_a_prefix_slips_in(world: World) -> None:
    async def scenario() -> None:
        owner = await tenant(world)
        whole = World(records=world.records, multi_tenant=False, entropy=world.entropy)
        results = await asyncio.gather(
            create(whole, owner, "b.example.com", s3_bucket=FIRST),
            create(world, owner, "a.example.com", s3_bucket=FIRST),
            return_exceptions=True,
        )
        lost = [result for result in results if isinstance(result, ProblemError)]
        assert [error.problem.slug for error in lost] == ["bucket-occupied"]
        assert len(await world.rows("SELECT id FROM location")) == 1

    run(scenario())
