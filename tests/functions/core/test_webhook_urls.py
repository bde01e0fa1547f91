"""Where notices may be sent, and where never."""

import pytest

from functions.core.webhook_urls import MAX_CHARACTERS, WebhookRules, complaint

RULES = WebhookRules("stowage.test", ("api.platform.example", "cdn.platform.example"))
LOCAL = WebhookRules("stowage.test", (), loopback=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com",
        "https://hooks.example.com/a/b?c=d&e=%20",
        "https://HOOKS.example.com:8443/",
        "https://xn--bcher-kva.example/x",
        "HTTPS://hooks.example.com/x",
    ],
)
def test_an_https_url_of_a_public_host_is_fine(url: str) -> None:
    assert complaint(url, RULES) is None
    assert complaint(url, LOCAL) is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (None, "must be a URL"),
        ("", "must be a URL"),
        ("http://hooks.example.com/", "https://"),
        ("ftp://hooks.example.com/", "https://"),
        ("hooks.example.com", "https://"),
        ("https:hooks.example.com", "hostname"),
        ("https:///path", "hostname"),
        ("https://me:pass@hooks.example.com/", "no user name"),
        ("https://me@hooks.example.com/", "no user name"),
        ("https://hooks.example.com@10.0.0.1/", "no user name"),
        ("https://hooks.example.com/#part", "'#'"),
        ("https://hooks.example.com/a b", "spaces"),
        ("https://hooks.example.com/\n", "spaces"),
        ("https://hooks.example.com\\@10.0.0.1/", "percent-encoded"),
        ("https://bücher.example/", "ASCII"),
        ("https://hooks.example.com:0/", "port"),
        ("https://hooks.example.com:65536/", "port"),
        ("https://hooks.example.com:x/", "port"),
        ("https://[::1/", "can be read"),
        ("https://10.0.0.1/", "IP address"),
        ("https://192.168.1.1:8443/", "IP address"),
        ("https://169.254.169.254/latest", "IP address"),
        ("https://127.0.0.1/", "IP address"),
        ("https://0x7f000001/", "two labels"),
        ("https://0x7f.0x0.0x0.0x1/", "IP address"),
        ("https://2130706433/", "two labels"),
        ("https://127.1/", "IP address"),
        ("https://93.184.216.34/", "IP address"),
        ("https://[::1]/", "IP address"),
        ("https://[fd00::1]/", "IP address"),
        ("https://[::ffff:10.0.0.1]/", "IP address"),
        ("https://localhost/", "two labels"),
        ("https://a.localhost/", "public network"),
        ("https://printer.local/", "public network"),
        ("https://db.internal/", "public network"),
        ("https://hooks/", "two labels"),
        ("https://hooks.example.com./", "final dot"),
        ("https://*.example.com/", "wildcard"),
        ("https://stowage.test/", "platform"),
        ("https://anything.Stowage.TEST/", "platform"),
        ("https://api.platform.example/v1", "platform"),
        ("https://hooks.example.com/" + "a" * MAX_CHARACTERS, "characters"),
    ],
)
def test_every_other_url_is_refused_with_the_reason(url: object, said: str) -> None:
    assert said in (complaint(url, RULES) or "")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/hook", "http://[::1]:8080/", "http://localhost:8080/a"]
)
def test_only_the_local_cloud_calls_its_own_machine(url: str) -> None:
    assert complaint(url, LOCAL) is None
    assert complaint(url, RULES) is not None


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/",
        "http://hooks.example.com/",
        "ftp://127.0.0.1/",
        "http://me@127.0.0.1/",
        "http://127.0.0.1:0/",
        "http://127.0.0.2/",
    ],
)
def test_the_local_cloud_calls_nothing_else_without_tls(url: str) -> None:
    assert complaint(url, LOCAL) is not None
