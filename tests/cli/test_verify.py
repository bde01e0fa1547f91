"""`stowage verify`, offline: no server is asked, so none is there."""

import base64
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner, Result

from cli.app import app
from functions.core.statements import PackageStatement, SignedStatement

PLATFORM, DEVELOPER, STRANGER = (
    Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2, 3)
)
CONTENT = b"a package" * 1000
STATEMENT = PackageStatement(
    "01a0c450-6c00-7386-a648-2f61c6237cc1",
    "org.example.app",
    7,
    len(CONTENT),
    hashlib.sha256(CONTENT).hexdigest(),
)


def public(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def sign(key: Ed25519PrivateKey, text: str = STATEMENT.text) -> str:
    return base64.b64encode(key.sign(text.encode())).decode()


SIGNED = SignedStatement(
    statement=STATEMENT.text,
    signature=sign(PLATFORM),
    signing_key_id="k1",
    signed_at="2026-03-01T12:00:00.000Z",
    developer_signature=sign(DEVELOPER),
    developer_key_id="dk1",
    developer_public_key=public(DEVELOPER),
)
KEY = {
    "id": "k1",
    "algorithm": "Ed25519",
    "public_key": public(PLATFORM),
    "not_before": "2026-01-01T00:00:00Z",
    "not_after": None,
}


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.package = path / "app.mosis"
        self.package.write_bytes(CONTENT)
        self.write(SIGNED)
        self.keys(KEY)

    def write(self, signed: SignedStatement | dict[str, Any]) -> None:
        document = signed if isinstance(signed, dict) else signed.to_document()
        (self.path / "statement.json").write_text(json.dumps(document))

    def keys(self, *keys: dict[str, Any]) -> None:
        (self.path / "keys.json").write_text(json.dumps({"keys": list(keys)}))

    def verify(self, *arguments: str, with_keys: bool = True) -> Result:
        keys = ["--keys", str(self.path / "keys.json")] if with_keys else []
        return CliRunner().invoke(app, ["verify", str(self.package), *keys, *arguments])

    def failed(self, *arguments: str, with_keys: bool = True) -> set[str]:
        """The checks that fail."""
        done = self.verify(*arguments, "--json", with_keys=with_keys)
        document = json.loads(done.stdout)
        found = {check["check"] for check in document["checks"] if not check["ok"]}
        assert (done.exit_code, document["verified"]) == ((1, False) if found else (0, True))
        return found


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_a_sound_package_is_verified_by_the_platforms_keys(folder: Folder) -> None:
    done = folder.verify()
    assert done.exit_code == 0, done.output
    assert "version 7 of org.example.app" in done.stdout
    assert "--developer-key" in done.stdout
    document = json.loads(folder.verify("--json").stdout)
    assert document["verified"] is True
    assert document["package"]["sha256"] == STATEMENT.sha256
    assert [check["check"] for check in document["checks"]] == [
        "size",
        "SHA-256",
        "platform's signature",
        "developer's signature",
    ]


def test_a_sound_package_is_verified_by_the_developers_key_alone(folder: Folder) -> None:
    assert folder.failed("--developer-key", public(DEVELOPER), with_keys=False) == set()
    several = ("--developer-key", public(STRANGER), "--developer-key", public(DEVELOPER))
    assert folder.failed(*several, with_keys=False) == set()
    # A statement whose platform's part is worthless is not asked about it.
    folder.write(replace(SIGNED, signature="AAAA"))
    assert folder.failed("--developer-key", public(DEVELOPER), with_keys=False) == set()


def test_an_answer_of_the_api_is_a_statement_too(folder: Folder) -> None:
    (folder.path / "statement.json").unlink()
    answer = folder.path / "download.json"
    answer.write_text(json.dumps(SIGNED.to_document() | {"download_url": "https://x"}))
    assert folder.failed("--statement", str(answer)) == set()


def test_other_bytes_are_not_the_package(folder: Folder) -> None:
    folder.package.write_bytes(CONTENT[:-1] + b"!")
    assert folder.failed() == {"SHA-256"}
    folder.package.write_bytes(CONTENT + b"!")
    assert folder.failed() == {"size", "SHA-256"}


def test_a_statement_that_was_written_by_a_stranger_is_told(folder: Folder) -> None:
    other = replace(STATEMENT, sha256="0" * 64).text
    folder.write(replace(SIGNED, statement=other))
    assert folder.failed() == {"SHA-256", "platform's signature", "developer's signature"}
    folder.write(replace(SIGNED, signature=sign(STRANGER)))
    assert folder.failed() == {"platform's signature"}
    folder.write(replace(SIGNED, signing_key_id="k2"))
    assert folder.failed() == {"platform's signature"}
    folder.write(replace(SIGNED, signature="no base64"))
    assert folder.failed() == {"platform's signature"}


def test_a_developers_signature_is_held_to_the_key_that_is_trusted(folder: Folder) -> None:
    assert folder.failed("--developer-key", public(STRANGER)) == {"developer's signature"}
    # The key that comes with the statement proves nothing, but must fit.
    forged = {"developer_signature": sign(STRANGER), "developer_public_key": public(STRANGER)}
    folder.write(replace(SIGNED, **forged))
    assert folder.failed() == set()
    assert folder.failed("--developer-key", public(DEVELOPER)) == {"developer's signature"}
    for changes in ({"developer_signature": sign(STRANGER)}, {"developer_public_key": None}):
        folder.write(replace(SIGNED, **changes))
        assert folder.failed() == {"developer's signature"}


def test_an_unsigned_package_is_enough_unless_a_developers_key_is_given(folder: Folder) -> None:
    unsigned = {"developer_signature": None, "developer_key_id": None, "developer_public_key": None}
    folder.write(replace(SIGNED, **unsigned))
    assert folder.failed() == set()
    assert folder.failed("--developer-key", public(DEVELOPER)) == {"developer's signature"}


@pytest.mark.parametrize(
    ("signed_at", "not_before", "not_after", "holds"),
    [
        ("2026-03-01T12:00:00Z", "2026-01-01T00:00:00Z", "2026-03-01T12:00:00Z", True),
        ("2026-03-01T12:00:01Z", "2026-01-01T00:00:00Z", "2026-03-01T12:00:00Z", False),
        ("2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", None, False),
        ("2999-01-01T00:00:00Z", "2026-01-01T00:00:00Z", None, False),
        (None, "2026-01-01T00:00:00Z", None, True),
        # Nobody says when it was signed: perhaps when the key was still valid.
        (None, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", True),
        (None, "2999-01-01T00:00:00Z", None, False),
    ],
)
def test_a_key_is_good_for_what_was_signed_while_it_was_valid(
    folder: Folder, signed_at: str | None, not_before: str, not_after: str | None, holds: bool
) -> None:
    folder.write(replace(SIGNED, signed_at=signed_at))
    folder.keys(KEY | {"not_before": not_before, "not_after": not_after})
    assert folder.failed() == (set() if holds else {"platform's signature"})


def test_one_of_several_keys_is_enough_and_other_algorithms_are_passed_over(
    folder: Folder,
) -> None:
    other = KEY | {"id": "k0", "public_key": public(STRANGER)}
    future = {"id": "k9", "algorithm": "ML-DSA", "public_key": "?", "not_before": "?"}
    folder.keys(other, future, KEY)
    assert folder.failed() == set()


def test_without_a_key_that_is_trusted_nothing_is_verified(folder: Folder) -> None:
    done = folder.verify(with_keys=False)
    assert done.exit_code == 2
    assert "--keys" in done.stderr


@pytest.mark.parametrize("name", ["app.mosis", "statement.json", "keys.json"])
def test_a_missing_file_is_wrong_usage(folder: Folder, name: str) -> None:
    (folder.path / name).unlink()
    done = folder.verify()
    assert done.exit_code == 2
    assert name in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("statement.json", "{", 2),
        ("statement.json", "[]", 1),
        ("statement.json", '{"statement": "x", "signature": "", "signing_key_id": ""}', 1),
        ("keys.json", "{", 2),
        ("keys.json", "[]", 2),
        ("keys.json", '{"keys": [{"id": "k1"}]}', 2),
        ("keys.json", json.dumps({"keys": [KEY | {"public_key": "AA=="}]}), 2),
        ("keys.json", json.dumps({"keys": [KEY | {"not_before": "soon"}]}), 2),
    ],
)
def test_a_file_that_is_something_else_ends_with_one_paragraph(
    folder: Folder, name: str, content: str, code: int
) -> None:
    (folder.path / name).write_text(content)
    done = folder.verify()
    assert done.exit_code == code, done.output
    assert done.stderr.startswith("stowage: ")
    assert "Traceback" not in done.stderr
