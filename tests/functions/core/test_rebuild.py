"""Rows made anew from nothing but what lies in the packages bucket."""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from functions.adapters.local.records import SqliteRecords
from functions.core import access, downloads, rebuild, versions
from functions.core.catalog import PackageManifest, PackageObject, PackageStatement
from functions.core.package_proof import Place, Proven, prove
from functions.core.platform import DESIGNED
from functions.core.rebuild import Rebuilt, Wish
from functions.core.statements import SignedStatement
from functions.ports.object_store import StoredObject
from functions.ports.records import ConflictError, Statement
from tests.contracts.object_store import run
from tests.functions.core.world import APP, World

OTHER = "org.example.other"


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def believed(_: SignedStatement) -> str | None:
    return None


async def content(world: World, key: str) -> bytes | None:
    stored = await world.packages.get(key)
    if not isinstance(stored, StoredObject):
        return None
    return b"".join([chunk async for chunk in stored.body])


async def places(world: World) -> list[Place]:
    found: list[Place] = []
    for info in (await world.packages.list_objects("packages/")).objects:
        if not info.key.endswith("package.mosis"):
            continue
        _, developer_id, app_id, code, _ = info.key.split("/")
        names = (developer_id, app_id, int(code))
        found.append(
            Place(
                *names,
                await content(world, PackageStatement(*names).key),
                await content(world, PackageManifest(*names).key),
                info.size,
            )
        )
    return found


async def proven(world: World) -> list[Proven]:
    found = [prove(place, believed) for place in await places(world)]
    assert all(isinstance(one, Proven) for one in found), found
    return [one for one in found if isinstance(one, Proven)]


def forgetful(world: World) -> World:
    """The same buckets, and a database that was made a moment ago."""
    after = World(records=SqliteRecords(), clock=world.clock, entropy=world.entropy)
    after.packages = world.packages
    return after


async def written(world: World, found: Sequence[Proven], wish: Wish = Wish()) -> Rebuilt:  # noqa: B008
    return await rebuild.write(world.records, world.clock, world.entropy, found, wish)


async def download(world: World, code: int | None = None) -> downloads.Download:
    return await downloads.create_download(
        world.records, world.clock, None, APP, code, world.keys, "https://cdn.test", 60
    )


