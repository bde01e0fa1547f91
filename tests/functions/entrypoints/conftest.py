from collections.abc import Iterator

import pytest

from tests.functions.entrypoints.edge import Edge
from tests.functions.entrypoints.world import World


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.records.close()


@pytest.fixture
def edge(world: World) -> Edge:
    return Edge(world)
