"""Publishing by generation: what readers see, what is refused, and what two publishers do to each
other."""

import asyncio
import hashlib
from typing import TYPE_CHECKING

import pytest

from functions.core import cache_tags, publication_lists, publishing, purges
from functions.core.platform import DAY_MS
from functions.core.problems import ProblemError
from functions.core.publication_lists import ListedFile
from tests.contracts.object_store import run
from tests.functions.core.publishing_world import Site, a_suite, listed, refusal
from tests.functions.core.world import OPERATOR, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from functions.core.access import Caller

INDEX = "dists/stable/InRelease"
ONE, TWO = a_suite("1.0"), a_suite("1.0", "2.0")


def test_readers_see_nothing_of_a_publication_until_it_is_published(world: World) -> None:
    async def scenario() -> None:
        site = await Site.make(world)
        publication = await site.begin(ONE)
        await site.fill(publication, ONE)
        assert await site.read(INDEX) is None
        shown = await site.show(publication)
        assert (shown.state, shown.number, shown.due_at) == ("published", 1, None)
        assert await site.sees(ONE)

    run(scenario())


def test_a_location_that_begins_to_publish_keeps_its_plain_files_where_they_are(
    world: World,
) -> None:
    async def scenario() -> None:
        site = await Site.make(world)
        for path, body in a_suite("1.0").items():
            await site.put(path, body)
        await site.put("dists/old/Release", b"old")
        assert await site.read("dists/old/Release") == b"old"
        await site.publish(TWO)
        assert await site.sees(TWO)
        # What is not in the generation is not there, though it lies in the bucket.
        assert await site.read("dists/old/Release") is None
        assert "dists/old/Release" in await site.keys()
        # Packages are shared: the one that lay there was not sent again.
        assert sum("hello_1.0_all.deb" in key for key in await site.keys()) == 1

    run(scenario())


def test_what_was_deleted_from_an_index_is_gone_in_the_next_generation(world: World) -> None:
    async def scenario() -> None:
        site = await Site.make(world)
        extra = "dists/stable/Release.gpg"
        await site.publish(ONE | {extra: b"signature"})
        assert await site.read(extra) == b"signature"
        await site.publish(ONE)
        assert await site.read(extra) is None
        assert await site.generation() == 2

    run(scenario())


def test_publishing_the_same_again_changes_nothing(world: World) -> None:
    async def scenario() -> None:
        site = await Site.make(world)
        first = await site.publish(ONE)
        keys = await site.keys()
        again = await site.publish(ONE)
        assert (again.id, await site.keys()) == (first.id, keys)

    run(scenario())


def test_the_url_of_a_missing_file_is_for_its_bytes_and_for_its_place_in_the_location_alone(
    world: World,
) -> None:
    async def scenario() -> None:
        site = await Site.make(world)
        publication = await site.begin(ONE)
        (page,) = publication_lists.pages(listed(ONE))
        offer = await publishing.offer_files(
            site.deps(), site.tenant, site.repository.id, publication.id, 0, page
        )
        assert [file for file, _ in offer.missing] == list(page)
        start = f"https://s3.test/stowage-dev-repositories/{site.repository.s3_prefix}"
        for file, put in offer.missing:
            where = "" if file.is_immutable else ".stowage/generations/1/files/"
            assert put.url.partition("?")[0] == f"{start}{where}{file.path}"
            assert put.headers["content-length"] == str(file.size)
            assert put.headers["if-none-match"] == "*"
            assert "x-amz-checksum-sha256" in put.headers

    run(scenario())


def test_the_loser_of_two_publishes_is_told_and_nothing_of_it_shows(world: World) -> None:
    async def scenario() -> None:
        site = await Site.make(world)
        await site.publish(ONE)
        contents = (a_suite("1.0", "2.0"), a_suite("1.0", "3.0"))
        begun = [await site.begin(one) for one in contents]
        assert [one.number for one in begun] == [2, 3]
        for publication, one in zip(begun, contents, strict=True):
            await site.fill(publication, one)
        results = await asyncio.gather(*map(site.show, begun), return_exceptions=True)
        (lost,) = [one for one in results if isinstance(one, ProblemError)]
        assert (lost.problem.status, lost.problem.slug) == (409, "publication-overtaken")
        winner = 0 if isinstance(results[1], ProblemError) else 1
        assert await site.sees(contents[winner])
        assert not await site.sees(contents[1 - winner])
        assert sorted((await site.states()).values()) == ["preparing", "published", "published"]
        # It may publish on top of what won.
        assert (await site.publish(contents[1 - winner])).number == 4
        assert await site.sees(contents[1 - winner])

    run(scenario())


