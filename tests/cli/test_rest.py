"""By which way the REST API is reached."""

import socket
import threading

import pytest

from cli.failures import Failure
from cli.rest import AccountApi


def asked_by(base_url: str, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """What a person's proxy is asked when the API at the URL is; empty when it is passed by."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(10)

        def serve() -> None:
            try:
                caller, _ = proxy.accept()
            except OSError:
                return
            with caller:
                heard.append(caller.recv(4096))
                caller.sendall(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
            monkeypatch.setenv(name, address)
        for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(Failure):
            AccountApi(base_url, "token", "a" * 32, "b" * 32).items("/accounts/{account}/queues")
        if not heard:
            # Ends the wait of a proxy that nobody asked.
            socket.create_connection(proxy.getsockname()).close()
        thread.join()
    return b"".join(heard)


def test_cloudflare_is_reached_through_the_persons_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asked_by("https://api.cloudflare.test/client/v4", monkeypatch)
    assert asked.startswith(b"CONNECT api.cloudflare.test:443 ")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_local_cloud_is_reached_without_a_proxy(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    # Nothing listens on port 1.
    assert asked_by(f"http://{host}:1/client/v4", monkeypatch) == b""
