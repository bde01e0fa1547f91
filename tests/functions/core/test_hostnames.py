import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.hostnames import complaint


@pytest.mark.parametrize(
    "name",
    [
        "apt.example.com",
        "a.b",
        "xn--bcher-kva.example",
        "a-b.c-d.example",
        "1.example",
        "stowage.test.example",
        "notstowage.test",
        "a" * 63 + ".example",
    ],
)
def test_a_name_of_the_tenants_own_is_accepted(name: str) -> None:
    assert complaint(name, "stowage.test", ["cdn.example.net"]) is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (None, "must be a hostname"),
        ("", "must be a hostname"),
        ("localhost", "two labels"),
        ("Apt.example.com", "lower case"),
        ("apt.example.com.", "final dot"),
        ("*.example.com", "wildcard"),
        ("bücher.example", "A-labels"),
        ("a..b", "labels"),
        (".a.b", "labels"),
        ("-a.example", "labels"),
        ("a-.example", "labels"),
        ("a_b.example", "labels"),
        ("a b.example", "labels"),
        ("a.example:80", "labels"),
        ("a.example/x", "labels"),
        ("a" * 64 + ".example", "labels"),
        (".".join(["a" * 63] * 4), "labels"),
        ("127.0.0.1", "IP address"),
        ("1.2.3", "IP address"),
        ("0x7f.0x1", "IP address"),
        ("[::1]", "labels"),
        ("ab--c.example", "third place"),
        ("stowage.test", "platform"),
        ("a.b.stowage.test", "platform"),
        ("cdn.example.net", "platform"),
        ("x.cdn.example.net", "platform"),
    ],
)
def test_every_other_name_is_refused_with_its_reason(name: object, reason: str) -> None:
    found = complaint(name, "Stowage.Test", ["cdn.example.net"])
    assert found is not None
    assert reason in found


@given(st.text(max_size=60))
def test_an_accepted_name_is_plain(name: str) -> None:
    if complaint(name, "stowage.test") is None:
        assert name == name.lower().strip(".")
        assert name.isascii()
        assert not set(name) & set("/\\:*_ \x00")
