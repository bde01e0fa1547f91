"""Copying an accepted package from the uploads bucket to its place for ever. Never replaces an
object."""

import hashlib
from typing import TYPE_CHECKING

from functions.core import json_text
from functions.core.archive import ArchiveProblem
from functions.core.catalog import PackageManifest, PackageObject, PackageStatement
from functions.core.statements import SignedStatement, read_signed_statement
from functions.ports.object_store import (
    ByteRange,
    ChecksumMismatchError,
    PreconditionFailedError,
    StoredObject,
)

if TYPE_CHECKING:
    from functions.core.package_check import PackageReport
    from functions.core.version_records import Upload, Version
    from functions.ports.object_store import ObjectInfo, ObjectStore


MAX_STATEMENT_BYTES = 64 * 1024


async def promote(
    uploads: "ObjectStore",
    packages: "ObjectStore",
    version: "Version",
    upload: "Upload",
    report: "PackageReport",
) -> ArchiveProblem | None:
    """Puts the package, pinned to the ETag that was validated, and its manifest beside it. An
    object that is there with the same bytes counts as done, so that it can be repeated.

    Returns a problem where other bytes lie there or the upload is no longer the validated one.
    Raises: ObjectStoreError.
    """
    package = PackageObject(version.developer_id, version.app_id, version.version_code)
    existing = await packages.head(package.key)
    if existing is None:
        problem = await _put_package(uploads, packages, package, version, upload, report.etag)
        if problem is not None:
            return problem
    elif not await _is_same(packages, existing, version.size, version.sha256):
        return _occupied(package.key)
    return await _put_manifest(packages, version, report.manifest)


async def is_promoted(packages: "ObjectStore", version: "Version") -> bool:
    """Whether the package (by size and SHA-256) lies at its place, and its manifest, which is
    written behind it.

    Raises: ObjectStoreError.
    """
    names = (version.developer_id, version.app_id, version.version_code)
    if await packages.head(PackageManifest(*names).key) is None:
        return False
    found = await packages.head(PackageObject(*names).key)
    return found is not None and await _is_same(packages, found, version.size, version.sha256)


async def keep_statement(
    packages: "ObjectStore", version: "Version", signed: SignedStatement
) -> SignedStatement | ArchiveProblem:
    """Puts the signed statement beside the package. Where one lies there already, of an attempt
    that was ended before it was confirmed, that one counts: it is what is given.

    Returns a problem where something else lies there. Raises: ObjectStoreError.
    """
    kind = PackageStatement(version.developer_id, version.app_id, version.version_code)
    content = signed.to_json()
    try:
        await packages.put(
            kind.key,
            content,
            length=len(content),
            content_type=kind.content_type,
            cache_control=kind.cache_control,
            sha256=hashlib.sha256(content).hexdigest(),
        )
    except PreconditionFailedError:
        before = await _read_statement(packages, kind.key)
        is_same = before is not None and (
            (before.statement, before.developer_signature, before.developer_key_id)
            == (signed.statement, signed.developer_signature, signed.developer_key_id)
        )
        return before if before is not None and is_same else _occupied(kind.key)
    return signed


async def _read_statement(packages: "ObjectStore", key: str) -> SignedStatement | None:
    stored = await packages.get(key, ByteRange(0, MAX_STATEMENT_BYTES))
    if not isinstance(stored, StoredObject):
        return None
    content = b"".join([chunk async for chunk in stored.body])
    try:
        return read_signed_statement(json_text.parse(content))
    except ValueError:
        return None


async def _put_package(
    uploads: "ObjectStore",
    packages: "ObjectStore",
    package: PackageObject,
    version: "Version",
    upload: "Upload",
    etag: str,
) -> ArchiveProblem | None:
    stored = await uploads.get(upload.object_key)
    if not isinstance(stored, StoredObject) or stored.info.etag != etag:
        return ArchiveProblem(
            "upload-changed", "The uploaded object was changed after it was validated."
        )
    try:
        await packages.put(
            package.key,
            stored.body,
            length=version.size,
            content_type=package.content_type,
            cache_control=package.cache_control,
            sha256=version.sha256,
        )
    except ChecksumMismatchError:
        return ArchiveProblem(
            "upload-changed", "The uploaded object was changed after it was validated."
        )
    except PreconditionFailedError:
        existing = await packages.head(package.key)
        if existing is None or not await _is_same(packages, existing, version.size, version.sha256):
            return _occupied(package.key)
    return None


async def _put_manifest(
    packages: "ObjectStore", version: "Version", content: bytes
) -> ArchiveProblem | None:
    kind = PackageManifest(version.developer_id, version.app_id, version.version_code)
    digest = hashlib.sha256(content).hexdigest()
    try:
        await packages.put(
            kind.key,
            content,
            length=len(content),
            content_type=kind.content_type,
            cache_control=kind.cache_control,
            sha256=digest,
        )
    except PreconditionFailedError:
        existing = await packages.head(kind.key)
        if existing is None or not await _is_same(packages, existing, len(content), digest):
            return _occupied(kind.key)
    return None


async def _is_same(packages: "ObjectStore", info: "ObjectInfo", size: int, sha256: str) -> bool:
    if info.size != size:
        return False
    return (info.sha256 or await packages.sha256(info.key)) == sha256


def _occupied(key: str) -> ArchiveProblem:
    return ArchiveProblem(
        "promotion-conflict",
        "Another package lies at this version's place already. Choose a higher version code.",
        key,
    )
