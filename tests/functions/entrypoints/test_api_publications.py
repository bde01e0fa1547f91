"""`/v1/repositories` and their publications: what the api answers, to whom, and what it keeps."""

import hashlib
from dataclasses import dataclass
from typing import Any

import pytest

from functions.core import publication_lists
from functions.core.publication_lists import ListedFile
from tests.functions.entrypoints.edge import Edge
from tests.functions.entrypoints.world import BUCKETS, ROOT_KEY, World, assert_problem

pytestmark = pytest.mark.anyio

CONTENTS = {"pool/main/a_1_all.deb": b"a package", "dists/stable/Release": b"Suite: stable\n"}


@dataclass
class Tenant:
    world: World
    key: str
    repository: dict[str, Any]

    @property
    def path(self) -> str:
        return f"/v1/repositories/{self.repository['id']}"

    async def begin(self, contents: dict[str, bytes]) -> dict[str, Any]:
        files = listed(contents)
        body = {
            "files_sha256": publication_lists.digest(files),
            "file_count": len(files),
            "bytes": sum(file.size for file in files),
        }
        return (await self.world.made(f"{self.path}/publications", body, self.key))["publication"]

    async def offer(self, publication: dict[str, Any], contents: dict[str, bytes]) -> list[Any]:
        body = {"page": 0, "files": bodies(contents)}
        path = f"{self.path}/publications/{publication['id']}/files"
        return (await self.world.made(path, body, self.key))["missing"]

    async def send(self, missing: list[Any], contents: dict[str, bytes]) -> None:
        """What the storage does with the presigned PUTs."""
        for put in missing:
            content = contents[put["path"]]
            key = (
                put["url"].partition("?")[0].removeprefix(f"https://s3.stowage.test/{BUCKETS[0]}/")
            )
            await self.world.repositories[BUCKETS[0]].put(
                *(key, content),
                length=len(content),
                content_type=put["headers"]["content-type"],
                sha256=hashlib.sha256(content).hexdigest(),
            )

    async def publish(self, contents: dict[str, bytes]) -> dict[str, Any]:
        publication = await self.begin(contents)
        await self.send(await self.offer(publication, contents), contents)
        assert await self.offer(publication, contents) == []
        body = {"expected_generation": publication["base_generation"]}
        path = f"{self.path}/publications/{publication['id']}/publish"
        return (await self.world.made(path, body, self.key))["publication"]


def listed(contents: dict[str, bytes]) -> list[ListedFile]:
    files = [
        ListedFile(path, len(body), hashlib.sha256(body).hexdigest())
        for path, body in contents.items()
    ]
    return sorted(files, key=lambda file: file.order)


def bodies(contents: dict[str, bytes]) -> list[dict[str, Any]]:
    return [{"path": f.path, "size": f.size, "sha256": f.sha256} for f in listed(contents)]


async def a_tenant(world: World, hostname: str = "apt.acme.example") -> Tenant:
    made = await world.made("/v1/tenants", {"name": "Acme"})
    body = {"tenant_id": made["tenant_id"], "hostname": hostname, "distribution": "stable"}
    repository = (await world.made("/v1/repositories", body))["repository"]
    return Tenant(world, made["key"], repository)


async def test_a_tenant_publishes_with_its_own_key_and_the_edge_serves_it(
    world: World, edge: Edge
) -> None:
    tenant = await a_tenant(world)
    published = await tenant.publish(CONTENTS)
    assert (published["state"], published["generation"]) == ("published", 1)
    for path, content in CONTENTS.items():
        answer = await edge.ask(f"/{path}", "apt.acme.example")
        assert (answer.status, answer.body) == (200, content)
    for path in (
        "/.stowage/generations/1/manifest.json",
        "/.stowage/generations/1/files/dists/stable/Release",
        "/%2estowage/generations/1/manifest.json",
        "/.STOWAGE/generations/1/manifest.json",
        "/dists/stable/InRelease",
    ):
        assert (await edge.ask(path, "apt.acme.example")).status == 404


async def test_repositories_are_shown_to_their_tenant_and_to_operators(world: World) -> None:
    one, two = await a_tenant(world), await a_tenant(world, "apt.two.example")
    mine = await world.call("GET", "/v1/repositories", key=one.key)
    assert mine.json() == {"repositories": [one.repository], "next": None}
    every = await world.call("GET", "/v1/repositories", key=ROOT_KEY)
    both = sorted([one.repository, two.repository], key=lambda repository: repository["id"])
    assert every.json()["repositories"] == both
    shown = await world.call("GET", one.path, key=one.key)
    assert shown.json() == {"repository": one.repository}
    assert one.repository["generation"] is None


