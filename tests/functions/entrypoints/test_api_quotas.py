"""What a developer is told who has used up a quota."""

import pytest

from functions.core.platform import Limits, Quotas
from tests.functions.entrypoints.packages import a_package, announced
from tests.functions.entrypoints.world import World, assert_problem

pytestmark = pytest.mark.anyio

VERSIONS = "/v1/apps/org.example.app/versions"
PACKAGE = a_package()


async def test_one_upload_too_many_is_answered_with_the_time_to_wait(world: World) -> None:
    world.change(limits=Limits(quotas=Quotas(open_uploads=1)))
    key = await world.developer()
    await world.made(VERSIONS, announced(PACKAGE, 1), key)
    before = await world.dump()
    refused = await world.call("POST", VERSIONS, announced(PACKAGE, 2), key=key)
    problem = assert_problem(refused, 429, "quota-exceeded")
    assert refused.headers["retry-after"] == str(problem["retry_after_seconds"]) == "4500"
    assert problem["limit"] == 1
    assert await world.dump() == before


async def test_a_package_beyond_the_stored_bytes_is_too_large_and_waiting_would_not_help(
    world: World,
) -> None:
    world.change(limits=Limits(quotas=Quotas(stored_bytes=len(PACKAGE))))
    key = await world.developer()
    await world.made(VERSIONS, announced(PACKAGE, 1), key)
    before = await world.dump()
    refused = await world.call("POST", VERSIONS, announced(PACKAGE, 2), key=key)
    problem = assert_problem(refused, 413, "storage-quota-exceeded")
    assert "retry-after" not in refused.headers
    assert (problem["limit"], problem["used"]) == (len(PACKAGE), len(PACKAGE))
    assert await world.dump() == before
