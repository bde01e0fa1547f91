"""The public DNS by DNS over HTTPS: what is sent, and what is made of the answers of resolvers that
somebody else wrote (dnslib)."""

import base64
from collections.abc import AsyncIterator, Mapping
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.adapters.cloudflare.dns_messages import UnusableMessageError, question, records
from functions.adapters.cloudflare.doh import DohResolver
from functions.ports.fetch import FetchError, FetchRequest
from functions.ports.name_resolver import DnsAnswer, RecordType
from tests.contracts.object_store import run

DNS: Any = import_module("dnslib")
"""Untyped."""
NAME = "_stowage-challenge.apt.example.com"
ONE, TWO = "https://one.example/dns-query", "https://two.example/dns-query"


class Response:
    def __init__(self, data: bytes, status: int = 200) -> None:
        self.status = status
        self.headers: Mapping[str, str] = {}
        self.body = Bytes(data)
        self.closed = False

    async def close(self) -> None:
        self.closed = True


class Bytes:
    def __init__(self, data: bytes) -> None:
        self._data = data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._data[:7]
        yield self._data[7:]

    async def discard(self) -> None:
        pass


class Resolvers:
    """Each URL answers with these records, bytes, a status, or not at all."""

    def __init__(self, answers: Mapping[str, list[Any] | bytes | int | None]) -> None:
        self.answers = answers
        self.requests: list[FetchRequest] = []
        self.responses: list[Response] = []

    async def __call__(self, request: FetchRequest) -> Response:
        self.requests.append(request)
        url, _, encoded = request.url.partition("?dns=")
        answer = self.answers[url]
        if answer is None:
            raise FetchError("away")
        if isinstance(answer, int):
            response = Response(b"", answer)
        elif isinstance(answer, bytes):
            response = Response(answer)
        else:
            padded = encoded + "=" * (-len(encoded) % 4)
            asked = DNS.DNSRecord.parse(base64.urlsafe_b64decode(padded))
            reply = asked.reply()
            for record in answer:
                reply.add_answer(record)
            response = Response(bytes(reply.pack()))
        self.responses.append(response)
        return response


def txt(*strings: str, name: str = NAME) -> Any:
    return DNS.RR(name, DNS.QTYPE.TXT, rdata=DNS.TXT([text.encode() for text in strings]), ttl=60)


def look(resolvers: Resolvers, kind: str = "TXT", name: str = NAME) -> DnsAnswer:
    urls = tuple(resolvers.answers)
    return run(DohResolver(resolvers, urls).look(name, kind))  # pyright: ignore


def test_a_question_is_a_dns_message_in_the_url() -> None:
    resolvers = Resolvers({ONE: []})
    look(resolvers)
    (request,) = resolvers.requests
    assert (request.method, request.headers["accept"]) == ("GET", "application/dns-message")
    assert urlsplit(request.url).query.startswith("dns=AAABAAAB")
    asked = DNS.DNSRecord.parse(question(NAME, "TXT"))
    assert (str(asked.q.qname), DNS.QTYPE[asked.q.qtype], asked.header.rd) == (f"{NAME}.", "TXT", 1)
    assert all(response.closed for response in resolvers.responses)


def test_resolvers_that_agree_are_believed() -> None:
    first, second = txt("stowage-challenge=a"), txt("v=spf1 ", "-all")
    found = look(Resolvers({ONE: [first, second], TWO: [second, first]}))
    assert found == DnsAnswer("records", ("stowage-challenge=a", "v=spf1 -all"))


def test_nothing_is_none() -> None:
    assert look(Resolvers({ONE: [], TWO: []})) == DnsAnswer("none")
    missing = DNS.DNSRecord.question(NAME, "TXT").reply()
    missing.header.rcode = 3
    assert look(Resolvers({ONE: bytes(missing.pack())})) == DnsAnswer("none")


def test_resolvers_that_do_not_agree_are_told() -> None:
    assert look(Resolvers({ONE: [txt("a")], TWO: []})) == DnsAnswer("disagree", ("a",))
    found = look(Resolvers({ONE: [txt("a")], TWO: [txt("b")]}))
    assert found == DnsAnswer("disagree", ("a", "b"))


@pytest.mark.parametrize("answer", [None, 500, 302, b"", b"no message", b"\0" * 70_000])
def test_one_that_gives_no_usable_answer_spoils_it(answer: bytes | int | None) -> None:
    assert look(Resolvers({ONE: [txt("a")], TWO: answer})) == DnsAnswer("unavailable")


@pytest.mark.parametrize(("member", "value"), [("rcode", 2), ("tc", 1), ("qr", 0)])
def test_failures_and_cutanswers_are_none_that_count(member: str, value: int) -> None:
    reply = DNS.DNSRecord.question(NAME, "TXT").reply()
    setattr(reply.header, member, value)
    assert look(Resolvers({ONE: bytes(reply.pack())})) == DnsAnswer("unavailable")


def test_an_answer_about_another_name_is_none_that_counts() -> None:
    reply = DNS.DNSRecord.question("other.example", "TXT").reply()
    assert look(Resolvers({ONE: bytes(reply.pack())})) == DnsAnswer("unavailable")


def test_what_stands_at_the_end_of_a_cname_does_not_count() -> None:
    alias = DNS.RR(NAME, DNS.QTYPE.CNAME, rdata=DNS.CNAME("elsewhere.example"))
    there = txt("stowage-challenge=a", name="elsewhere.example")
    assert look(Resolvers({ONE: [alias, there]})) == DnsAnswer("none")
    assert look(Resolvers({ONE: [alias, there]}), "CNAME") == DnsAnswer(
        "records", ("elsewhere.example",)
    )


def test_addresses_and_names_are_plain_text() -> None:
    four = DNS.RR("a.example", DNS.QTYPE.A, rdata=DNS.A("192.0.2.1"))
    six = DNS.RR("a.example", DNS.QTYPE.AAAA, rdata=DNS.AAAA("2001:db8::1"))
    upper = DNS.RR("A.Example", DNS.QTYPE.CNAME, rdata=DNS.CNAME("Target.Example"))
    resolvers = Resolvers({ONE: [four, six, upper]})
    expected: dict[RecordType, str] = {
        "A": "192.0.2.1",
        "AAAA": "2001:db8::1",
        "CNAME": "target.example",
    }
    for kind, value in expected.items():
        assert look(resolvers, kind, "a.example") == DnsAnswer("records", (value,))


@given(st.binary(max_size=80))
def test_any_bytes_are_an_answer_or_a_named_mistake(tail: bytes) -> None:
    reply = DNS.DNSRecord.question(NAME, "TXT").reply()
    reply.add_answer(txt("a"))
    for message in (tail, bytes(reply.pack())[: len(tail)] + tail, bytes(reply.pack()) + tail):
        try:
            found = records(message, NAME, "TXT")
        except UnusableMessageError:
            continue
        assert isinstance(found, tuple)


def test_a_name_that_points_at_itself_ends() -> None:
    message = bytearray(DNS.DNSRecord.question("a.example", "TXT").reply().pack())
    message[12:14] = b"\xc0\x0c"
    with pytest.raises(UnusableMessageError):
        records(bytes(message), "a.example", "TXT")
