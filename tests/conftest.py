"""What holds for every test: no socket but to loopback, whatever the test imports; and which files
`make test` keeps in one process."""

import pytest
from pytest_socket import socket_allow_hosts
from xdist.scheduler import LoadFileScheduling

FAULTY = {f"tests/e2e/test_{subject}.py" for subject in ("app_images", "caches", "faults", "usage")}
"""The files that share `faulty_stack`, which takes long to deploy."""


def _fixtures(item: pytest.Item) -> list[str]:
    return getattr(item, "fixturenames", [])


class Scheduling(LoadFileScheduling):
    """File by file, and those that share a stack one after the other in one process."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "faulty_stack" if file in FAULTY else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Scheduling | None:
    # xdist_group marks would say it nearer to the tests; xdist 3.8 loses them under pytest 9.2.
    return Scheduling(config, log) if config.option.dist == "loadfile" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take minutes begin first, so that no process is left alone with one."""
    asking = {item.nodeid.partition("::")[0] for item in items if "faulty_stack" in _fixtures(item)}
    if not asking <= FAULTY:
        raise pytest.UsageError(f"FAULTY lacks files that share the stack: {asking - FAULTY}")
    items.sort(key=lambda item: "tests/e2e" not in item.path.as_posix())


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)
