"""Stacks that the end-to-end tests share; each is deployed once, when the first test asks for
it."""

import fcntl
import os
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.client import Cloud
from tests.e2e.stack import Stack


@contextmanager
def a_stack(*options: str, faults: bool = False, data_centres: int = 1) -> Generator[Stack]:
    # Not pytest's tmp_path: the cloud's folder goes with its daemon, and short paths keep sockets
    # legal.
    with tempfile.TemporaryDirectory(prefix="stowage-e2e-") as folder:
        stack = Stack(Path(folder) / "cloud")
        if faults:
            Cloud(stack.home, faults=True, data_centres=data_centres).start()
        with deployed(stack, *options):
            yield stack


@contextmanager
def deployed(stack: Stack, *options: str) -> Generator[Stack]:
    """The stack while it is up, and its processes ended afterwards."""
    try:
        # One at a time: clouds that start together could choose the same ports, and boot slowly.
        with (Path(tempfile.gettempdir()) / "stowage-e2e.lock").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            stack.run("up", *options)
        yield stack
    finally:
        logs = os.environ.get("STOWAGE_TEST_LOGS")
        if logs:
            name = stack.home.parent.name
            (Path(logs) / f"{name}.log").write_text(stack.run("logs").stdout)
        stack.down()


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The dev stack as it is committed: multi-tenant."""
    with a_stack() as up:
        yield up


@pytest.fixture(scope="session")
def single_tenant_stack() -> Iterator[Stack]:
    with a_stack("-c", "multiTenant=false") as up:
        yield up


@pytest.fixture(scope="session")
def minio_stack() -> Iterator[Stack]:
    """With its objects on an S3-compatible server that none of us wrote."""
    with a_stack("-c", "storage=minio") as up:
        yield up


@pytest.fixture(scope="session")
def b2_stack() -> Iterator[Stack]:
    """With its objects on what plays Backblaze."""
    with a_stack("-c", "storage=b2") as up:
        yield up


@pytest.fixture(scope="session")
def faulty_stack() -> Iterator[Stack]:
    """In two data centres, with the fault face, which also counts calls."""
    with a_stack(faults=True, data_centres=2) as up:
        yield up


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/e2e" in item.path.as_posix():
            item.add_marker(pytest.mark.cloud)
