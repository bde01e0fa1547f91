"""What the jobs do with an upload: take its lease, validate, promote, sign, confirm.

Converges after a kill anywhere: every step is conditional or repeatable, and the row says how far
it came.

1. The lease: one consumer at a time works on an upload.
2. The checks; problems end in `failed`, and the version_code is free again.
3. Acceptance: `object_key` is written to the row, still `validating`. From here on the version_code
   is burned, because bytes may lie at its place. A consumer that was overtaken by a `failed` cannot
   take this step, so it never promotes.
4. Promotion, create-only; the manifest; the signed statement. A version that was accepted and
   whose package and manifest lie at their places goes on from here without its upload.
5. Confirmation: `draft`, with statement and signatures, and the lease given back, in one batch.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from functions.core import events, leases, transitions
from functions.core.apps import find_app
from functions.core.archive import ArchiveProblem, check_archive
from functions.core.catalog import PackageObject
from functions.core.developer_keys import find_key
from functions.core.developer_signatures import signature_problems
from functions.core.ids import is_id
from functions.core.manifest import Expected
from functions.core.package_check import check_package
from functions.core.platform import DESIGNED, Retention
from functions.core.promotion import is_promoted, keep_statement, promote
from functions.core.statements import SignedStatement, statement_of
from functions.core.times import parse_rfc3339, rfc3339
from functions.core.version_records import (
    Upload,
    Version,
    VersionProblem,
    find_upload,
    find_version,
)
from functions.ports.records import ConflictError, RecordsError, Statement

if TYPE_CHECKING:
    from functions.core.platform import Limits
    from functions.ports.clock import Clock
    from functions.ports.entropy import Entropy
    from functions.ports.object_store import ObjectStore
    from functions.ports.records import Records
    from functions.ports.signer import Signer
    from functions.ports.verifier import Verifier


__all__ = [
    "Outcome",
    "ValidationDeps",
    "check_archive",
    "mark_dead_letter",
    "statement_of",
    "validate_upload",
]

ACTOR = "jobs"
LEASE_TOKEN_BYTES = 16


@dataclass(frozen=True, slots=True)
class ValidationDeps:
    records: "Records"
    uploads: "ObjectStore"
    packages: "ObjectStore"
    signer: "Signer"
    clock: "Clock"
    entropy: "Entropy"
    limits: "Limits"
    verifier: "Verifier"
    trusts_upload_digests: bool
    """Whether the storage refuses an upload whose bytes have not the SHA-256 that was announced,
    and so can be believed when it tells one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`draft` and `failed`: decided now. `settled`: had been decided before, or nothing is to be
    done (`detail` says what). `busy`: another consumer holds the lease. Acknowledge all but `busy`;
    retry that after `retry_after_seconds`."""

    kind: Literal["draft", "failed", "settled", "busy"]
    version_id: str | None
    detail: str = ""
    problems: tuple[VersionProblem, ...] = ()
    retry_after_seconds: int = 0


async def validate_upload(deps: ValidationDeps, message: Mapping[str, object]) -> Outcome:
    """Works on one `{version_id, upload_id}` message; delivering it twice, late or concurrently is
    harmless. A message that names nothing is `settled`.

    Raises: ObjectStoreError, RecordsError and whatever the signer raises, after it has given the
    lease back; the message is then to be retried.
    """
    named = await _named(deps.records, message)
    if isinstance(named, Outcome):
        return named
    version, upload = named
    token = deps.entropy.token_bytes(LEASE_TOKEN_BYTES).hex()
    now = deps.clock.now_ms()
    if not await leases.take(deps.records, upload, token, now, deps.limits.lease_seconds):
        return _busy(upload, now, deps.limits.lease_seconds)
    try:
        # Read again under the lease: what was true before it may have been decided meanwhile.
        outcome = await _work(deps, version.id, upload.id, token)
    except Exception:
        # So that the retry need not wait; where this fails too, the lease runs out by itself.
        with suppress(RecordsError):
            await _give_back(deps, upload.id, token)
        raise
    if outcome.kind == "settled":
        await _give_back(deps, upload.id, token)
    return outcome


async def mark_dead_letter(
    records: "Records",
    clock: "Clock",
    message: Mapping[str, object],
    retention: Retention = DESIGNED,
) -> Outcome:
    """The queue has given up on the message. A version whose package was not accepted yet becomes
    `failed` with a problem that says so; one that was accepted (it only lacks confirmation) stays
    `validating` and is taken up again by the schedule. `busy` while a consumer holds the lease,
    which may still succeed, or be dead."""
    named = await _named(records, message)
    if isinstance(named, Outcome):
        return named
    version, upload = named
    now = clock.now_ms()
    if upload.lease_until is not None and upload.lease_until > now:
        return _busy(upload, now, 0)
    if version.object_key is not None:
        return Outcome("settled", version.id, "accepted before; the schedule takes it up again")
    problem = ArchiveProblem(
        "validation-gave-up",
        "The package could not be validated after several attempts. Create the version again "
        "and upload once more.",
    )
    return await _fail(records, clock, retention, version, [problem], "dead-letter", [])


async def _named(
    records: "Records", message: Mapping[str, object]
) -> tuple[Version, Upload] | Outcome:
    """The version, while it is `validating`, and its upload."""
    version_id, upload_id = message.get("version_id"), message.get("upload_id")
    if not isinstance(version_id, str) or not is_id(version_id):
        return Outcome("settled", None, "the message names no version")
    version = await find_version(records, version_id)
    upload = await find_upload(records, version_id)
    if version is None or upload is None or upload.id != upload_id:
        return Outcome("settled", version_id, "there is no such version with this upload")
    if version.status != "validating":
        return Outcome("settled", version_id, f"the version is {version.status}")
    return version, upload


async def _work(deps: ValidationDeps, version_id: str, upload_id: str, token: str) -> Outcome:
    named = await _named(deps.records, {"version_id": version_id, "upload_id": upload_id})
    if isinstance(named, Outcome):
        return named
    version, upload = named
    app = await find_app(deps.records, version.app_id)
    if app is None:
        gone = ArchiveProblem(
            "app-deleted", "The app was deleted before the package was validated."
        )
        return await _refuse(deps, version, [gone], upload_id, token)
    object_key = PackageObject(version.developer_id, version.app_id, version.version_code).key
    # Accepted means validated: where the package arrived, the upload is needed no more, and may be
    # gone.
    if version.object_key == object_key and await is_promoted(deps.packages, version):
        return await _confirm(deps, version, upload_id, token)
    expected = Expected(app.id, app.name, version.version_name, version.version_code)
    # Nobody promised the SHA-256 of what was made of parts.
    trusts_digest = deps.trusts_upload_digests and upload.multipart_id is None
    report = await check_package(deps.uploads, upload, expected, trusts_digest=trusts_digest)
    problems = [
        *report.problems,
        *await signature_problems(deps.records, deps.verifier, app, version),
    ]
    if problems:
        return await _refuse(deps, version, problems, upload_id, token)
    if not await _accept(deps, version, object_key):
        return await _settled(deps.records, version_id)
    problem = await promote(deps.uploads, deps.packages, version, upload, report)
    if problem is not None:
        accepted = await find_version(deps.records, version_id)
        return await _refuse(deps, accepted or version, [problem], upload_id, token)
    return await _confirm(deps, version, upload_id, token)


async def _accept(deps: ValidationDeps, version: Version, object_key: str) -> bool:
    """Whether the row carries the place of the package now, or did before."""
    if version.object_key is not None:
        return version.object_key == object_key
    changed = await deps.records.batch(
        [
            Statement(
                "UPDATE version SET object_key = ?, updated_at = ? WHERE id = ? AND revision = ?"
                " AND status = 'validating' AND (object_key IS NULL OR object_key = ?)",
                (object_key, deps.clock.now_ms(), version.id, version.revision, object_key),
            )
        ]
    )
    return list(changed) == [1]


async def _confirm(deps: ValidationDeps, version: Version, upload_id: str, token: str) -> Outcome:
    now = deps.clock.now_ms()
    signed = await _sign(deps, version, now)
    kept = await keep_statement(deps.packages, version, signed)
    if isinstance(kept, ArchiveProblem):
        accepted = await find_version(deps.records, version.id)
        return await _refuse(deps, accepted or version, [kept], upload_id, token)
    change = transitions.step("validated", version, ACTOR, now)
    columns = {
        "status": "draft",
        "statement": kept.statement,
        "signature": kept.signature,
        "signing_key_id": kept.signing_key_id,
        "signed_at": parse_rfc3339(kept.signed_at or ""),
        "due_at": now + deps.limits.retention.draft_ms,
        "updated_at": now,
    }
    lease_end = leases.giving_back(upload_id, token)
    try:
        await deps.records.batch([change.event(), change.update(columns), lease_end])
    except ConflictError:
        return await _settled(deps.records, version.id)
    return Outcome("draft", version.id)


async def _sign(deps: ValidationDeps, version: Version, now: int) -> SignedStatement:
    statement = statement_of(version)
    signature = await deps.signer.sign(statement.encode())
    key = None
    if version.developer_key_id is not None:
        key = await find_key(deps.records, version.developer_key_id)
    return SignedStatement(
        statement=statement,
        signature=base64.b64encode(signature).decode(),
        signing_key_id=deps.signer.key_id,
        signed_at=rfc3339(now),
        developer_signature=version.developer_signature,
        developer_key_id=version.developer_key_id,
        developer_public_key=None if key is None else key.public_key,
    )


async def _refuse(
    deps: ValidationDeps,
    version: Version,
    problems: Sequence[ArchiveProblem],
    upload_id: str,
    token: str,
) -> Outcome:
    lease_end = leases.giving_back(upload_id, token)
    return await _fail(
        deps.records,
        deps.clock,
        deps.limits.retention,
        version,
        problems,
        "invalid",
        [lease_end],
    )


async def _fail(
    records: "Records",
    clock: "Clock",
    retention: Retention,
    version: Version,
    problems: Sequence[ArchiveProblem],
    reason: Literal["invalid", "dead-letter"],
    further: Sequence[Statement],
) -> Outcome:
    now = clock.now_ms()
    # A version that another consumer has accepted meanwhile must not lose its burned code.
    unaccepted = events.Guard("object_key IS NULL") if version.object_key is None else None
    change = transitions.step(reason, version, ACTOR, now, unaccepted)
    members = [problem.to_member() for problem in problems]
    columns = {
        "status": "failed",
        "problems": json.dumps(members),
        "due_at": now + retention.failed_ms,
        "updated_at": now,
    }
    try:
        await records.batch([change.event(), change.update(columns), *further])
    except ConflictError:
        return await _settled(records, version.id)
    return Outcome("failed", version.id, reason, tuple(members))


def _busy(upload: Upload, now: int, at_most_seconds: int) -> Outcome:
    """Until the lease as it was last seen is over; `at_most_seconds` where it was seen free."""
    left = (upload.lease_until or 0) - now
    seconds = -(-left // 1000) if left > 0 else at_most_seconds
    detail = "another consumer works on it"
    return Outcome("busy", upload.version_id, detail, retry_after_seconds=seconds)


async def _settled(records: "Records", version_id: str) -> Outcome:
    version = await find_version(records, version_id)
    return Outcome("settled", version_id, f"the version is {version.status if version else 'gone'}")


async def _give_back(deps: ValidationDeps, upload_id: str, token: str) -> None:
    await deps.records.batch([leases.giving_back(upload_id, token)])
