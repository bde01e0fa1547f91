from urllib.parse import urlsplit

import pytest

from functions.core.access import Caller
from functions.core.downloads import Download, create_download
from functions.core.serving import route_cdn
from functions.ports.records import Statement
from tests.contracts.object_store import run
from tests.functions.core.world import APP, World, a_package, pointers, refusal

OPERATOR = Caller("operator", None, "root")


async def download(
    world: World, caller: Caller | None = None, code: int | None = None, app_id: str = APP
) -> Download:
    return await create_download(
        world.records, world.clock, caller, app_id, code, world.keys, "https://cdn.test", 3600
    )


def test_anybody_may_download_the_current_version_of_a_public_app(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        await world.published(caller, 1)
        version = await world.published(caller, 2)
        world.clock.advance(milliseconds=750)
        found = await download(world)
        assert (found.version_id, found.version_code, found.version_name) == (version.id, 2, "1.2")
        assert (found.size, found.sha256) == (version.size, version.sha256)
        assert (found.statement, found.signature) == (version.statement, version.signature)
        assert found.signing_key_id == "k1"
        assert found.expires_at == world.clock.now_ms() - 750 + 3_600_000
        parts = urlsplit(found.download_url)
        assert parts.netloc == "cdn.test"
        target = route_cdn(parts.path, parts.query, world.keys, world.clock.now_ms())
        assert (target.key, target.version_id) == (version.object_key, version.id)

    run(scenario())


def test_an_older_published_version_can_be_named(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        old = await world.published(caller, 1)
        await world.published(caller, 2)
        assert (await download(world, code=1)).version_id == old.id

    run(scenario())


def test_what_is_not_published_is_not_found(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        assert (await refusal(download(world))).status == 404
        await world.draft(caller, 1)
        await world.create(caller, a_package(), 2)
        for asker in (None, caller, OPERATOR):
            for code in (None, 1, 2, 3):
                assert (await refusal(download(world, asker, code))).status == 404
        assert (await refusal(download(world, app_id="org.example.unknown"))).status == 404

    run(scenario())


@pytest.mark.parametrize("state", ["status = 'pulled'", "deleted_at = 1"])
def test_what_was_pulled_or_deleted_is_not_found(world: World, state: str) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        await world.published(caller)
        await world.records.batch([Statement(f"UPDATE version SET {state}")])  # noqa: S608
        for code in (None, 1):
            assert (await refusal(download(world, caller, code))).status == 404

    run(scenario())


def test_a_private_app_is_for_its_developer_and_operators(world: World) -> None:
    async def scenario() -> None:
        owner, stranger, tenant = (
            await world.developer(),
            await world.developer(),
            await world.tenant(),
        )
        await world.app(owner, visibility="private")
        version = await world.published(owner)
        for caller in (owner, OPERATOR):
            assert (await download(world, caller)).version_id == version.id
        for asker in (None, stranger, tenant):
            problem = await refusal(download(world, asker))
            assert problem == await refusal(download(world, asker, app_id="org.example.unknown"))

    run(scenario())


def test_a_tenants_key_gets_no_package(world: World) -> None:
    async def scenario() -> None:
        owner, tenant = await world.developer(), await world.tenant()
        await world.app(owner)
        await world.published(owner)
        assert (await refusal(download(world, tenant))).status == 404

    run(scenario())


@pytest.mark.parametrize("code", [0, -1, 2**53])
def test_an_impossible_version_code_is_named(world: World, code: int) -> None:
    problem = run(refusal(download(world, code=code)))
    assert (problem.status, pointers(problem)) == (422, ["?version_code"])