def test_the_same_content_published_twice_at_once_is_one_generation(world: World) -> None:
    async def scenario() -> None:
        site = await Site.make(world)
        first, second = await site.begin(ONE), await site.begin(ONE)
        assert first.id == second.id
        await site.fill(first, ONE)
        shown = await asyncio.gather(site.show(first), site.show(second))
        assert {one.number for one in shown} == {1}

    run(scenario())


def test_a_rollback_shows_an_earlier_generation_and_the_next_publish_goes_on(world: World) -> None:
    async def scenario() -> None:
        site = await Site.make(world)
        await site.publish(ONE)
        await site.publish(TWO)
        await site.roll_back(1)
        assert await site.sees(ONE)
        await site.roll_back(1)
        await site.roll_back(2)
        assert await site.sees(TWO)
        await site.roll_back(1)
        assert (await site.publish(a_suite("3.0"))).number == 3
        refused = await refusal(site.roll_back(9))
        assert refused.slug == "generation-unavailable"

    run(scenario())


def test_a_change_of_the_generation_purges_what_caches_know_of_it(world: World) -> None:
    async def scenario() -> None:
        site = await Site.make(world)
        await site.publish(ONE)
        await site.publish(TWO)
        location = site.repository.location_id
        asked = {purge.tag for purge in await purges.list_purges(world.records)}
        assert asked == {cache_tags.hosts_of(location), cache_tags.generation(location, 1)}

    run(scenario())


def test_a_package_with_other_bytes_under_its_name_is_refused_by_name(world: World) -> None:
    async def scenario() -> None:
        site = await Site.make(world)
        await site.publish(ONE)
        keys = await site.keys()
        deb = "pool/main/hello_1.0_all.deb"
        changed = ONE | {deb: b"other bytes"}
        publication = await site.begin(changed)
        refused = await refusal(site.fill(publication, changed))
        assert (refused.status, refused.slug) == (409, "immutable-file-differs")
        assert refused.members["paths"] == [deb]
        assert await site.keys() == keys
        assert await site.sees(ONE)

    run(scenario())


def test_an_incomplete_publication_is_not_published(world: World) -> None:
    async def scenario() -> None:
        site = await Site.make(world)
        publication = await site.begin(ONE)
        assert (await refusal(site.show(publication))).slug == "publication-incomplete"
        # Another list than was announced.
        less = {path: body for path, body in ONE.items() if path != INDEX}
        await site.fill(publication, less)
        assert (await refusal(site.show(publication))).slug == "publication-incomplete"
        assert await site.generation() is None

    run(scenario())


def test_an_index_that_its_release_lists_with_another_digest_is_refused(world: World) -> None:
    async def scenario() -> None:
        site = await Site.make(world)
        broken = ONE | {"dists/stable/main/binary-all/Packages": b"something else"}
        publication = await site.begin(broken)
        await site.fill(publication, broken)
        refused = await refusal(site.show(publication))
        assert (refused.status, refused.slug) == (422, "invalid-request")
        assert "main/binary-all/Packages" in str(refused.members["errors"])
        assert await site.generation() is None

    run(scenario())


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/dists/stable/Release",
        "dists//Release",
        "dists/../Release",
        "./Release",
        "pool/",
        "pool\\x",
        "pool/\x00",
        ".stowage/generations/1/manifest.json",
        ".Stowage/x",
        "x" * 256,
        "/".join(["x" * 200] * 6),
        "dists/by-hash/SHA256/" + "0" * 64,
    ],
)
def test_a_path_that_no_url_reaches_is_refused_and_leaves_nothing(world: World, path: str) -> None:
    async def scenario() -> None:
        site = await Site.make(world)
        contents = {path: b"x"}
        publication = await site.begin(contents)
        refused = await refusal(site.fill(publication, contents))
        assert (refused.status, refused.slug) == (422, "invalid-request")
        assert await site.keys() == []

    run(scenario())


