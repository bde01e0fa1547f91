"""A tenant's location, those who publish to it, and what its readers see of it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from functions.adapters.local.object_store import MemoryObjectStore
from functions.core import publication_lists, publishing, serving
from functions.core.access import Caller
from functions.core.content_types import content_type_of
from functions.core.generation_sweep import SweepDeps, SweepReport, sweep_generations
from functions.core.locations import Location, find_location
from functions.core.platform import DAY_MS
from functions.core.presign import PresignSettings
from functions.core.problems import Problem, ProblemError
from functions.core.publication_lists import ListedFile
from functions.core.publication_records import Publication
from functions.core.publishing import PublishDeps
from functions.core.repositories import Repository, create_repository
from functions.core.storages import PROFILES
from functions.ports.object_store import PreconditionFailedError, StoredObject
from functions.ports.records import Statement
from tests.functions.core.fuse import Fuse
from tests.functions.core.world import BUCKETS, World

Contents = Mapping[str, bytes]
"""What a tenant publishes: bytes by path."""


def a_suite(*versions: str, by_hash: bool = True) -> dict[str, bytes]:
    """A Debian repository with a package of each version."""
    packages = "".join(f"Package: hello\nVersion: {one}\n\n" for one in versions).encode()
    digest = hashlib.sha256(packages).hexdigest()
    folder = "main/binary-all"
    release = f"Suite: stable\nSHA256:\n {digest} {len(packages)} {folder}/Packages\n".encode()
    made = {f"pool/main/hello_{one}_all.deb": f"package {one}".encode() for one in versions}
    made |= {"dists/stable/InRelease": release, f"dists/stable/{folder}/Packages": packages}
    if by_hash:
        made[f"dists/stable/{folder}/by-hash/SHA256/{digest}"] = packages
    return made


def listed(contents: Contents) -> list[ListedFile]:
    files = [
        ListedFile(path, len(body), hashlib.sha256(body).hexdigest())
        for path, body in contents.items()
    ]
    return sorted(files, key=lambda file: file.order)


@dataclass
class Site:
    world: World
    store: MemoryObjectStore
    tenant: Caller
    repository: Repository
    keep: int = 1

    @classmethod
    async def make(cls, world: World, hostname: str = "apt.tess.example") -> "Site":
        tenant = await world.tenant()
        assert tenant.subject_id is not None
        repository = await create_repository(
            *(world.records, world.clock, world.entropy, world.repository_settings),
            *(tenant.subject_id, hostname, "stable"),
        )
        return cls(world, MemoryObjectStore(world.clock), tenant, repository)

    def deps(self, fuse: Fuse | None = None) -> PublishDeps:
        target = PresignSettings(
            PROFILES["r2"], "https://s3.test", "auto", BUCKETS[0], "an-id", "a-secret"
        )
        made = PublishDeps(
            records=self.world.records,
            clock=self.world.clock,
            entropy=self.world.entropy,
            queue=self.world.queue,
            stores={BUCKETS[0]: self.store},
            targets={BUCKETS[0]: target},
            url_seconds=900,
            grace_ms=7 * DAY_MS,
        )
        if fuse is None:
            return made
        ports = {"records": fuse.wrap(made.records), "queue": fuse.wrap(made.queue)}
        stores = {"stores": {BUCKETS[0]: fuse.wrap(self.store)}}
        return replace(made, **ports, **stores)  # pyright: ignore[reportArgumentType]  (by name)

    async def put(self, path: str, body: bytes, generation: int | None = None) -> None:
        """What the storage does with a right presigned PUT."""
        file = ListedFile(path, len(body), hashlib.sha256(body).hexdigest())
        key = file.key(self.repository.s3_prefix, generation)
        kind = content_type_of(path)
        await self.store.put(key, body, length=len(body), content_type=kind, sha256=file.sha256)

    async def begin(self, contents: Contents, fuse: Fuse | None = None) -> Publication:
        files = listed(contents)
        return await publishing.begin(
            *(self.deps(fuse), self.tenant, self.repository.id),
            *(publication_lists.digest(files), len(files), sum(file.size for file in files)),
        )

    async def fill(
        self, publication: Publication, contents: Contents, fuse: Fuse | None = None
    ) -> None:
        """As the command does it: page by page, what is missing, and the page again."""
        deps = self.deps(fuse)
        for number, page in enumerate(publication_lists.pages(listed(contents))):
            if await self._offer(deps, publication, number, page, contents):
                assert await self._offer(deps, publication, number, page, contents) == 0

    async def _offer(
        self,
        deps: PublishDeps,
        publication: Publication,
        number: int,
        page: Sequence[ListedFile],
        contents: Contents,
    ) -> int:
        """How many were missing, and were sent."""
        offer = await publishing.offer_files(
            deps, self.tenant, self.repository.id, publication.id, number, page
        )
        for file, _ in offer.missing:
            await self._send(file, contents[file.path], publication.number, deps)
        return len(offer.missing)

    async def _send(self, file: ListedFile, body: bytes, number: int, deps: PublishDeps) -> None:
        try:
            await deps.stores[BUCKETS[0]].put(
                file.key(self.repository.s3_prefix, number),
                body,
                length=len(body),
                content_type=content_type_of(file.path),
                sha256=file.sha256,
            )
        except PreconditionFailedError:
            return

    async def show(self, publication: Publication, fuse: Fuse | None = None) -> Publication:
        return await publishing.publish(
            *(self.deps(fuse), self.tenant, self.repository.id),
            *(publication.id, publication.base_generation),
        )

    async def publish(self, contents: Contents, fuse: Fuse | None = None) -> Publication:
        publication = await self.begin(contents, fuse)
        if publication.state == "published":
            return publication
        await self.fill(publication, contents, fuse)
        return await self.show(publication, fuse)

    async def roll_back(self, generation: int, fuse: Fuse | None = None) -> Publication:
        return await publishing.roll_back(
            self.deps(fuse), self.tenant, self.repository.id, generation
        )

    async def sweep(self, fuse: Fuse | None = None) -> SweepReport:
        deps = self.deps(fuse)
        return await sweep_generations(
            SweepDeps(deps.records, deps.stores, self.world.clock, self.keep)
        )

    async def generation(self) -> int | None:
        return (await self.location()).generation

    async def location(self) -> Location:
        location = await find_location(self.world.records, self.repository.location_id)
        assert location is not None
        return location

    async def read(self, path: str, at: Location | None = None) -> bytes | None:
        """As the edge reads it, from the database's newest word or from what it knows of it."""
        file = serving.repository_file(at or await self.location(), f"/{path}")
        found = await self.store.get(file.key)
        if not isinstance(found, StoredObject):
            return None
        return b"".join([chunk async for chunk in found.body])

    async def sees(self, contents: Contents, at: Location | None = None) -> bool:
        """Whether a reader who knows where the location stands gets exactly that."""
        place = at or await self.location()
        return all([await self.read(path, place) == body for path, body in contents.items()])

    async def keys(self) -> list[str]:
        """Without the location's prefix."""
        page = await self.store.list_objects("")
        return [info.key.removeprefix(self.repository.s3_prefix) for info in page.objects]

    async def states(self) -> dict[int, str]:
        rows = await self.world.records.fetch(
            Statement("SELECT number, state FROM publication ORDER BY number")
        )
        return {cast("int", row["number"]): cast("str", row["state"]) for row in rows}


async def refusal(work: object) -> Problem:
    """Of a use-case that has to be refused."""
    try:
        await work  # pyright: ignore[reportGeneralTypeIssues]  (a coroutine of any result)
    except ProblemError as refused:
        return refused.problem
    raise AssertionError("it was not refused")
