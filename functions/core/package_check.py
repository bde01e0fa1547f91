"""Whether an uploaded object is the package that its developer announced. Reads by ranges; writes
nothing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.core import manifest
from functions.core.archive import read_archive
from functions.core.archive_content import check_contents, read_entry
from functions.core.archive_names import ArchiveProblem
from functions.core.byte_source import ByteSource, SourceChangedError

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


async def check_package(
    uploads: "ObjectStore", upload: "Upload", expected: manifest.Expected, *, trusts_digest: bool
) -> PackageReport:
    """Collects every problem: identity (size, ETag, SHA-256), archive, manifest.

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
    content = b""
    source = ByteSource(uploads, upload.object_key, info.etag, info.size)
    try:
        archive = await read_archive(source)
        if not archive.problems:
            await check_contents(archive, source)
        problems += archive.problems
        if not archive.problems:
            entry = next((e for e in archive.entries if e.name == manifest.NAME), None)
            found = await read_entry(source, entry, manifest.MAX_BYTES) if entry else None
            content = found or b""
            problems += _manifest_problems(found, expected, is_there=entry is not None)
    except SourceChangedError:
        return _only("upload-changed", "The uploaded object was changed while it was validated.")
    return PackageReport(tuple(problems), content, info.etag)


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


def _manifest_problems(
    content: bytes | None, expected: manifest.Expected, *, is_there: bool
) -> list[ArchiveProblem]:
    if not is_there:
        detail = f"There is no {manifest.NAME} at the root of the archive."
        return [ArchiveProblem("manifest-missing", detail, manifest.NAME)]
    if content is None:
        detail = (
            f"The manifest cannot be unpacked: it is damaged or has more than "
            f"{manifest.MAX_BYTES} bytes."
        )
        return [ArchiveProblem("manifest-damaged", detail, manifest.NAME)]
    return manifest.check(content, expected)


def _only(slug: str, detail: str) -> PackageReport:
    return PackageReport((ArchiveProblem(slug, detail),), b"", "")