@pytest.mark.parametrize("contents", [{"a": b"1", "a/b": b"2"}, {"pool/a": b"1", "pool/a/b": b"2"}])
def test_a_file_is_no_folder_of_another(world: World, contents: dict[str, bytes]) -> None:
    async def scenario() -> None:
        site = await Site.make(world)
        assert (await refusal(site.publish(contents))).status == 422
        assert await site.generation() is None

    run(scenario())


def test_a_new_package_is_no_folder_of_one_that_lies_there(world: World) -> None:
    async def scenario() -> None:
        site = await Site.make(world)
        await site.put("pool/a/b.deb", b"1")
        assert (await refusal(site.publish({"pool/a": b"2"}))).status == 422
        assert await site.keys() == ["pool/a/b.deb"]

    run(scenario())


def test_another_tenant_finds_neither_repository_nor_publication(world: World) -> None:
    async def scenario() -> None:
        site = await Site.make(world)
        publication = await site.begin(ONE)
        other = await Site.make(world, "apt.other.example")
        deps, mine, theirs = site.deps(), site.repository.id, other.repository.id
        files = listed(ONE)
        calls: list[Callable[[Caller, str], object]] = [
            lambda who, where: publishing.begin(deps, who, where, "0" * 64, 1, 1),
            lambda who, where: publishing.offer_files(deps, who, where, publication.id, 0, files),
            lambda who, where: publishing.publish(deps, who, where, publication.id, None),
            lambda who, where: publishing.roll_back(deps, who, where, 1),
            lambda who, where: publishing.compare_files(deps, who, where, files),
        ]
        for call in calls:
            assert (await refusal(call(other.tenant, mine))).status == 404
        # Nor does it become theirs by naming their own repository.
        for call in calls[1:3]:
            assert (await refusal(call(other.tenant, theirs))).status == 404
        developer = await world.developer()
        assert (await refusal(calls[0](developer, mine))).status == 403
        made = await publishing.begin(deps, OPERATOR, mine, "1" * 64, 1, 1)
        assert made.created_by == "key:root"

    run(scenario())


def test_a_publication_that_was_given_up_cannot_be_shown(world: World) -> None:
    async def scenario() -> None:
        site = await Site.make(world)
        publication = await site.begin(ONE)
        await site.fill(publication, ONE)
        world.clock.advance(milliseconds=DAY_MS)
        assert (await site.sweep()).abandoned == 1
        assert (await refusal(site.show(publication))).slug == "publication-closed"
        assert (await refusal(site.fill(publication, ONE))).slug == "publication-closed"
        assert await site.generation() is None
        assert (await site.publish(ONE)).number == 2
        assert await site.sees(ONE)

    run(scenario())


def test_a_list_of_several_pages_is_published_whole_with_few_listings(world: World) -> None:
    async def scenario() -> None:
        site = await Site.make(world)
        many = {f"pool/main/p{n:05}_1_all.deb": b"%d" % n for n in range(1201)} | ONE
        await site.publish(many)
        assert await site.sees(many)
        calls = 0
        original = site.store.list_objects

        async def counted(*args: object, **kwargs: object) -> object:
            nonlocal calls
            calls += 1
            return await original(*args, **kwargs)  # pyright: ignore[reportArgumentType]

        site.store.list_objects = counted  # pyright: ignore[reportAttributeAccessIssue]
        await site.publish(many | a_suite("1.0", "2.0"))
        # Three pages; the last two are offered again, and hold index files of the generation.
        assert calls <= 8

    run(scenario())


def test_a_digest_that_no_listing_tells_is_read_from_the_object(world: World) -> None:
    async def scenario() -> None:
        site = await Site.make(world)
        deb = "pool/main/hello_1.0_all.deb"
        key = site.repository.s3_prefix + deb
        await site.store.put(key, ONE[deb], length=len(ONE[deb]), content_type="x/y", sha256=None)
        await site.publish(ONE)
        assert await site.sees(ONE)
        other = ListedFile(deb, len(ONE[deb]), hashlib.sha256(b"x").hexdigest())
        found = await publishing.compare_files(
            site.deps(), site.tenant, site.repository.id, [other]
        )
        assert found.differing == (other,)

    run(scenario())
