import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.catalog import Icon, PackageObject, Screenshot
from functions.core.download_tokens import DownloadKeys, sign
from functions.core.locations import Location
from functions.core.problems import ProblemError
from functions.core.serving import (
    decode_path,
    normal_host,
    repository_file,
    resolve_host,
    route_cdn,
)
from functions.core.sigv4 import encode_key
from functions.ports.records import Statement
from tests.contracts.object_store import run
from tests.contracts.records import hostname, location, tenant
from tests.functions.core.world import World

KEYS = DownloadKeys("a", {"a": b"a" * 32})
VERSION = "019ce0b8-1111-7222-8333-444455556666"
NOW = 1_790_000_000_000
PACKAGE = "packages/019ce0b8-0000-7000-8000-000000000000/org.example.app/1/package.mosis"
TENANT = Location("l1", "t1", "bucket", "l1/", None)
WHOLE = Location("l2", "t2", "bucket", "", None)


def status_of(call: object, *arguments: object) -> int:
    assert callable(call)
    with pytest.raises(ProblemError) as caught:
        call(*arguments)
    return caught.value.problem.status


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/dists/stable/InRelease", "dists/stable/InRelease"),
        ("/pool/main/libstdc++_1%3a2~rc1%2b3.deb", "pool/main/libstdc++_1:2~rc1+3.deb"),
        ("/a%20b/%C3%BC", "a b/ü"),
        ("/%252e%252e/x", "%2e%2e/x"),
        ("/...", "..."),
    ],
)
def test_a_path_is_decoded_once(raw: str, path: str) -> None:
    assert decode_path(raw) == path


@pytest.mark.parametrize(
    "raw",
    [
        "", "a", "/..", "/../x", "/a/../b", "/a/..", "/./a", "/a/.", "/%2e%2e/x", "/%2E./x",
        "/.%2e/x", "/a%2fb", "/a%2Fb", "/..%2f..%2f", "/a%00", "/a\x00", "/a%5cb", "/a\\b",
        "/..\\..", "/%", "/%2", "/%zz", "/a%0a", "/%7f", "/%ff", "/%c0%ae%c0%ae/", "/%ed%a0%80",
    ],
)  # fmt: skip
def test_a_path_that_could_be_read_otherwise_is_refused(raw: str) -> None:
    assert status_of(decode_path, raw) == 400


@pytest.mark.parametrize(
    "raw", ["/", "//", "/a//b", "/a/", "//a", "/" + "a" * 256, "/" + "a/" * 2000 + "b"]
)
def test_a_path_that_names_no_object_is_not_found(raw: str) -> None:
    assert status_of(decode_path, raw) == 404


FRAGMENTS = st.sampled_from(
    ["..", ".", "/", "%2e", "%2f", "%5c", "\\", "%00", "a", "l2/", "%25", "é", "%C3%A9", "//", "%"]
)


@given(st.lists(FRAGMENTS, max_size=12).map("".join), st.sampled_from([TENANT, WHOLE]))
def test_no_path_leaves_its_prefix(path: str, where: Location) -> None:
    try:
        file = repository_file(where, "/" + path)
    except ProblemError:
        return
    assert file.key == where.s3_prefix + file.path
    segments = file.path.split("/")
    assert not {"", ".", ".."} & set(segments)
    assert "\\" not in file.key
    assert "\x00" not in file.key


@given(
    st.lists(
        st.text(
            st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\\x7f"),
            min_size=1,
            max_size=20,
        ).filter(lambda part: part not in {".", ".."}),
        min_size=1,
        max_size=5,
    )
)
def test_every_sound_key_can_be_asked_for(parts: list[str]) -> None:
    path = "/".join(parts)
    assert repository_file(TENANT, "/" + encode_key(path)).key == "l1/" + path


def test_a_key_has_at_most_1024_bytes() -> None:
    path = "/" + "/".join(["a" * 255] * 4)
    assert len(repository_file(WHOLE, path).key) == 1023
    assert status_of(repository_file, TENANT, path) == 404


