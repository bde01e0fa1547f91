"""The closed set of object kinds. Nobody else formats an object key, a content type or a cache
rule.

| kind | bucket | key |
|---|---|---|
| TempUpload | uploads | `temp/{upload_id}/package.mosis` |
| PackageObject | packages | `packages/{developer_id}/{app_id}/{version_code}/package.mosis` |
| PackageManifest | packages | `packages/{developer_id}/{app_id}/{version_code}/manifest.json` |
| PackageStatement | packages | `packages/{developer_id}/{app_id}/{version_code}/statement.json` |
| Icon | assets | `assets/{app_id}/icon-{32,64,128}.png` |
| IconRendition | assets | `assets/{app_id}/icons/{image_id}/{32,64,128}.png` |
| Screenshot | assets | `assets/{app_id}/screenshots/{n}.png` |
| RepositoryFile | a repository bucket | `{s3_prefix}{path}`, and an index file of a generation \
`{s3_prefix}.stowage/generations/{number}/files/{path}` |
| GenerationPage | a repository bucket | the same folder, `pages/{page}.json` |
| GenerationManifest | a repository bucket | the same folder, `manifest.json` |
| BackupDump | backups | `backups/{yyyy}/{mm}/{yyyymmdd}T{hhmmss}Z-{backup_id}.sql.gz` |
| BackupManifest | backups | the same with `.json` |
"""

import re
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from functions.core import cache_tags
from functions.core.content_types import content_type_of
from functions.core.times import amz_date, parse_amz_date

PACKAGE_TYPE = "application/zip"
IMMUTABLE = "public, max-age=86400, immutable"
LONG = "public, max-age=604800"
"""Icons and screenshots can be replaced under their name; a replacement purges them."""
INDEX = "public, max-age=30, stale-if-error=86400, no-transform"
"""Index files of a repository change in place."""
EXACT = f"{IMMUTABLE}, no-transform"
"""Cloudflare compresses text on its way (and then weakens its ETag and drops its length) unless it
is told not to: developers.cloudflare.com/speed/optimization/content/compression."""
NO_STORE = "no-store"

MAX_KEY_BYTES = 1024
MAX_COMPONENT_BYTES = 255
"""Storages that keep objects as files refuse longer components (DESIGN 4.13)."""

BucketRole: TypeAlias = Literal["uploads", "packages", "assets", "repositories", "backups"]


TEMP_PREFIX = "temp/"


@dataclass(frozen=True, slots=True)
class TempUpload:
    upload_id: str
    bucket: ClassVar[BucketRole] = "uploads"
    content_type: ClassVar[str] = PACKAGE_TYPE
    cache_control: ClassVar[str] = NO_STORE

    @property
    def key(self) -> str:
        return f"{TEMP_PREFIX}{self.upload_id}/package.mosis"

    @property
    def cache_tags(self) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class PackageObject:
    developer_id: str
    app_id: str
    version_code: int
    bucket: ClassVar[BucketRole] = "packages"
    content_type: ClassVar[str] = PACKAGE_TYPE
    cache_control: ClassVar[str] = IMMUTABLE

    @property
    def key(self) -> str:
        return f"packages/{self.developer_id}/{self.app_id}/{self.version_code}/package.mosis"

    @property
    def cache_tags(self) -> tuple[str, ...]:
        return (cache_tags.version(self.app_id, self.version_code), cache_tags.app(self.app_id))


@dataclass(frozen=True, slots=True)
class PackageManifest:
    developer_id: str
    app_id: str
    version_code: int
    bucket: ClassVar[BucketRole] = "packages"
    content_type: ClassVar[str] = "application/json"
    cache_control: ClassVar[str] = IMMUTABLE

    @property
    def key(self) -> str:
        return f"packages/{self.developer_id}/{self.app_id}/{self.version_code}/manifest.json"

    @property
    def cache_tags(self) -> tuple[str, ...]:
        return (cache_tags.version(self.app_id, self.version_code), cache_tags.app(self.app_id))


