import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.download_tokens import DownloadKeys, sign, verify
from functions.core.problems import ProblemError

KEYS = DownloadKeys("b", {"a": b"a" * 32, "b": b"b" * 32})
VERSION = "019ce0b8-1111-7222-8333-444455556666"
OBJECT = "packages/d/org.example.app/1/package.mosis"
NOW = 1_790_000_000_000
EXPIRES = NOW // 1000 + 3600


def refused(query: str, object_key: str = OBJECT, keys: DownloadKeys = KEYS, now: int = NOW) -> str:
    with pytest.raises(ProblemError) as caught:
        verify(query, object_key, keys, now)
    problem = caught.value.problem
    assert (problem.slug, problem.status) == ("download-refused", 403)
    return problem.detail


def test_a_token_has_four_parameters() -> None:
    names = [part.partition("=")[0] for part in sign(VERSION, OBJECT, KEYS, EXPIRES).split("&")]
    assert names == ["v", "key", "expires", "sig"]


def test_a_right_token_names_its_version() -> None:
    assert verify(sign(VERSION, OBJECT, KEYS, EXPIRES), OBJECT, KEYS, NOW) == VERSION


def test_the_order_of_the_parameters_is_free() -> None:
    parts = sign(VERSION, OBJECT, KEYS, EXPIRES).split("&")
    assert verify("&".join(reversed(parts)), OBJECT, KEYS, NOW) == VERSION


def test_the_key_before_the_rotation_still_verifies() -> None:
    old = sign(VERSION, OBJECT, DownloadKeys("a", KEYS.keys), EXPIRES)
    assert verify(old, OBJECT, KEYS, NOW) == VERSION
    refused(old, keys=DownloadKeys("b", {"b": b"b" * 32}))


@given(
    st.uuids(version=4).map(str),
    st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=60),
    st.integers(1, 3600),
)
def test_what_is_signed_verifies(version_id: str, object_key: str, seconds: int) -> None:
    token = sign(version_id, object_key, KEYS, NOW // 1000 + seconds)
    assert verify(token, object_key, KEYS, NOW) == version_id


@given(st.data())
def test_a_token_with_another_character_is_refused(data: st.DataObject) -> None:
    token = sign(VERSION, OBJECT, KEYS, EXPIRES)
    position = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.characters(codec="utf-8").filter(lambda c: c != token[position]))
    refused(token[:position] + character + token[position + 1 :])


def test_another_object_is_refused() -> None:
    refused(sign(VERSION, OBJECT, KEYS, EXPIRES), "packages/d/org.example.app/2/package.mosis")


@pytest.mark.parametrize("now", [EXPIRES * 1000, EXPIRES * 1000 + 1, EXPIRES * 1000 + 10**9])
def test_a_token_ends_at_its_expiry(now: int) -> None:
    assert "expired" in refused(sign(VERSION, OBJECT, KEYS, EXPIRES), now=now)


def test_a_token_lives_until_its_last_millisecond() -> None:
    token = sign(VERSION, OBJECT, KEYS, EXPIRES)
    assert verify(token, OBJECT, KEYS, EXPIRES * 1000 - 1) == VERSION


def test_an_expiry_too_far_away_is_refused() -> None:
    just = sign(VERSION, OBJECT, KEYS, EXPIRES + 60)
    assert verify(just, OBJECT, KEYS, NOW) == VERSION
    refused(sign(VERSION, OBJECT, KEYS, EXPIRES + 61))
    short = sign(VERSION, OBJECT, KEYS, NOW // 1000 + 100)
    with pytest.raises(ProblemError):
        verify(short, OBJECT, KEYS, NOW, max_seconds=30)


TOKEN = sign(VERSION, OBJECT, KEYS, EXPIRES)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "&",
        TOKEN + "&",
        "&" + TOKEN,
        f"{TOKEN}&v={VERSION}",
        TOKEN.replace("&key=", "&v=x&key="),
        f"{TOKEN}&extra=1",
        f"{TOKEN}&sig",
        TOKEN.replace("key=b", "key=c"),
        TOKEN.replace("key=b", "key=%62"),
        TOKEN.replace("key=b", "key="),
        TOKEN.replace("v=0", "v=%30"),
        TOKEN.replace("expires=", "expires=0"),
        TOKEN.replace("expires=", "expires=+"),
        TOKEN.replace("expires=", "expires=9999999999999"),
        TOKEN.replace("sig=", "sig==="),
        TOKEN + "=",
        TOKEN.partition("&sig=")[0],
        TOKEN.replace("v=", "V="),
    ],
)
def test_any_other_form_is_refused(query: str) -> None:
    refused(query)


def test_the_text_cannot_be_shifted_between_its_parts() -> None:
    """A key that holds a line feed must not be able to pose as version and key of another token."""
    with pytest.raises(ValueError, match="malformed"):
        sign(VERSION, "a\nb", KEYS, EXPIRES)
    with pytest.raises(ValueError, match="malformed"):
        sign("no id", OBJECT, KEYS, EXPIRES)


def test_the_signature_is_unpadded_base64url_of_32_bytes() -> None:
    mark = TOKEN.partition("&sig=")[2]
    assert len(base64.urlsafe_b64decode(mark + "=")) == 32
