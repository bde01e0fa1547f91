import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.statements import (
    PackageStatement,
    SignedStatement,
    parse,
    read_signed_statement,
)

STATEMENT = PackageStatement("01a0c450-6c00-7386-a648-2f61c6237cc1", "org.app", 7, 99, "a" * 64)
SIGNED = SignedStatement(
    STATEMENT.text, "c2ln", "k1", "2026-01-31T12:00:00.000Z", "ZGV2", "dk1", "cHVi"
)


def test_the_text_names_everything_that_makes_a_package_this_one() -> None:
    assert STATEMENT.text == (
        "stowage-package-v1\n01a0c450-6c00-7386-a648-2f61c6237cc1\norg.app\n7\n99\n"
        + "a" * 64
        + "\n"
    )
    assert parse(STATEMENT.text) == STATEMENT


@pytest.mark.parametrize(
    "text",
    [
        "",
        STATEMENT.text[:-1],
        STATEMENT.text + "\n",
        STATEMENT.text.replace("v1", "v2"),
        STATEMENT.text.replace("\n7\n", "\n07\n"),
        STATEMENT.text.replace("\n99\n", "\n-9\n"),
        STATEMENT.text.replace("a" * 64, "A" * 64),
        STATEMENT.text.replace("\n", "\r\n"),
    ],
)
def test_no_other_text_is_a_statement(text: str) -> None:
    with pytest.raises(ValueError, match="no statement"):
        parse(text)


def test_a_signed_statement_is_read_as_it_was_written() -> None:
    document = json.loads(SIGNED.to_json())
    assert document["format"] == "stowage-statement-v1"
    assert read_signed_statement(document) == SIGNED
    # An answer of the API holds more, and is one too.
    assert read_signed_statement(document | {"download_url": "https://x"}) == SIGNED


@pytest.mark.parametrize("name", ["statement", "signature", "signing_key_id"])
@pytest.mark.parametrize("value", [None, 1, ["x"], ...])
def test_a_signed_statement_needs_its_members(name: str, value: object) -> None:
    document: dict[str, object] = json.loads(SIGNED.to_json())
    if value is ...:
        del document[name]
    else:
        document[name] = value
    with pytest.raises(ValueError, match=name):
        read_signed_statement(document)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_else_there_is_is_refused(document: object) -> None:
    with pytest.raises(ValueError, match="it"):
        read_signed_statement(document)


def test_a_time_of_signing_must_be_one() -> None:
    with pytest.raises(ValueError, match="RFC 3339"):
        read_signed_statement(SIGNED.to_document() | {"signed_at": "yesterday"})