@dataclass(frozen=True, slots=True)
class PackageStatement:
    """What the package is, with its signatures (`core.statements`)."""

    developer_id: str
    app_id: str
    version_code: int
    bucket: ClassVar[BucketRole] = "packages"
    content_type: ClassVar[str] = "application/json"
    cache_control: ClassVar[str] = IMMUTABLE

    @property
    def key(self) -> str:
        return f"packages/{self.developer_id}/{self.app_id}/{self.version_code}/statement.json"

    @property
    def cache_tags(self) -> tuple[str, ...]:
        return (cache_tags.version(self.app_id, self.version_code), cache_tags.app(self.app_id))


ICON_SIZES = (32, 64, 128)


@dataclass(frozen=True, slots=True)
class Icon:
    app_id: str
    pixels: int
    bucket: ClassVar[BucketRole] = "assets"
    content_type: ClassVar[str] = "image/png"
    cache_control: ClassVar[str] = LONG

    @property
    def key(self) -> str:
        return f"assets/{self.app_id}/icon-{self.pixels}.png"

    @property
    def cache_tags(self) -> tuple[str, ...]:
        return (cache_tags.images(self.app_id), cache_tags.app(self.app_id))


def asset_folder(app_id: str) -> str:
    """What the keys of all assets of an app begin with."""
    return f"assets/{app_id}/"


@dataclass(frozen=True, slots=True)
class IconRendition:
    """One size of one icon, under a key of its own: never served, but what `Icon` is copied
    from."""

    app_id: str
    image_id: str
    pixels: int
    bucket: ClassVar[BucketRole] = "assets"
    content_type: ClassVar[str] = "image/png"
    cache_control: ClassVar[str] = NO_STORE

    @property
    def key(self) -> str:
        return f"assets/{self.app_id}/icons/{self.image_id}/{self.pixels}.png"

    @property
    def cache_tags(self) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Screenshot:
    app_id: str
    number: int
    bucket: ClassVar[BucketRole] = "assets"
    content_type: ClassVar[str] = "image/png"
    cache_control: ClassVar[str] = LONG

    @property
    def key(self) -> str:
        return f"assets/{self.app_id}/screenshots/{self.number}.png"

    @property
    def cache_tags(self) -> tuple[str, ...]:
        return (cache_tags.images(self.app_id), cache_tags.app(self.app_id))


@dataclass(frozen=True, slots=True)
class RepositoryFile:
    """`path` as `serving.decode_path` gives it: relative, without dot segments."""

    location_id: str
    s3_prefix: str
    path: str
    generation: int | None = None
    """Of the location, where it has one. What can change then lies in the generation's own folder;
    what cannot is shared by all generations."""
    bucket: ClassVar[BucketRole] = "repositories"

    @property
    def key(self) -> str:
        if self.generation is None or is_immutable(self.path):
            return self.s3_prefix + self.path
        return f"{generation_folder(self.s3_prefix, self.generation)}files/{self.path}"

    @property
    def content_type(self) -> str:
        return content_type_of(self.path)

    @property
    def cache_control(self) -> str:
        return EXACT if is_immutable(self.path) else INDEX

    @property
    def cache_tags(self) -> tuple[str, ...]:
        tags = (cache_tags.location(self.location_id),)
        if self.generation is None or is_immutable(self.path):
            return tags
        return (*tags, cache_tags.generation(self.location_id, self.generation))


RESERVED = ".stowage"
"""The first component of what is the platform's own in a location. No path may begin with it."""


def generation_folder(s3_prefix: str, number: int) -> str:
    return f"{s3_prefix}{RESERVED}/generations/{number}/"


@dataclass(frozen=True, slots=True)
class GenerationPage:
    """A part of the list of a publication's files, written once all of them were found."""

    s3_prefix: str
    number: int
    page: int
    bucket: ClassVar[BucketRole] = "repositories"
    content_type: ClassVar[str] = "application/json"
    cache_control: ClassVar[str] = NO_STORE

    @property
    def key(self) -> str:
        return f"{generation_folder(self.s3_prefix, self.number)}pages/{self.page}.json"


