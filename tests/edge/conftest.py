"""One workerd for all tests of a process: it starts for seconds."""

from collections.abc import Iterator

import pytest

from tests.edge.workerd import WorkerdEdge


@pytest.fixture(scope="session")
def workerd_edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerdEdge]:
    edge = WorkerdEdge(tmp_path_factory.mktemp("edge"))
    yield edge
    edge.close()
