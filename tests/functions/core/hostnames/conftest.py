from collections.abc import Iterator

import pytest

from tests.functions.core.hostnames.world import HostnameWorld


@pytest.fixture
def world() -> Iterator[HostnameWorld]:
    world = HostnameWorld()
    yield world
    world.close()
