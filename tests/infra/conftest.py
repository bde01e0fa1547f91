"""What the tests of the program share."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.infra.engine import Engine


@pytest.fixture
def engine() -> Iterator[Engine]:
    """An engine to run one program with."""
    # Pulumi's mocks look for a loop on this thread, and asyncio.run elsewhere takes the last one
    # away.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield Engine()
    loop.close()
    asyncio.set_event_loop(None)
