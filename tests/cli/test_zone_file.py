"""`stowage hostnames show --zone`: what it prints is a zone file, whatever stands in the answer."""

import re
from typing import Any

import pytest

from cli.zone_file import absolute, comment, record_line, strings, zone_lines

CHALLENGE: dict[str, Any] = {
    "type": "TXT",
    "name": "_stowage-challenge.apt.example.com",
    "value": "stowage-challenge=a-b_c",
    "purpose": "ownership",
    "required": True,
    "state": "missing",
}
ROUTING = CHALLENGE | {
    "type": "CNAME",
    "name": "apt.example.com",
    "value": "fallback.stowage.test",
    "purpose": "routing",
    "required": False,
}
HOSTNAME: dict[str, Any] = {
    "name": "apt.example.com",
    "state": "requested",
    "explanation": "Set the records.",
    "warnings": [],
    "records": [CHALLENGE, ROUTING],
}


def test_each_record_stands_in_full_with_a_short_life() -> None:
    assert zone_lines(HOSTNAME) == [
        "; apt.example.com: requested. Set the records.",
        "; ownership (missing)",
        '_stowage-challenge.apt.example.com. 300 IN TXT "stowage-challenge=a-b_c"',
        "; routing (missing, optional)",
        "apt.example.com. 300 IN CNAME fallback.stowage.test.",
    ]


@pytest.mark.parametrize(
    "text", ["plain", 'with "quotes" and \\ and ; and $', "\\123", "x" * 600, "é" * 200]
)
def test_a_text_comes_out_of_a_zone_file_as_it_went_in(text: str) -> None:
    changed: dict[str, Any] = {"value": text}
    line = record_line(CHALLENGE | changed)
    assert line.isascii()
    parts = [read_back(part) for part in re.findall(r'"((?:[^"\\]|\\.)*)"', line)]
    assert b"".join(parts) == text.encode()
    assert all(len(part) <= 255 for part in parts)


def read_back(part: str) -> bytes:
    """What a quoted string means (RFC 1035 5.1)."""
    return re.sub(
        rb"\\([0-9]{3})|\\(.)",
        lambda match: bytes([int(match[1])]) if match[1] else match[2],
        part.encode("ascii"),
    )


def test_what_is_not_ascii_is_written_in_decimal() -> None:
    assert strings("é\n\x00") == '"\\195\\169\\010\\000"'
    assert strings("") == '""'


def test_a_name_ends_with_one_dot_and_ends_no_line() -> None:
    assert absolute("apt.example.com.") == absolute("apt.example.com") == "apt.example.com."
    assert absolute("a b\n;c") == "a\\032b\\010\\059c."
    assert "\n" not in strings("a\nb")


def test_what_others_wrote_begins_no_line() -> None:
    evil = "Sorry.\nevil.example.com. 300 IN A 10.0.0.1\r\n\x0bx"
    changed: dict[str, Any] = {"explanation": evil, "warnings": [evil]}
    lines = zone_lines(HOSTNAME | changed)
    assert not any(line.startswith("evil") for text in lines for line in text.splitlines())
    assert len(comment(evil).splitlines()) == 1
