from typing import get_args

import pytest

from functions.core import catalog
from functions.core.catalog import (
    BackupDump,
    BackupManifest,
    Icon,
    IconRendition,
    ObjectKind,
    PackageManifest,
    PackageObject,
    PackageStatement,
    RepositoryFile,
    Screenshot,
    TempUpload,
    parse_backup,
    parse_public,
)

BACKUP = "01a0c450-6c00-7d07-acd8-be6f9f6209c2"
DAY = "public, max-age=86400, immutable"


@pytest.mark.parametrize(
    ("kind", "bucket", "key", "content_type", "cache_control", "tags"),
    [
        (
            TempUpload("u"),
            "uploads",
            "temp/u/package.mosis",
            "application/zip",
            "no-store",
            (),
        ),
        (
            PackageObject("d", "a.b", 7),
            "packages",
            "packages/d/a.b/7/package.mosis",
            "application/zip",
            DAY,
            ("version:a.b/7", "app:a.b"),
        ),
        (
            PackageManifest("d", "a.b", 7),
            "packages",
            "packages/d/a.b/7/manifest.json",
            "application/json",
            DAY,
            ("version:a.b/7", "app:a.b"),
        ),
        (
            PackageStatement("d", "a.b", 7),
            "packages",
            "packages/d/a.b/7/statement.json",
            "application/json",
            DAY,
            ("version:a.b/7", "app:a.b"),
        ),
        (
            Icon("a.b", 32),
            "assets",
            "assets/a.b/icon-32.png",
            "image/png",
            "public, max-age=604800",
            ("images:a.b", "app:a.b"),
        ),
        (
            IconRendition("a.b", "i", 64),
            "assets",
            "assets/a.b/icons/i/64.png",
            "image/png",
            "no-store",
            (),
        ),
        (
            Screenshot("a.b", 2),
            "assets",
            "assets/a.b/screenshots/2.png",
            "image/png",
            "public, max-age=604800",
            ("images:a.b", "app:a.b"),
        ),
        (
            RepositoryFile("l", "l/", "pool/main/a.deb"),
            "repositories",
            "l/pool/main/a.deb",
            "application/vnd.debian.binary-package",
            f"{DAY}, no-transform",
            ("location:l",),
        ),
        (
            RepositoryFile("l", "l/", "pool/main/a.dsc", 3),
            "repositories",
            "l/pool/main/a.dsc",
            "text/plain; charset=utf-8",
            f"{DAY}, no-transform",
            ("location:l",),
        ),
        (
            RepositoryFile("l", "l/", "dists/stable/InRelease", 3),
            "repositories",
            "l/.stowage/generations/3/files/dists/stable/InRelease",
            "text/plain; charset=utf-8",
            "public, max-age=30, stale-if-error=86400, no-transform",
            ("location:l", "generation:l/3"),
        ),
        (
            RepositoryFile("l", "", "dists/stable/Release"),
            "repositories",
            "dists/stable/Release",
            "text/plain; charset=utf-8",
            "public, max-age=30, stale-if-error=86400, no-transform",
            ("location:l",),
        ),
        (
            BackupDump(BACKUP, 1_790_000_000_999),
            "backups",
            f"backups/2026/09/20260921T141320Z-{BACKUP}.sql.gz",
            "application/gzip",
            "no-store",
            (),
        ),
        (
            BackupManifest(BACKUP, 1_790_000_000_999),
            "backups",
            f"backups/2026/09/20260921T141320Z-{BACKUP}.json",
            "application/json",
            "no-store",
            (),
        ),
    ],
)
def test_each_kind_owns_its_key_type_cache_rule_and_tags(
    kind: ObjectKind,
    bucket: str,
    key: str,
    content_type: str,
    cache_control: str,
    tags: tuple[str, ...],
) -> None:
    assert (kind.bucket, kind.key, kind.content_type) == (bucket, key, content_type)
    assert (kind.cache_control, kind.cache_tags) == (cache_control, tags)


@pytest.mark.parametrize(
    ("path", "immutable"),
    [
        ("pool/main/h/hello/hello_1.dsc", True),
        ("dists/stable/main/binary-amd64/by-hash/SHA256/abc", True),
        ("by-hash/x", True),
        ("any/where/a.udeb", True),
        ("debian/pool/main/h/hello/hello_1.dsc", True),
        ("files/hello-1.0-py3-none-any.whl", True),
        ("dists/stable/InRelease", False),
        ("dists/stable/main/binary-amd64/Packages.gz", False),
        ("spool/x", False),
        ("by-hash", False),
    ],
)
def test_only_what_never_changes_is_immutable(path: str, immutable: bool) -> None:
    assert ("immutable" in RepositoryFile("l", "l/", path).cache_control) == immutable


@pytest.mark.parametrize(
    "kind",
    [PackageObject("0d", "a.b", 7), Icon("a", 128), Screenshot("a", 1), Screenshot("a", 999_999)],
)
def test_a_public_key_is_read_back_as_its_kind(kind: ObjectKind) -> None:
    assert parse_public(kind.key) == kind


@pytest.mark.parametrize("kind", [BackupDump(BACKUP, 0), BackupManifest(BACKUP, 9_000)])
def test_the_key_of_a_backup_is_read_back_as_its_kind(kind: BackupDump | BackupManifest) -> None:
    assert parse_backup(kind.key) == kind


@pytest.mark.parametrize(
    "key",
    [
        "backups/2026/09/20260921T141320Z-x.json",
        f"backups/2026/10/20260921T141320Z-{BACKUP}.json",
        f"backups/2026/09/20260931T141320Z-{BACKUP}.json",
        f"backups/2026/09/20260921T141320Z-{BACKUP}.sql",
        f"x/backups/2026/09/20260921T141320Z-{BACKUP}.json",
        "",
    ],
)
def test_other_keys_are_no_backups(key: str) -> None:
    assert parse_backup(key) is None


@pytest.mark.parametrize(
    "kind",
    [
        TempUpload("u"),
        PackageManifest("0d", "a.b", 7),
        IconRendition("a", "0123", 64),
        Screenshot("a", 0),
        Screenshot("a", 1_000_000),
        Icon("a", 256),
    ],
)
def test_every_other_key_is_not_public(kind: ObjectKind) -> None:
    assert parse_public(kind.key) is None


def test_the_catalogue_documents_every_kind() -> None:
    assert catalog.__doc__ is not None
    for kind in get_args(ObjectKind):
        assert f"| {kind.__name__} |" in catalog.__doc__
