"""DNS messages in wire format (RFC 1035), and as the JSON that public resolvers give."""

import contextlib
from typing import Any

from dnslib import QTYPE, RCODE, RR, DNSError, DNSRecord

from local.dns.records import Answer, DnsRecords, Record, RecordError

UDP_BYTES = 512
"""RFC 1035, 2.3.4; what is longer is asked for again over TCP."""
_TEXT_BYTES = 255
_CODES = {"found": "NOERROR", "nxdomain": "NXDOMAIN", "servfail": "SERVFAIL"}

Json = dict[str, Any]


def answered(records: DnsRecords, packet: bytes, resolver: int | None = None) -> bytes | None:
    """The answer to a question; None where there is none (a planned time-out, or no question)."""
    try:
        asked = DNSRecord.parse(packet)
        (question,) = asked.questions
        kind = QTYPE[question.qtype]
    except (DNSError, IndexError, ValueError):
        return None
    answer = records.resolve(str(question.qname), kind, resolver)
    if answer.outcome == "timeout":
        return None
    reply = asked.reply(ra=int(resolver is not None), aa=int(resolver is None))
    reply.header.rcode = getattr(RCODE, _CODES[answer.outcome])
    for one in answer.records:
        reply.add_answer(*resource_records(one))
    return bytes(reply.pack())


def truncated(packet: bytes) -> bytes:
    """The answer as UDP carries it."""
    return packet if len(packet) <= UDP_BYTES else bytes(DNSRecord.parse(packet).truncate().pack())


def resource_records(record: Record) -> list[RR]:
    """Raises:
    RecordError: the value is none of this type.
    """
    value = quoted(record.value) if record.type == "TXT" else record.value
    if record.type == "CNAME":
        value += "."
    try:
        return RR.fromZone(f"{record.name}. {record.ttl} IN {record.type} {value}")
    except (DNSError, ValueError, IndexError, TypeError, AttributeError) as error:
        # The parser of zone files trips over what is none in all these ways.
        raise RecordError(f"{record.value!r} is no {record.type} record: {error}") from error


def quoted(text: str) -> str:
    """A text in the strings of at most 255 bytes that a TXT record is made of."""
    data = text.encode()
    parts = [data[at : at + _TEXT_BYTES] for at in range(0, len(data), _TEXT_BYTES)] or [b""]
    escaped = (part.replace(b"\\", b"\\\\").replace(b'"', b'\\"') for part in parts)
    return " ".join(f'"{part.decode("utf-8", "replace")}"' for part in escaped)


def as_json(name: str, kind: str, answer: Answer) -> Json:
    """The document of `application/dns-json`
    (developers.cloudflare.com/1.1.1.1/encryption/dns-over-https/make-api-requests/dns-json)."""
    document: Json = {
        "Status": getattr(RCODE, _CODES[answer.outcome]),
        "TC": False,
        "RD": True,
        "RA": True,
        "AD": False,
        "CD": False,
        "Question": [{"name": name, "type": getattr(QTYPE, kind)}],
    }
    if answer.records:
        document["Answer"] = [
            {
                "name": one.name,
                "type": getattr(QTYPE, one.type),
                "TTL": one.ttl,
                "data": _data(one),
            }
            for one in answer.records
        ]
    return document


def type_name(said: str) -> str | None:
    """`TXT` of `txt` or `16`; None for what is no type."""
    if said.isdecimal():
        with contextlib.suppress(DNSError):
            return QTYPE[int(said)]
        return None
    with contextlib.suppress(DNSError, AttributeError):
        return QTYPE[getattr(QTYPE, said.upper())]
    return None


def _data(record: Record) -> str:
    if record.type == "TXT":
        return quoted(record.value)
    return f"{record.value}." if record.type == "CNAME" else record.value
