import json
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.json_text import JsonTextError, parse

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)


@given(VALUES)
def test_every_value_is_read_back(value: Json) -> None:
    assert parse(json.dumps(value).encode()) == value
    assert parse(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")) is not ...


@pytest.mark.parametrize("depth", [1, 64])
def test_nesting_up_to_the_limit_is_read(depth: int) -> None:
    assert parse(b"[" * depth + b"]" * depth) is not None
    assert parse(b'{"a":' * depth + b"1" + b"}" * depth) is not None


@pytest.mark.parametrize(
    "content",
    [b"[" * 65 + b"]" * 65, b'{"a":' * 65, b"[" * 10**6, b'[{"a":' * 40, b"[]," * 9 + b"[" * 65],
)  # fmt: skip
def test_deeper_nesting_never_reaches_the_parser(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json, "loads", None)
    with pytest.raises(JsonTextError, match="nested"):
        parse(content)


def test_a_whole_pair_and_an_escaped_backslash_are_texts() -> None:
    assert parse(rb'["\ud83d\ude00", "\\ud800"]') == ["\U0001f600", "\\ud800"]


def test_brackets_in_texts_are_no_nesting() -> None:
    assert parse(json.dumps(["[" * 500, '"[' * 500, "\\" * 9 + "{" * 99]).encode())


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"\xef\xbb\xbf{}", b"{", b"NaN", b"-Infinity", b'{"a":1,"a":1}', b'"\n"', b"01",
     b'"' + b"[" * 100, b"9" * 5000, rb'"\ud800"', rb'{"a\uDfff": 1}', rb'["\ude00\ud83d"]',
     rb'{"a": ["x\uD83Dx"]}'],
)  # fmt: skip
def test_what_is_not_strict_json_is_refused(content: bytes) -> None:
    with pytest.raises(JsonTextError):
        parse(content)


@given(st.binary(max_size=100))
def test_noise_raises_nothing_else(content: bytes) -> None:
    try:
        parse(content)
    except JsonTextError as error:
        assert str(error)  # noqa: PT017  (most noise is refused, some is a number)
