"""Signatures as Standard Webhooks 1.0 has them."""

import base64

import pytest

from functions.adapters.local.entropy import SeededEntropy
from functions.core.webhook_signatures import SECRET_BYTES, key_of, new_secret, signed_headers

# The test vector that the specification's own libraries share (libraries/python/tests).
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_published_vector_is_signed_as_published() -> None:
    assert signed_headers([SECRET], MESSAGE_ID, 1_614_265_330_999, BODY) == {
        "webhook-id": MESSAGE_ID,
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }


def test_two_secrets_sign_side_by_side_the_first_one_first() -> None:
    other = new_secret(SeededEntropy())
    headers = signed_headers([other, SECRET], MESSAGE_ID, 1_614_265_330_000, BODY)
    first, second = headers["webhook-signature"].split(" ")
    assert (first.startswith("v1,"), second) == (True, SIGNATURE)
    assert first != second


def test_without_a_secret_there_is_no_signature() -> None:
    assert "webhook-signature" not in signed_headers([], MESSAGE_ID, 0, BODY)


def test_a_new_secret_is_of_the_specifications_form_and_length() -> None:
    entropy = SeededEntropy()
    secret = new_secret(entropy)
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret[6:], validate=True)) == SECRET_BYTES
    assert secret != new_secret(entropy)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("whsec_YWJj", b"abc"),
        ("hush-hush", b"hush-hush"),
        ("whsec_not base64", b"whsec_not base64"),
        ("whsec_YWJ", b"whsec_YWJ"),
    ],
)
def test_a_text_that_is_no_secret_of_the_specification_is_the_key_itself(
    text: str, key: bytes
) -> None:
    assert key_of(text) == key
