"""A developer's Ed25519 key on disk: made, read, and what is done with it."""

import base64
import binascii
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from cli.failures import Refusal, UsageFailure

KEY_BYTES = 32
_MAX_BYTES = 64 * 1024
_FORMS = "an Ed25519 key in PEM without a passphrase, or the 32 bytes of its seed"


@dataclass(frozen=True, slots=True)
class SigningKey:
    private: Ed25519PrivateKey

    @property
    def public_key(self) -> str:
        """As the API takes it."""
        return base64.b64encode(self.private.public_key().public_bytes_raw()).decode()

    def sign(self, statement: str) -> str:
        """As the API takes it."""
        return base64.b64encode(self.private.sign(statement.encode())).decode()


def generate(path: Path) -> SigningKey:
    """A new key in a new file, PKCS #8 in PEM, that only its owner may read.

    Raises:
        Refusal: the file is there.
        UsageFailure: it cannot be written.
    """
    private = Ed25519PrivateKey.generate()
    content = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Refusal(f"{path} is there already; a key is never overwritten.") from error
    except OSError as error:
        raise UsageFailure(f"{path} cannot be written: {error.strerror or error}.") from error
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    return SigningKey(private)


def read_signing_key(path: Path, warn: Callable[[str], None]) -> SigningKey:
    """Warns where others may read the file.

    Raises:
        UsageFailure: the file holds no key.
    """
    content = _content(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        warn(f"Others may read {path}; a private key should be its owner's alone: chmod 600.")
    if len(content) == KEY_BYTES:
        return SigningKey(Ed25519PrivateKey.from_private_bytes(content))
    try:
        private = load_pem_private_key(content, password=None)
    except (ValueError, TypeError) as error:
        raise UsageFailure(f"{path} does not hold {_FORMS}.") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise UsageFailure(f"{path} holds another kind of key, and not {_FORMS}.")
    return SigningKey(private)


def read_public_key(text: str) -> Ed25519PublicKey:
    """From the base64 of its 32 bytes, or a file with that or with PEM.

    Raises:
        UsageFailure: it is neither.
    """
    path = Path(text)
    given = _content(path) if path.is_file() else text.encode()
    if given.startswith(b"-----BEGIN"):
        try:
            found = load_pem_public_key(given)
        except ValueError:
            found = None
        if isinstance(found, Ed25519PublicKey):
            return found
    else:
        try:
            raw = base64.b64decode(given.strip(), validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) == KEY_BYTES:
            return Ed25519PublicKey.from_public_bytes(raw)
    raise UsageFailure(
        f"{text!r} is no Ed25519 public key: give the base64 of its 32 bytes, or a file with that "
        "or with the key in PEM."
    )


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES)
    except OSError as error:
        raise UsageFailure(f"{path} cannot be read: {error.strerror or error}.") from error
