"""Developers' signatures of their packages: whether one is good, when the version is created and
again when it is validated, because in between the key can be revoked and the app can begin to
require signatures."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.core import fields
from functions.core.archive.problems import ArchiveProblem
from functions.core.developer_keys import KEY_BYTES, decoded, find_key
from functions.core.statements import statement_of

if TYPE_CHECKING:
    from functions.core.apps import App
    from functions.core.developer_keys import DeveloperKey
    from functions.core.version_records import Version
    from functions.ports.records import Records
    from functions.ports.verifier import Verifier

SIGNATURE_BYTES = 64


@dataclass(frozen=True, slots=True)
class GivenSignature:
    """As a caller sends it; both or none."""

    signature: str | None = None
    """Base64 of the 64 bytes."""
    key_id: str | None = None


UNSIGNED = GivenSignature()


async def check_given(
    records: "Records", verifier: "Verifier", app: "App", given: GivenSignature, statement: str
) -> None:
    """For a version that is created or taken up again.

    Raises: ProblemError 422 for a signature that is bad, or missing where the app requires one.
    """
    found = fields.Collector()
    if given.signature is None and given.key_id is None:
        if app.requires_signature:
            found.add("/signature", "is required by this app: sign the package's statement")
    elif given.signature is None:
        found.add("/signature", "must be there where a key is named")
    elif given.key_id is None:
        found.add("/signing_key_id", "must name the key of the signature")
    else:
        key = await find_key(records, given.key_id)
        wrong = _wrong_key(key, app.developer_id)
        if wrong is not None:
            found.add("/signing_key_id", wrong)
        elif not await _is_good(verifier, key, given.signature, statement):
            found.add(
                "/signature",
                "must be the base64 of the Ed25519 signature that this key makes over the UTF-8 "
                f"bytes of {statement!r}",
            )
    found.check()


async def signature_problems(
    records: "Records", verifier: "Verifier", app: "App", version: "Version"
) -> list[ArchiveProblem]:
    """What is wrong with the signature of a version that is validated."""
    if version.developer_signature is None or version.developer_key_id is None:
        if not app.requires_signature:
            return []
        detail = (
            "The app requires its developer's signature, and the version has none. Create the "
            "version again with one."
        )
        return [ArchiveProblem("signature-missing", detail)]
    key = await find_key(records, version.developer_key_id)
    if key is not None and key.revoked_at is not None:
        detail = "The key of the developer's signature was revoked. Sign with another key."
        return [ArchiveProblem("signature-key-revoked", detail, value=key.id)]
    if _wrong_key(key, app.developer_id) is None and await _is_good(
        verifier, key, version.developer_signature, statement_of(version)
    ):
        return []
    detail = "The developer's signature is not one of the package's statement by this key."
    return [ArchiveProblem("signature-invalid", detail, value=version.developer_key_id)]


def _wrong_key(key: "DeveloperKey | None", developer_id: str) -> str | None:
    if key is None or key.developer_id != developer_id:
        return "must be the id of one of your keys; register it at /v1/developer-keys"
    return None if key.revoked_at is None else "must not be a revoked key"


async def _is_good(
    verifier: "Verifier", key: "DeveloperKey | None", signature: str, statement: str
) -> bool:
    public_key = decoded(key.public_key, KEY_BYTES) if key is not None else None
    raw = decoded(signature, SIGNATURE_BYTES)
    if public_key is None or raw is None:
        return False
    return await verifier.verify(public_key, raw, statement.encode())
