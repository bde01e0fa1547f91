import base64
import json
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from typer.testing import CliRunner

from cli.app import app
from cli.failures import Refusal, UsageFailure
from cli.signing_key import generate, read_public_key, read_signing_key

SEED = bytes(range(32))
PUBLIC = Ed25519PrivateKey.from_private_bytes(SEED).public_key()


def private_file(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    path = folder / "key"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def pem(key: Ed25519PrivateKey | EllipticCurvePrivateKey, password: bytes | None = None) -> bytes:
    kind = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, kind)


def no_warning(text: str) -> None:
    raise AssertionError(text)


def test_a_generated_key_is_its_owners_alone_and_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    made = generate(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_signing_key(path, no_warning).public_key == made.public_key
    before = path.read_bytes()
    with pytest.raises(Refusal, match="never overwritten"):
        generate(path)
    assert path.read_bytes() == before


def test_the_command_shows_the_public_half(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    done = CliRunner().invoke(app, ["signing-keys", "generate", str(path), "--json"])
    assert done.exit_code == 0
    shown = json.loads(done.stdout)
    assert shown == {
        "file": str(path),
        "public_key": read_signing_key(path, no_warning).public_key,
    }
    again = CliRunner().invoke(app, ["signing-keys", "generate", str(path)])
    assert again.exit_code == 3


def test_a_key_is_read_from_pem_or_its_seed(tmp_path: Path) -> None:
    for content in (SEED, pem(Ed25519PrivateKey.from_private_bytes(SEED))):
        key = read_signing_key(private_file(tmp_path, content), no_warning)
        assert base64.b64decode(key.public_key) == PUBLIC.public_bytes_raw()
        PUBLIC.verify(base64.b64decode(key.sign("text")), b"text")


def test_who_else_may_read_a_private_key_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    read_signing_key(private_file(tmp_path, SEED, 0o640), said.append)
    assert "chmod 600" in said[0]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no key",
        SEED + b"\n",
        pem(generate_ec_key(SECP256R1())),
        pem(Ed25519PrivateKey.from_private_bytes(SEED), b"secret"),
        PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ],
)
def test_what_is_no_private_key_is_wrong_usage(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UsageFailure, match="Ed25519"):
        read_signing_key(private_file(tmp_path, content), no_warning)
    with pytest.raises(UsageFailure, match="cannot be read"):
        read_signing_key(tmp_path / "none", no_warning)


def test_a_public_key_is_read_from_text_or_a_file(tmp_path: Path) -> None:
    text = base64.b64encode(PUBLIC.public_bytes_raw()).decode()
    file = private_file(tmp_path, text.encode() + b"\n")
    in_pem = tmp_path / "pem"
    in_pem.write_bytes(PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    for given in (text, str(file), str(in_pem)):
        assert read_public_key(given) == PUBLIC
    other = generate_ec_key(SECP256R1()).public_key()
    in_pem.write_bytes(other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    for given in ("", "x", text[:-4], str(tmp_path / "none"), str(in_pem)):
        with pytest.raises(UsageFailure, match="no Ed25519 public key"):
            read_public_key(given)
