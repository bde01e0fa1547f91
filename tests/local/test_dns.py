"""The local cloud's DNS: its records, its server, its resolvers over HTTPS."""

import base64
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from dnslib import QTYPE, RCODE, DNSRecord

from local.dns.messages import answered
from local.dns.records import Answer, DnsRecords, Record, RecordError
from local.home import CloudError
from tests.local.test_daemon_faces import Daemon, start

NAME = "apt.releases.example.com"
CHALLENGE = f"_stowage-challenge.{NAME}"
MESSAGE = "application/dns-message"


@pytest.fixture
def records(tmp_path: Path) -> DnsRecords:
    return DnsRecords(tmp_path / "dns.json")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, types_file: Path) -> Iterator[Daemon]:
    yield from start(tmp_path_factory.mktemp("dns"), types_file)


@pytest.fixture(autouse=True)
def _nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "daemon" in request.fixturenames:
        daemon: Daemon = request.getfixturevalue("daemon")
        daemon.client.delete("/_dns/faults", headers=daemon.control)
        for name in (NAME, CHALLENGE):
            daemon.client.delete("/_dns/records", params={"name": name}, headers=daemon.control)


def put(daemon: Daemon, name: str, kind: str, *values: str) -> httpx.Response:
    body = {"name": name, "type": kind, "values": values}
    return daemon.client.put("/_dns/records", json=body, headers=daemon.control)


def plan(daemon: Daemon, name: str, kind: str, resolver: int | None) -> None:
    body = {"name": name, "kind": kind, "resolver": resolver}
    assert daemon.client.put("/_dns/faults", json=body, headers=daemon.control).status_code == 200


def wire(daemon: Daemon, name: str, kind: str, resolver: int = 1, **options: Any) -> DNSRecord:
    question = base64.urlsafe_b64encode(bytes(DNSRecord.question(name, kind).pack()))
    answer = daemon.client.get(
        f"/dns/{resolver}/dns-query", params={"dns": question.rstrip(b"=").decode()}, **options
    )
    assert answer.headers["content-type"] == MESSAGE
    return DNSRecord.parse(answer.content)


def test_records_replace_those_of_the_same_name_and_type_and_survive_a_restart(
    records: DnsRecords, tmp_path: Path
) -> None:
    records.put(NAME, "TXT", ["one"])
    records.put(f"{NAME.upper()}.", "txt", ["two", "three"])
    kept = DnsRecords(tmp_path / "dns.json")
    assert [one.value for one in kept.all()] == ["three", "two"]
    kept.delete(NAME, "A")
    kept.delete(NAME)
    kept.delete(NAME)
    assert DnsRecords(tmp_path / "dns.json").all() == []


@pytest.mark.parametrize(
    ("name", "kind", "values"),
    [
        ("not a name", "TXT", ["x"]),
        (NAME, "SRV", ["x"]),
        (NAME, "CNAME", ["one.example", "two.example"]),
        (NAME, "CNAME", ["not a name"]),
        ("taken.example", "CNAME", ["one.example"]),
    ],
)
def test_what_the_dns_does_not_allow_is_refused_and_leaves_nothing(
    records: DnsRecords, name: str, kind: str, values: list[str]
) -> None:
    records.put("taken.example", "TXT", ["x"])
    with pytest.raises(RecordError):
        records.put(name, kind, values)
    assert records.all() == [Record("taken.example", "TXT", "x")]


def test_an_answer_holds_the_cnames_that_lead_to_it(records: DnsRecords) -> None:
    records.put("a.example", "CNAME", ["b.example"])
    records.put("b.example", "TXT", ["x"])
    assert [one.name for one in records.resolve("a.example", "TXT").records] == [
        "a.example",
        "b.example",
    ]
    assert [one.value for one in records.resolve("a.example", "CNAME").records] == ["b.example"]


def test_a_name_above_another_exists_and_a_circle_is_a_failure(records: DnsRecords) -> None:
    records.put("_x.deep.example", "TXT", ["x"])
    assert records.resolve("deep.example", "TXT") == Answer("found")
    assert records.resolve("other.example", "TXT") == Answer("nxdomain")
    records.put("one.example", "CNAME", ["two.example"])
    records.put("two.example", "CNAME", ["one.example"])
    assert records.resolve("one.example", "A") == Answer("servfail")


def test_a_stale_resolver_goes_on_saying_what_was_true(records: DnsRecords, tmp_path: Path) -> None:
    records.put(NAME, "TXT", ["old"])
    records.plan(NAME, "stale", 2)
    records.put(NAME, "TXT", ["new"])
    kept = DnsRecords(tmp_path / "dns.json")
    said = [kept.resolve(NAME, "TXT", one).records[0].value for one in (1, 2, None)]
    assert said == ["new", "old", "new"]
    kept.clear_faults(NAME)
    assert kept.resolve(NAME, "TXT", 2).records[0].value == "new"


