"""What every `Verifier` keeps. An adapter's suite is a subclass with the fixture `verifier`."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from functions.ports.verifier import Verifier
from tests.contracts.object_store import run

# RFC 8032, section 7.1: public key, message, signature.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
        "b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
        "1d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
        "c6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
ORDER = 2**252 + 27742317777372353535851937790883648493
STATEMENT = b"stowage-package-v1\n" + bytes(range(256)) * 300
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PRIVATE.public_key().public_bytes_raw()
SIGNATURE = PRIVATE.sign(STATEMENT)
NO_POINT = bytes([2]) + bytes(31)
"""A y for which the curve has no x."""


def check(verifier: Verifier, public_key: bytes, signature: bytes, statement: bytes) -> bool:
    answer = run(verifier.verify(public_key, signature, statement))
    assert type(answer) is bool
    return answer


class VerifierContract:
    @pytest.mark.parametrize(("public_key", "message", "signature"), VECTORS)
    def test_the_vectors_of_the_rfc_hold(
        self, verifier: Verifier, public_key: str, message: str, signature: str
    ) -> None:
        parts = [bytes.fromhex(text) for text in (public_key, signature, message)]
        assert check(verifier, *parts)
        assert not check(verifier, parts[0], parts[1], parts[2] + b"x")

    def test_a_signature_of_a_long_statement_holds(self, verifier: Verifier) -> None:
        assert check(verifier, PUBLIC, SIGNATURE, STATEMENT)

    @pytest.mark.parametrize("position", [0, 31, 32, 62, 63])
    def test_a_changed_signature_does_not(self, verifier: Verifier, position: int) -> None:
        changed = bytearray(SIGNATURE)
        changed[position] ^= 1
        assert not check(verifier, PUBLIC, bytes(changed), STATEMENT)

    def test_a_changed_statement_or_another_key_does_not(self, verifier: Verifier) -> None:
        other = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
        assert not check(verifier, PUBLIC, SIGNATURE, STATEMENT[:-1])
        assert not check(verifier, other, SIGNATURE, STATEMENT)

    def test_a_second_signature_cannot_be_made_of_the_first(self, verifier: Verifier) -> None:
        """RFC 8032, section 5.1.7: the second half is below the order of the group."""
        scalar = int.from_bytes(SIGNATURE[32:], "little") + ORDER
        forged = SIGNATURE[:32] + scalar.to_bytes(32, "little")
        assert not check(verifier, PUBLIC, forged, STATEMENT)

    @pytest.mark.parametrize(
        ("public_key", "signature"),
        [
            (b"", SIGNATURE),
            (PUBLIC[:-1], SIGNATURE),
            (PUBLIC + b"\x00", SIGNATURE),
            (NO_POINT, SIGNATURE),
            (b"\xff" * 32, SIGNATURE),
            (PUBLIC, b""),
            (PUBLIC, SIGNATURE[:-1]),
            (PUBLIC, SIGNATURE + b"\x00"),
            (PUBLIC, b"\xff" * 64),
            (PUBLIC, bytes(64)),
        ],
        ids=lambda given: f"{len(given)} bytes {given[:2].hex()}",
    )
    def test_what_is_no_key_or_no_signature_does_not_and_raises_nothing(
        self, verifier: Verifier, public_key: bytes, signature: bytes
    ) -> None:
        assert not check(verifier, public_key, signature, STATEMENT)
