"""What the tests of the program share."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import program
from tests.infra.engine import Engine
from tests.infra.project import a_small_project


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


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project, which is the one that is deployed."""
    made = a_small_project(tmp_path)
    monkeypatch.setattr(program, "PROJECT", made)
    return made
