"""An upload on a storage that took whatever came is nothing but bytes until it was hashed."""

from dataclasses import replace
from typing import TYPE_CHECKING

from functions.adapters.local.object_store import MemoryObjectStore
from functions.core.manifest import Expected
from functions.core.package_check import PackageReport, check_package
from functions.ports.object_store import ByteRange, ObjectInfo, StoredObject
from tests.contracts.object_store import run
from tests.functions.core.world import APP, NAME, World, a_manifest, a_package, sha256

if TYPE_CHECKING:
    from functions.core.version_records import Upload


class Remembering(MemoryObjectStore):
    """Notes what is read, in order, and tells the digest it is told to tell."""

    calls: list[str]
    told: str | None

    async def head(self, key: str) -> ObjectInfo | None:
        self.calls.append("head")
        found = await super().head(key)
        return None if found is None else replace(found, sha256=self.told)

    async def get(
        self,
        key: str,
        byte_range: ByteRange | None = None,
        *,
        unless_etags: frozenset[str] | None = None,
    ) -> StoredObject | ObjectInfo | None:
        self.calls.append("get")
        return await super().get(key, byte_range, unless_etags=unless_etags)

    async def sha256(self, key: str) -> str | None:
        self.calls.append("sha256")
        return await super().sha256(key)


def checked(
    world: World, announced: bytes, sent: bytes, *, trusts_digest: bool
) -> tuple[PackageReport, list[str]]:
    """The report on `sent` where `announced` was announced, on a storage that tells its digest; and
    what was read."""
    uploads = Remembering(world.clock)
    uploads.calls, uploads.told = [], sha256(announced)

    async def scenario() -> PackageReport:
        caller = await world.developer()
        await world.app(caller)
        _, created, _ = await world.create(caller, announced)
        info = await uploads.put(
            created.object_key, sent, length=len(sent), content_type=created.content_type
        )
        upload: Upload = replace(created, etag=info.etag)
        expected = Expected(APP, NAME, "1.0", 1)
        return await check_package(uploads, upload, expected, trusts_digest=trusts_digest)

    return run(scenario()), uploads.calls


def test_it_is_hashed_before_anything_else_of_it_is_read(world: World) -> None:
    report, calls = checked(world, a_package(), a_package(), trusts_digest=False)
    assert report.problems == ()
    assert calls[:2] == ["head", "sha256"]
    assert set(calls[2:]) == {"get"}


def test_a_digest_that_the_storage_tells_is_not_believed(world: World) -> None:
    """Whoever may send the object may send metadata with it."""
    announced = a_package()
    sent = a_package(a_manifest(version_code=7), {"data/other.bin": b"\x00\x01" * 500})
    report, calls = checked(world, announced, sent[: len(announced)], trusts_digest=False)
    assert "sha256-mismatch" in {problem.slug for problem in report.problems}
    assert calls == ["head", "sha256"]


def test_what_the_storage_has_verified_is_not_hashed_again(world: World) -> None:
    report, calls = checked(world, a_package(), a_package(), trusts_digest=True)
    assert report.problems == ()
    assert "sha256" not in calls
