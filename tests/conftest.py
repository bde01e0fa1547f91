"""What holds for every test: no socket but to loopback, whatever the test imports."""

import pytest
from pytest_socket import socket_allow_hosts


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)