def test_a_fault_that_there_is_not_is_refused(records: DnsRecords) -> None:
    with pytest.raises(RecordError):
        records.plan(NAME, "slow")
    with pytest.raises(RecordError):
        records.plan(NAME, "nxdomain", 3)
    assert not records.faults()


def test_a_damaged_file_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "dns.json").write_text("{}")
    with pytest.raises(CloudError, match="Restore or delete it"):
        DnsRecords(tmp_path / "dns.json")


def test_what_is_no_question_gets_no_answer(records: DnsRecords) -> None:
    assert answered(records, b"\0" * 12) is None
    assert answered(records, b"nonsense") is None


@pytest.mark.parametrize("tcp", [False, True])
def test_the_server_answers_over_udp_and_tcp(daemon: Daemon, tcp: bool) -> None:
    put(daemon, CHALLENGE, "TXT", 'quoted "text" \\', "x" * 600)
    question = DNSRecord.question(CHALLENGE, "TXT")
    packet = question.send("127.0.0.1", daemon.home.ports()["dns"], tcp=tcp, timeout=10)
    answer = DNSRecord.parse(packet)
    # What does not fit is asked for again, over TCP.
    assert (answer.header.tc, len(answer.rr)) == ((0, 2) if tcp else (1, 0))
    other = DNSRecord.question("nowhere.example").send(
        "127.0.0.1", daemon.home.ports()["dns"], tcp=tcp, timeout=10
    )
    assert DNSRecord.parse(other).header.rcode == RCODE.NXDOMAIN


def test_a_planned_time_out_gets_no_answer_from_the_server(daemon: Daemon) -> None:
    plan(daemon, NAME, "timeout", None)
    with pytest.raises(socket.timeout):
        DNSRecord.question(NAME).send("127.0.0.1", daemon.home.ports()["dns"], timeout=0.2)


def test_anybody_may_ask_the_resolvers_in_the_wire_format(daemon: Daemon) -> None:
    put(daemon, NAME, "CNAME", "fallback.stowage.test")
    (record,) = wire(daemon, NAME, "CNAME").rr
    assert (QTYPE[record.rtype], str(record.rdata)) == ("CNAME", "fallback.stowage.test.")
    question = bytes(DNSRecord.question(NAME, "CNAME").pack())
    posted = daemon.client.post(
        "/dns/2/dns-query", content=question, headers={"content-type": MESSAGE}
    )
    assert len(DNSRecord.parse(posted.content).rr) == 1


def test_the_json_form_is_that_of_the_public_resolvers(daemon: Daemon) -> None:
    put(daemon, NAME, "TXT", "a text")
    query = {"name": NAME, "type": "TXT"}
    headers = {"accept": "application/dns-json"}
    answer = daemon.client.get("/dns/1/dns-query", params=query, headers=headers)
    assert answer.headers["content-type"] == "application/dns-json"
    assert answer.json()["Status"] == 0
    assert answer.json()["Answer"] == [{"name": NAME, "type": 16, "TTL": 60, "data": '"a text"'}]
    missing = daemon.client.get("/dns/1/dns-query", params={"name": "nowhere.example", "type": "5"})
    assert missing.json()["Status"] == 3
    assert "Answer" not in missing.json()


def test_resolvers_can_disagree_fail_and_be_silent(daemon: Daemon) -> None:
    plan(daemon, CHALLENGE, "stale", 2)
    put(daemon, CHALLENGE, "TXT", "new")
    assert [len(wire(daemon, CHALLENGE, "TXT", one).rr) for one in (1, 2)] == [1, 0]
    plan(daemon, CHALLENGE, "servfail", 1)
    assert wire(daemon, CHALLENGE, "TXT", 1).header.rcode == RCODE.SERVFAIL
    plan(daemon, CHALLENGE, "timeout", 1)
    with pytest.raises(httpx.ReadTimeout):
        wire(daemon, CHALLENGE, "TXT", 1, timeout=0.2)


def test_nonsense_is_refused_by_the_resolvers_and_the_control_routes(daemon: Daemon) -> None:
    for path, status in [
        ("/dns/3/dns-query?name=a.example", 404),
        ("/dns/1/dns-query", 400),
        ("/dns/1/dns-query?dns=AA", 400),
        ("/dns/1/dns-query?name=a.example&type=NONE", 400),
    ]:
        assert daemon.client.get(path).status_code == status
    assert daemon.client.post("/dns/1/dns-query", content=b"x").status_code == 415
    assert put(daemon, NAME, "A", "not an address").status_code == 400
    assert put(daemon, NAME, "CAA", "nonsense").status_code == 400
    assert daemon.client.put("/_dns/records", json={}).status_code == 403
    found = daemon.client.get("/_dns/records", headers=daemon.control).json()
    assert found == {"records": [], "faults": []}