def test_a_package_needs_its_token() -> None:
    token = sign(VERSION, PACKAGE, KEYS, NOW // 1000 + 60)
    target = route_cdn("/" + PACKAGE, token, KEYS, NOW)
    assert (target.bucket, target.key, target.version_id) == ("packages", PACKAGE, VERSION)
    assert target.kind == PackageObject(
        "019ce0b8-0000-7000-8000-000000000000", "org.example.app", 1
    )
    assert status_of(route_cdn, "/" + PACKAGE, "", KEYS, NOW) == 403
    other = PACKAGE.replace("/1/", "/2/")
    assert status_of(route_cdn, "/" + other, token, KEYS, NOW) == 403


def test_the_token_covers_the_key_and_not_its_spelling() -> None:
    token = sign(VERSION, PACKAGE, KEYS, NOW // 1000 + 60)
    spelled = "/" + PACKAGE.replace("package.mosis", "%70ackage.mosis")
    assert route_cdn(spelled, token, KEYS, NOW).key == PACKAGE


def test_assets_are_open() -> None:
    icon = route_cdn("/assets/org.example.app/icon-64.png", "", KEYS, NOW)
    assert (icon.bucket, icon.kind) == ("assets", Icon("org.example.app", 64))
    shot = route_cdn("/assets/org.example.app/screenshots/3.png", "x=1", KEYS, NOW)
    assert shot.kind == Screenshot("org.example.app", 3)


@pytest.mark.parametrize(
    "path",
    [
        "/temp/019ce0b8-0000-7000-8000-000000000000/package.mosis",
        "/packages/a/b/1/manifest.json",
        "/packages/a/b/01/package.mosis",
        "/packages/a/b/1/package.mosis/x",
        "/packages/A/b/1/package.mosis",
        "/assets/a/icon-16.png",
        "/assets/a/icon-64.png.exe",
        "/assets/a/screenshots/01.png",
        "/assets/a,app:b/icon-64.png",
        "/index.html",
        "/",
    ],
)
def test_the_cdn_host_serves_nothing_else(path: str) -> None:
    token = sign(VERSION, path[1:], KEYS, NOW // 1000 + 60)
    assert status_of(route_cdn, path, token, KEYS, NOW) == 404


@pytest.mark.parametrize(
    "host", ["a.example", "A.Example", "a.example.", "a.example:8080", " a.example "]
)
def test_a_host_is_found_however_it_is_written(world: World, host: str) -> None:
    async def scenario() -> None:
        await world.records.batch(
            [
                tenant("t1"),
                location("l1", "t1", "b", "l1/"),
                hostname("h", "a.example", "t1", "l1", 7),
            ]
        )
        found = await resolve_host(world.records, host, ["b"])
        assert found == Location("l1", "t1", "b", "l1/", None)

    run(scenario())


@pytest.mark.parametrize("host", ["", "b.example", "x.a.example", "a.example/x", "[::1]:80", "a"])
def test_an_unknown_host_has_no_location(world: World, host: str) -> None:
    async def scenario() -> None:
        await world.records.batch(
            [
                tenant("t1"),
                location("l1", "t1", "b", "l1/"),
                hostname("h", "a.example", "t1", "l1", 7),
            ]
        )
        assert await resolve_host(world.records, host, ["b"]) is None

    run(scenario())


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE hostname SET proven_at = NULL",
        "UPDATE hostname SET state = 'requested'",
        "UPDATE hostname SET state = 'awaiting_dns'",
        "UPDATE hostname SET state = 'moved'",
        "UPDATE hostname SET state = 'blocked'",
        "UPDATE hostname SET state = 'removed'",
        "UPDATE hostname SET deleted_at = 1",
        "UPDATE location SET deleted_at = 1",
    ],
)
def test_what_is_unproven_or_deleted_is_not_served(world: World, change: str) -> None:
    async def scenario() -> None:
        await world.records.batch(
            [
                tenant("t1"),
                location("l1", "t1", "b", "l1/"),
                hostname("h", "a.example", "t1", "l1", 7),
                Statement(change),
            ]
        )
        assert await resolve_host(world.records, "a.example", ["b"]) is None

    run(scenario())


def test_a_planted_row_that_names_another_bucket_is_not_served(world: World) -> None:
    async def scenario() -> None:
        await world.records.batch(
            [
                tenant("t1"),
                location("l1", "t1", "stowage-dev-packages", ""),
                hostname("h", "a.example", "t1", "l1", 7),
            ]
        )
        assert await resolve_host(world.records, "a.example", ["stowage-dev-repositories"]) is None

    run(scenario())


def test_the_host_of_an_absolute_name_loses_its_final_dot() -> None:
    assert normal_host("A.Example.:443") == "a.example"
