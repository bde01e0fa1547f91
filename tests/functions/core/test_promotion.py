from functions.core.package_check import PackageReport
from functions.core.promotion import promote
from tests.contracts.object_store import run
from tests.functions.core.world import World


def test_what_has_another_etag_than_the_validated_is_not_promoted(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, upload = await world.validating(caller)
        report = PackageReport((), b"{}", "the etag of other bytes")
        problem = await promote(world.uploads, world.packages, version, upload, report)
        assert problem is not None
        assert problem.slug == "upload-changed"
        assert (await world.packages.list_objects("")).objects == ()

    run(scenario())


def test_promoting_twice_is_a_success(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, upload = await world.validating(caller)
        info = await world.uploads.head(upload.object_key)
        assert info is not None
        report = PackageReport((), b"{}", info.etag)
        for _ in range(2):
            assert (await promote(world.uploads, world.packages, version, upload, report)) is None
        other = PackageReport((), b"{ }", info.etag)
        problem = await promote(world.uploads, world.packages, version, upload, other)
        assert problem is not None
        assert problem.slug == "promotion-conflict"

    run(scenario())