def test_published_versions_come_back_with_their_downloads(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        for code in (1, 2, 10):
            await world.published(caller, code)
        before = {code: await download(world, code) for code in (1, 2, 10)}
        after = forgetful(world)
        rebuilt = await written(after, await proven(world), Wish("public", publish=True))
        assert (rebuilt.developers, rebuilt.apps, rebuilt.versions) == (1, 1, 3)
        assert (rebuilt.published, rebuilt.known, rebuilt.problems) == (3, 0, [])
        for code, was in before.items():
            now = await download(after, code)
            assert now.download_url.partition("?")[0] == was.download_url.partition("?")[0]
            for member in ("statement", "signature", "signing_key_id", "sha256", "version_name"):
                assert getattr(now, member) == getattr(was, member)
        assert (await download(after)).version_code == 10
        rows = await after.rows("SELECT version_code, due_at FROM version ORDER BY version_code")
        due = after.clock.now_ms() + DESIGNED.superseded_ms
        assert [row["due_at"] for row in rows] == [due, due, None]
        (app,) = await after.rows("SELECT * FROM app")
        assert (app["id"], app["name"], app["developer_id"]) == (APP, "An app", caller.subject_id)
        after.close()

    run(scenario())


def test_unless_told_otherwise_apps_are_private_and_versions_are_drafts_that_stay(
    world: World,
) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        await world.published(caller)
        after = forgetful(world)
        await written(after, await proven(world))
        (version,) = await after.rows("SELECT * FROM version")
        assert (version["status"], version["due_at"]) == ("draft", None)
        (app,) = await after.rows("SELECT * FROM app")
        assert (app["visibility"], app["current_version_id"]) == ("private", None)
        (developer,) = await after.rows("SELECT * FROM developer")
        assert developer["name"] == rebuild.UNNAMED
        for subject in (version, app, developer):
            assert await after.history(str(subject["id"])) == ["created"]
        after.clock.advance(seconds=400 * 86_400)
        await after.sweep()
        assert len(await after.rows("SELECT * FROM version WHERE deleted_at IS NULL")) == 1
        after.close()

    run(scenario())


def test_repeating_it_makes_nothing_twice(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        await world.published(caller, 1)
        await world.draft(caller, 2)
        after = forgetful(world)
        found = await proven(world)
        first = await written(after, found, Wish(publish=True))
        assert first.versions == 2
        rows = await after.snapshot()
        again = await written(after, found, Wish(publish=True))
        assert (again.developers, again.apps, again.versions, again.published) == (0, 0, 0, 0)
        assert again.known == 2
        assert await after.snapshot() == rows
        after.close()

    run(scenario())


def test_what_was_made_a_draft_is_published_when_that_is_the_wish_later(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        for code in (2, 1, 3):
            await world.published(caller, code)
        after = forgetful(world)
        found = await proven(world)
        await written(after, found, Wish("public"))
        later = await written(after, found, Wish("public", publish=True))
        assert (later.versions, later.published, later.known) == (0, 3, 3)
        assert (await download(after)).version_code == 3
        assert (await download(after, 1)).version_code == 1
        after.close()

    run(scenario())


@pytest.mark.parametrize(("missing", "current"), [((3, 2), 3), ((1, 2), 4)])
def test_behind_a_restored_backup_only_what_it_lacks_is_made(
    world: World, missing: tuple[int, ...], current: int
) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        kept = {4} if current == 4 else {1}
        after = forgetful(world)
        for code in sorted({*missing, *kept}):
            await world.published(caller, code)
        found = await proven(world)
        await written(
            after, [one for one in found if one.named.version_code in kept], Wish("public", True)
        )
        rebuilt = await written(after, found, Wish("private", publish=True))
        assert (rebuilt.developers, rebuilt.apps, rebuilt.versions, rebuilt.known) == (0, 0, 2, 1)
        assert rebuilt.published == 2
        assert (await download(after)).version_code == current
        for code in missing:
            assert (await download(after, code)).version_code == code
        after.close()

    run(scenario())


def test_a_code_that_is_taken_stays_with_its_row(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        pulled = await world.published(caller, 1)
        await world.pull(caller, pulled.id)
        before = await world.snapshot()
        rebuilt = await written(world, await proven(world), Wish(publish=True))
        assert (rebuilt.known, rebuilt.versions, rebuilt.published) == (1, 0, 0)
        assert await world.snapshot() == before

    run(scenario())


def test_an_app_of_another_developer_is_not_taken_away(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        await world.published(caller, 1)
        after = forgetful(world)
        owner = await after.developer("Somebody else")
        await after.app(owner)
        rebuilt = await written(after, await proven(world))
        assert rebuilt.versions == 0
        assert "belongs to another developer" in rebuilt.problems[0]
        assert await after.rows("SELECT * FROM version") == []
        after.close()

    run(scenario())


def test_one_that_conflicts_holds_up_no_other(world: World) -> None:
    class Racing(SqliteRecords):
        async def batch(self, statements: Sequence[Statement]) -> Sequence[int]:
            if any(2 in one.parameters and "INTO version" in one.sql for one in statements):
                raise ConflictError("somebody was faster")
            return await super().batch(statements)

    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        for code in (1, 2, 3):
            await world.published(caller, code)
        after = World(records=Racing(), clock=world.clock, entropy=world.entropy)
        rebuilt = await written(after, await proven(world))
        assert rebuilt.versions == 2
        assert len(rebuilt.problems) == 1
        assert "somebody was faster" in rebuilt.problems[0]
        after.close()

    run(scenario())


def test_hundreds_of_versions_are_written_in_a_few_batches(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        await world.published(caller, 1)
        (one,) = await proven(world)
        many = [
            replace(one, named=replace(one.named, version_code=code), object_key=f"k{code}")
            for code in range(1, 302)
        ]
        after = forgetful(world)
        assert (await written(after, many, Wish(publish=True))).published == 301
        assert (await after.rows("SELECT COUNT(*) AS n FROM version"))[0]["n"] == 301
        after.close()

    run(scenario())


async def one_place(world: World) -> Place:
    caller = await world.developer()
    await world.app(caller)
    await world.published(caller)
    (place,) = await places(world)
    return place


def without(place: Place, member: str, **changes: object) -> bytes:
    document = json.loads(place.statement or b"")
    document.pop(member, None)
    return json.dumps(document | changes).encode()


def test_what_is_not_proven_is_left_out_with_the_reason(world: World) -> None:
    async def scenario() -> None:
        place = await one_place(world)
        unproven = [
            ("no signed statement", replace(place, statement=None)),
            ("cannot be read: it is not JSON", replace(place, statement=b"{")),
            ("'signature' is missing", replace(place, statement=without(place, "signature"))),
            (
                "no statement of the form",
                replace(place, statement=without(place, "", statement="x")),
            ),
            ("of another package", replace(place, version_code=2)),
            ("the package has 5 bytes", replace(place, package_size=5)),
            ("the package has None bytes", replace(place, package_size=None)),
        ]
        for reason, one in unproven:
            found = prove(one, believed)
            assert isinstance(found, str)
            assert reason in found
        assert prove(place, lambda _: "of nobody") == (
            "the platform's signature does not count: of nobody"
        )

    run(scenario())


@pytest.mark.parametrize("manifest", [None, b"{", b"[]", b'{"id": "org.other", "version_code": 1}'])
def test_without_a_manifest_that_fits_the_names_are_the_ids(
    world: World, manifest: bytes | None
) -> None:
    async def scenario() -> None:
        found = prove(replace(await one_place(world), manifest=manifest), believed)
        assert isinstance(found, Proven)
        assert (found.app_name, found.version_name, found.is_named) == (APP, "1", False)

    run(scenario())


def test_the_check_is_given_what_the_platform_signed(world: World) -> None:
    async def scenario() -> None:
        place = await one_place(world)
        given: list[SignedStatement] = []

        def check(signed: SignedStatement) -> str | None:
            given.append(signed)
            return None

        assert isinstance(prove(place, check), Proven)
        (signed,) = given
        assert len(base64.b64decode(signed.signature)) == 64
        assert signed.signing_key_id == "k1"
        assert PackageObject(place.developer_id, APP, 1).key == place.object_key

    run(scenario())


def test_a_recovered_developer_can_be_given_a_key_again(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        await world.published(caller)
        after = forgetful(world)
        await written(after, await proven(world), Wish("public", publish=True))
        key, _ = await access.create_key(
            after.records, after.clock, after.entropy, "developer", caller.subject_id, None
        )
        again = await access.authenticate(after.records, after.clock, [], f"Bearer {key}")
        version = await after.published(again, 2)
        assert version.version_code == 2
        page = await versions.get_version(after.records, again, version.id)
        assert page.is_current
        after.close()

    run(scenario())
