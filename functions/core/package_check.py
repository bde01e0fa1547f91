"""Whether an uploaded object is the package that its developer announced. Reads by ranges; writes
nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from functions.core import manifest
from functions.core.archive import Archive, ArchiveProblem, Entry, read_archive, read_entry
from functions.core.byte_source import ByteSource, SourceChangedError
from functions.core.manifest import Manifest
from functions.core.package_pictures import check_pictures

if TYPE_CHECKING:
    from functions.core.version_records import Upload
    from functions.ports.object_store import ObjectInfo, ObjectStore


@dataclass(frozen=True, slots=True)
class PackageReport:
    problems: tuple[ArchiveProblem, ...]
    manifest: bytes
    """As it lies in the archive; empty where there are problems."""
    etag: str
    """Of the object that was checked."""
    declared: Manifest | None = None
    """What the manifest says; None where there are problems."""
    files: Mapping[str, Entry] = field(default_factory=dict[str, Entry])
    """The package's files by their names, for `archive.read_entry`; none where there are
    problems."""


async def check_package(
    uploads: "ObjectStore", upload: "Upload", expected: manifest.Expected, *, trusts_digest: bool
) -> PackageReport:
    """Collects every problem: identity (size, ETag, SHA-256), archive, manifest, and the pictures
    that it names.

    Without `trusts_digest` the storage took whatever came: the whole object is hashed before
    anything else of it is read, whatever digest the storage tells, and what is not the announced
    package is not opened.
    Raises: ObjectStoreError.
    """
    info = await uploads.head(upload.object_key)
    if info is None:
        return _only("upload-missing", "The uploaded object is gone.")
    told = info.sha256 if trusts_digest else None
    problems = await _identity_problems(uploads, upload, info, told)
    if problems and not trusts_digest:
        return PackageReport(tuple(problems), b"", info.etag)
    source = ByteSource(uploads, upload.object_key, info.etag, info.size)
    try:
        archive = await read_archive(source.read, info.size)
        content, declared, wrong = await _check_manifest(source, archive, expected)
        if declared is not None:
            wrong += await check_pictures(source.read, _files(archive), declared)
    except SourceChangedError:
        return _only("upload-changed", "The uploaded object was changed while it was validated.")
    problems += archive.problems
    problems += wrong
    if problems:
        return PackageReport(tuple(problems), b"", info.etag)
    return PackageReport((), content, info.etag, declared, _files(archive))


def _files(archive: Archive) -> dict[str, Entry]:
    return {entry.name: entry for entry in archive.entries if not entry.is_folder}


async def _check_manifest(
    source: ByteSource, archive: Archive, expected: manifest.Expected
) -> tuple[bytes, Manifest | None, list[ArchiveProblem]]:
    if archive.problems:
        return b"", None, []
    files = _files(archive)
    entry = files.get(manifest.NAME)
    if entry is None:
        detail = f"There is no {manifest.NAME} at the root of the archive."
        return b"", None, [manifest.problem("manifest-missing", detail)]
    if entry.size > manifest.MAX_BYTES:
        detail = f"The manifest has more than {manifest.MAX_BYTES} bytes."
        return b"", None, [manifest.problem("manifest-too-large", detail, value=entry.size)]
    content = await read_entry(source.read, entry, manifest.MAX_BYTES)
    if content is None:
        detail = "The manifest cannot be unpacked to what the archive says of it."
        return b"", None, [manifest.problem("manifest-damaged", detail)]
    declared, problems = manifest.check(content, expected, files.__contains__)
    return content, declared, problems


async def _identity_problems(
    uploads: "ObjectStore", upload: "Upload", info: "ObjectInfo", told: str | None
) -> list[ArchiveProblem]:
    """`told`: the digest as the storage tells it, which needs no second reading."""
    problems: list[ArchiveProblem] = []
    if info.etag != upload.etag:
        problems.append(
            ArchiveProblem(
                "upload-changed", "The uploaded object was changed after it was completed."
            )
        )
    if info.size != upload.size:
        problems.append(
            ArchiveProblem(
                "size-mismatch", f"The package has {info.size} bytes, not {upload.size}."
            )
        )
    sha256 = told or await uploads.sha256(upload.object_key)
    if sha256 != upload.sha256:
        problems.append(
            ArchiveProblem(
                "sha256-mismatch", f"The package has the SHA-256 {sha256}, not {upload.sha256}."
            )
        )
    return problems


def _only(slug: str, detail: str) -> PackageReport:
    return PackageReport((ArchiveProblem(slug, detail),), b"", "")