async def test_a_rollback_and_the_list_of_publications(world: World) -> None:
    tenant = await a_tenant(world)
    await tenant.publish(CONTENTS)
    await tenant.publish(CONTENTS | {"dists/stable/Release": b"Suite: stable\nDate: today\n"})
    body = {"generation": 1}
    shown = await world.made(f"{tenant.path}/rollback", body, tenant.key)
    assert shown["publication"]["generation"] == 1
    answer = (await world.call("GET", f"{tenant.path}/publications", key=tenant.key)).json()
    assert answer["generation"] == 1
    assert [one["generation"] for one in answer["publications"]] == [2, 1]
    assert answer["publications"][0]["due_at"] is not None
    again = await world.call(
        "GET", f"{tenant.path}/publications/{shown['publication']['id']}", key=tenant.key
    )
    assert again.json()["publication"]["state"] == "published"


async def test_a_publish_that_was_overtaken_is_told_so_and_keeps_nothing(world: World) -> None:
    tenant = await a_tenant(world)
    publication = await tenant.begin(CONTENTS)
    await tenant.send(await tenant.offer(publication, CONTENTS), CONTENTS)
    assert await tenant.offer(publication, CONTENTS) == []
    await tenant.publish({"dists/stable/Release": b"another"})
    before = await world.dump()
    path = f"{tenant.path}/publications/{publication['id']}/publish"
    refused = await world.call("POST", path, {"expected_generation": None}, key=tenant.key)
    problem = assert_problem(refused, 409, "publication-overtaken")
    assert problem["generation"] == 2
    assert await world.dump() == before


async def test_a_comparison_says_what_a_publish_would_do_and_does_nothing(world: World) -> None:
    tenant = await a_tenant(world)
    await tenant.publish(CONTENTS)
    before = await world.dump()
    changed = {
        "pool/main/a_1_all.deb": b"other bytes",
        "pool/main/b_1_all.deb": b"new",
        "dists/stable/Release": b"changed",
    }
    answer = await world.call(
        "POST", f"{tenant.path}/comparison", {"files": bodies(changed)}, key=tenant.key
    )
    assert answer.json() == {
        "missing": ["pool/main/b_1_all.deb"],
        "changed": ["dists/stable/Release"],
        "differing": ["pool/main/a_1_all.deb"],
    }
    assert await world.dump() == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("GET", "/publications", None),
        ("GET", "/publications/{publication}", None),
        ("POST", "/publications", {"files_sha256": "0" * 64, "file_count": 1, "bytes": 1}),
        ("POST", "/publications/{publication}/files", {"page": 0, "files": bodies(CONTENTS)}),
        ("POST", "/publications/{publication}/publish", {"expected_generation": None}),
        ("POST", "/comparison", {"files": bodies(CONTENTS)}),
        ("POST", "/rollback", {"generation": 1}),
    ],
)
async def test_another_tenants_repository_is_not_there(
    world: World, method: str, path: str, body: object
) -> None:
    owner, other = await a_tenant(world), await a_tenant(world, "apt.two.example")
    publication = await owner.begin(CONTENTS)
    before = await world.dump()
    where = owner.path + path.format(publication=publication["id"])
    assert_problem(await world.call(method, where, body, key=other.key), 404, "not-found")
    assert_problem(await world.call(method, where, body), 401, "unauthorized")
    developer = await world.made("/v1/developers", {"name": "Ada"})
    assert_problem(await world.call(method, where, body, key=developer["key"]), 403, "forbidden")
    after = await world.dump()
    assert {name: after[name] for name in (*BUCKETS, "publication", "location")} == {
        name: before[name] for name in (*BUCKETS, "publication", "location")
    }


@pytest.mark.parametrize(
    "change",
    [
        {"path": "../x"},
        {"path": ".stowage/x"},
        {"path": "x" * 300},
        {"size": -1},
        {"size": 5 * 1024**3 + 1},
        {"sha256": "x"},
    ],
)
async def test_a_wrong_file_is_pointed_at_and_nothing_is_kept(
    world: World, change: dict[str, Any]
) -> None:
    tenant = await a_tenant(world)
    publication = await tenant.begin(CONTENTS)
    before = await world.dump()
    files = [bodies(CONTENTS)[0] | change]
    path = f"{tenant.path}/publications/{publication['id']}/files"
    answer = await world.call("POST", path, {"page": 0, "files": files}, key=tenant.key)
    assert answer.status_code in (400, 422), answer.text
    assert await world.dump() == before


async def test_a_page_may_be_larger_than_other_bodies_and_no_larger(world: World) -> None:
    tenant = await a_tenant(world)
    long = "/".join(["x" * 190] * 4)
    contents = {f"pool/{long}/{n:04}": b"x" for n in range(500)}
    publication = await tenant.begin(contents)
    assert len(await tenant.offer(publication, contents)) == 500
    path = f"{tenant.path}/publications/{publication['id']}/files"
    answer = await world.call(
        "POST",
        path,
        content=b" " * (2 * 1024 * 1024 + 1),
        headers={"content-type": "application/json"},
        key=tenant.key,
    )
    assert_problem(answer, 413, "content-too-large")
