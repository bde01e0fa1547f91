"""What a signature of a package covers, and how it is kept beside the package.

The platform and the developer sign the same text, its UTF-8 bytes: a type tag, developer, app,
version_code, size and SHA-256, each on a line. Never the hash alone, so that no package can pose as
another.
"""

import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, cast

from functions.core.times import parse_rfc3339, rfc3339

if TYPE_CHECKING:
    from functions.core.version_records import Version

TAG = "stowage-package-v1"
FORMAT = "stowage-statement-v1"

_TEXT = re.compile(
    rf"{TAG}\n([0-9a-f-]{{36}})\n([a-z0-9._-]{{1,128}})\n([1-9][0-9]{{0,15}})\n([1-9][0-9]{{0,15}})\n"
    r"([0-9a-f]{64})\n"
)


@dataclass(frozen=True, slots=True)
class PackageStatement:
    developer_id: str
    app_id: str
    version_code: int
    size: int
    sha256: str

    @property
    def text(self) -> str:
        return (
            f"{TAG}\n{self.developer_id}\n{self.app_id}\n{self.version_code}\n{self.size}\n"
            f"{self.sha256}\n"
        )


def parse(text: str) -> PackageStatement:
    """Raises: ValueError."""
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ValueError(f"it is no statement of the form {TAG}")
    return PackageStatement(match[1], match[2], int(match[3]), int(match[4]), match[5])


def statement_of(version: "Version") -> str:
    """The text that is signed for the version."""
    return PackageStatement(
        version.developer_id, version.app_id, version.version_code, version.size, version.sha256
    ).text


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """`statement.json`: the statement with its signatures. All members but the first are not signed
    themselves; `signed_at` and the developer's public key are what the platform recorded."""

    statement: str
    signature: str
    """Of the platform, base64 of 64 bytes."""
    signing_key_id: str
    """Of the platform's key, as `/.well-known/stowage-keys.json` lists it."""
    signed_at: str | None
    """When the platform signed, RFC 3339; None for versions of a time when that was not kept."""
    developer_signature: str | None
    developer_key_id: str | None
    developer_public_key: str | None
    """Base64 of 32 bytes."""

    def to_document(self) -> dict[str, object]:
        return {"format": FORMAT, **asdict(self)}

    def to_json(self) -> bytes:
        return (json.dumps(self.to_document(), indent=2) + "\n").encode()


def signed_statement(version: "Version", developer_public_key: str | None) -> SignedStatement:
    """Of a version that was validated."""
    return SignedStatement(
        statement=cast("str", version.statement),
        signature=cast("str", version.signature),
        signing_key_id=cast("str", version.signing_key_id),
        signed_at=None if version.signed_at is None else rfc3339(version.signed_at),
        developer_signature=version.developer_signature,
        developer_key_id=version.developer_key_id,
        developer_public_key=developer_public_key,
    )


def read_signed_statement(document: object) -> SignedStatement:
    """From the JSON value of a `statement.json`, or of an answer of the API with the same members.

    Raises: ValueError.
    """
    if not isinstance(document, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004  (one kind of error for callers)
    members = cast("dict[str, object]", document)
    needed = ("statement", "signature", "signing_key_id")
    optional = ("signed_at", "developer_signature", "developer_key_id", "developer_public_key")
    values: dict[str, str | None] = {}
    for name in (*needed, *optional):
        value = members.get(name)
        if not isinstance(value, str) and (value is not None or name in needed):
            raise ValueError(f"its member {name!r} is missing or no text")
        values[name] = value
    signed_at = values["signed_at"]
    if signed_at is not None and parse_rfc3339(signed_at) is None:
        raise ValueError("its member 'signed_at' is no time of RFC 3339")
    return SignedStatement(**cast("dict[str, str]", values))
