from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.functions.core.notice_world import NoticeWorld
from tests.functions.core.world import World

# No deadlines: how long an example takes depends on what else the machine does. No example
# database: a checkout is not written to by its tests.
settings.register_profile(
    "stowage", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("stowage")


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


@pytest.fixture
def site() -> Iterator[NoticeWorld]:
    site = NoticeWorld()
    yield site
    site.world.close()