@dataclass(frozen=True, slots=True)
class GenerationManifest:
    """The index files of a generation, written last before it becomes current."""

    s3_prefix: str
    number: int
    bucket: ClassVar[BucketRole] = "repositories"
    content_type: ClassVar[str] = "application/json"
    cache_control: ClassVar[str] = NO_STORE

    @property
    def key(self) -> str:
        return f"{generation_folder(self.s3_prefix, self.number)}manifest.json"


BACKUPS_PREFIX = "backups/"


@dataclass(frozen=True, slots=True)
class BackupDump:
    """`started_at` counts to the second. Keys sort as the backups were begun."""

    backup_id: str
    started_at: int
    bucket: ClassVar[BucketRole] = "backups"
    content_type: ClassVar[str] = "application/gzip"
    cache_control: ClassVar[str] = NO_STORE

    @property
    def key(self) -> str:
        return _backup_key(self.backup_id, self.started_at) + ".sql.gz"

    @property
    def cache_tags(self) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class BackupManifest:
    """Written behind its dump: a backup that has one is whole."""

    backup_id: str
    started_at: int
    bucket: ClassVar[BucketRole] = "backups"
    content_type: ClassVar[str] = "application/json"
    cache_control: ClassVar[str] = NO_STORE

    @property
    def key(self) -> str:
        return _backup_key(self.backup_id, self.started_at) + ".json"

    @property
    def cache_tags(self) -> tuple[str, ...]:
        return ()


def _backup_key(backup_id: str, started_at: int) -> str:
    stamp = amz_date(started_at)
    return f"{BACKUPS_PREFIX}{stamp[:4]}/{stamp[4:6]}/{stamp}-{backup_id}"


ObjectKind: TypeAlias = (
    TempUpload
    | PackageObject
    | PackageManifest
    | PackageStatement
    | Icon
    | IconRendition
    | Screenshot
    | RepositoryFile
    | BackupDump
    | BackupManifest
)

_PACKAGE = re.compile(r"packages/([0-9a-f-]+)/([a-z0-9._-]+)/([1-9][0-9]{0,15})/package\.mosis")
_ICON = re.compile(r"assets/([a-z0-9._-]+)/icon-(32|64|128)\.png")
_SCREENSHOT = re.compile(r"assets/([a-z0-9._-]+)/screenshots/([1-9][0-9]{0,5})\.png")


def parse_public(key: str) -> PackageObject | Icon | Screenshot | None:
    """The kind of an object that the cdn host may serve (a package only with a token); None for
    every other key."""
    if match := _PACKAGE.fullmatch(key):
        return PackageObject(match[1], match[2], int(match[3]))
    if match := _ICON.fullmatch(key):
        return Icon(match[1], int(match[2]))
    if match := _SCREENSHOT.fullmatch(key):
        return Screenshot(match[1], int(match[2]))
    return None


_BACKUP = re.compile(
    r"backups/([0-9]{4})/([0-9]{2})/(\1\2[0-9]{2}T[0-9]{6}Z)-([0-9a-f-]{36})(\.sql\.gz|\.json)"
)


def parse_backup(key: str) -> BackupDump | BackupManifest | None:
    """The kind of an object in the backups bucket; None for what no backup of ours is called."""
    match = _BACKUP.fullmatch(key)
    started_at = None if match is None else parse_amz_date(match[3])
    if match is None or started_at is None:
        return None
    kind = BackupManifest if match[5] == ".json" else BackupDump
    return kind(match[4], started_at)


def is_immutable(path: str) -> bool:
    """What a repository never changes under one name: packages and files named by their digest."""
    if "/by-hash/" in f"/{path}" or "/pool/" in f"/{path}":
        return True
    return path.endswith((".deb", ".udeb", ".ddeb", ".dsc", ".whl"))
