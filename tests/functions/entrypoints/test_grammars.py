"""What the OpenAPI document says of a value is what the core keeps."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from functions.core import developer_keys, fields, hostnames, ids
from functions.core.fields import Collector
from functions.entrypoints.http_api import grammars

# None ends with a line feed, before which `$` matches in Python, though not in ECMA-262.
TEXTS = [
    *("", " ", "a", "Ada", " Ada", "Ada ", "a b", "a\tb", "a\u00a0", "\u2028", "a\u202eb"),
    *("é", "你好", "\U0001f600", "a\x7fb", "a" * 64, "a" * 65, "a" * 100, "a" * 101, "a" * 501),
    *("org.example.app", "org..app", ".org", "Org", "a-b_c.d", "ab", "abc", "a" * 129),
    *("stable", "bookworm/updates", "a//b", "/a", "a/", "A+~_-.", "-a", "a/-b"),
    *("a.b", "a", "a.b.", "a-.b", "-a.b", "a.1", "1.a", "a.0x1f", "a.1b", "10.0.0.1"),
    *("ab--c.d", "xn--c.d", "a.xn--d", "a.ab--d", "*.b", "a_b.c", "A.b", "é.b", f"{'a' * 64}.b"),
    *("ab" * 32, "AB" * 32, "ab" * 31),
    *("019ce0b8-1111-7222-8333-444455556666", "019CE0B8-1111-7222-8333-444455556666"),
    *(f"{'A' * 43}=", f"{'B' * 43}=", f"{'A' * 42}E=", "A" * 44, f"{'A' * 86}=="),
]


def is_described(grammar: Any, value: str | int) -> bool:
    validator: Any = Draft202012Validator(TypeAdapter[Any](grammar).json_schema())
    return validator.is_valid(value)


def is_hostname(text: str) -> bool:
    return hostnames.complaint(text, "stowage.test") is None


def base64_of(count: int) -> Callable[[str], bool]:
    return lambda text: developer_keys.decoded(text, count) is not None


def collected(check: Callable[[Collector, object], None]) -> Callable[[str], bool]:
    def is_good(text: str) -> bool:
        found = Collector()
        check(found, text)
        return not found.errors

    return is_good


TEXT_GRAMMARS: list[tuple[Any, Callable[[str], bool]]] = [
    (grammars.Name, collected(Collector.name)),
    (grammars.Reason, collected(Collector.reason)),
    (grammars.VersionName, collected(Collector.version_name)),
    (grammars.Sha256, collected(Collector.sha256)),
    (grammars.Distribution, collected(Collector.distribution)),
    (grammars.Id, ids.is_id),
    (grammars.Hostname, is_hostname),
    (grammars.PublicKey, base64_of(32)),
    (grammars.Signature, base64_of(64)),
]


@pytest.mark.parametrize(("grammar", "is_good"), TEXT_GRAMMARS)
def test_a_text_is_described_as_good_where_the_core_takes_it(
    grammar: Any, is_good: Callable[[str], bool]
) -> None:
    assert [text for text in TEXTS if is_described(grammar, text)] == [
        text for text in TEXTS if is_good(text)
    ]


def test_every_character_is_described_as_it_is_taken_in_a_name() -> None:
    pattern = re.compile(TypeAdapter[Any](grammars.Name).json_schema()["pattern"])
    is_good = collected(Collector.name)
    # Surrogates are in no text that came as UTF-8.
    for code in (*range(0xD800), *range(0xE000, 0x11000)):
        text = f"a{chr(code)}a"
        assert bool(pattern.search(text)) == is_good(text), hex(code)


def test_an_app_id_that_looks_like_a_uuid_is_all_that_its_description_does_not_say() -> None:
    is_good = collected(Collector.app_id)
    differing = [text for text in TEXTS if is_described(grammars.AppId, text) != is_good(text)]
    assert differing == ["019ce0b8-1111-7222-8333-444455556666"]


@pytest.mark.parametrize("number", [0, 1, fields.MAX_VERSION_CODE, fields.MAX_VERSION_CODE + 1])
def test_a_version_code_is_described_by_its_bounds(number: int) -> None:
    found = Collector()
    found.integer(number, 1, fields.MAX_VERSION_CODE, "/version_code")
    assert is_described(grammars.VersionCode, number) == (not found.errors)
