"""The last resort: rows made anew from the signed statements and manifests in the packages
bucket."""

import asyncio
import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.database_records import RestRecords
from cli.failures import Failure
from cli.project import LOCAL_STACK
from cli.recovery import DatabaseId, database_of, deployed
from cli.signature_checks import Keys, check_platform
from cli.stack_config import read
from cli.stored_objects import StoredObjects, stored_objects
from functions.adapters.local.clock import SystemClock
from functions.adapters.local.entropy import SystemEntropy
from functions.core import rebuild as core
from functions.core.catalog import PackageManifest, PackageObject, PackageStatement, parse_public
from functions.core.package_proof import Check, Place, Proven, prove
from functions.ports.records import RecordsError

if TYPE_CHECKING:
    from cli.target import Target
    from functions.core.statements import SignedStatement

_PREFIX = "packages/"
_READERS = 8
"""Versions whose statements are read at once."""


class AppVisibility(StrEnum):
    """Who may download from an app."""

    private = "private"
    public = "public"


Publish = Annotated[
    bool,
    typer.Option(
        "--publish",
        help="Publish what is found. Nothing tells what was a draft or had been pulled.",
    ),
]
Visible = Annotated[
    AppVisibility, typer.Option("--visibility", help="Of apps that the database does not know.")
]
CheckBytes = Annotated[
    bool, typer.Option("--check-bytes", help="Read every package and compare its SHA-256.")
]


@dataclass(frozen=True, slots=True)
class Findings:
    proven: list[Proven]
    problems: list[str]


def rebuild(
    database_id: DatabaseId = None,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    publish: Publish = False,
    visibility: Visible = AppVisibility.private,
    check_bytes: CheckBytes = False,
    as_json: options.Json = False,
) -> None:
    """Make the rows of developers, apps and versions anew that the packages themselves prove: when
    no backup is left, or for versions that were published after the one that was restored.

    Believed is what the platform signed. What has a row stays as it is, so it can be repeated. What
    cannot be recovered: developers' names and keys, who may see an app, tenants and repositories.

    Exit codes: 0 every package has its row, 1 some could not be believed, or it failed, 2 wrong
    usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    target = deployed(scope)
    objects = stored_objects(target, "packages")
    with scope.terminal.working(f"Reading the statements in bucket {objects.bucket}"):
        found = look(objects, platform_check(target), check_bytes=check_bytes)
    wish = core.Wish(visibility.value, publish)
    records = RestRecords(database_of(target, database_id))
    with scope.terminal.working(f"Writing the rows of {len(found.proven)} versions"):
        try:
            done = asyncio.run(
                core.write(records, SystemClock(), SystemEntropy(), found.proven, wish)
            )
        except RecordsError as error:
            raise Failure(f"The database failed: {error} Run it again: it goes on.") from error
    problems = [*found.problems, *done.problems]
    unnamed = [one.object_key for one in found.proven if not one.is_named]
    scope.terminal.document(
        {
            "developers": done.developers,
            "apps": done.apps,
            "versions": done.versions,
            "published": done.published,
            "known": done.known,
            "unnamed": unnamed,
            "problems": problems,
        }
    )
    scope.terminal.result(
        f"Made anew: {done.developers} developers, {done.apps} apps, {done.versions} versions "
        f"({done.published} published); {done.known} versions had their rows."
    )
    if done.developers:
        scope.terminal.say(
            f"Developers are called {core.UNNAMED!r} and have no keys: `stowage keys create --role "
            "developer --subject ID` makes one."
        )
    if unnamed:
        scope.terminal.say(f"Without names, for want of a manifest: {', '.join(unnamed)}")
    if problems:
        raise Failure("\n".join(["Without rows are:", *(f"  - {one}" for one in problems)]))


def platform_check(target: "Target") -> Check:
    """Whether one of the stack's own keys made a signature."""
    keys = Keys({"keys": read(target.engine.config_file).get("platformKeys") or []})

    def check(signed: "SignedStatement") -> str | None:
        found = check_platform(signed, keys, datetime.now(UTC))
        return None if found.ok else found.detail

    return check


def look(objects: StoredObjects, check: Check, *, check_bytes: bool) -> Findings:
    """What the bucket proves, and why the rest is not believed."""
    sizes = dict(objects.listed(_PREFIX))
    packages = [kind for key in sizes if isinstance(kind := parse_public(key), PackageObject)]

    def judge(package: PackageObject) -> Proven | str:
        found = prove(_place(objects, sizes, package), check)
        if isinstance(found, Proven) and check_bytes:
            wrong = _other_bytes(objects, found)
            return wrong or found
        return found

    with ThreadPoolExecutor(_READERS) as readers:
        judged = list(readers.map(judge, packages))
    orphans = _without_package(sizes, packages)
    return Findings(
        [one for one in judged if isinstance(one, Proven)],
        [
            *(
                f"{package.key}: {one}"
                for package, one in zip(packages, judged, strict=True)
                if isinstance(one, str)
            ),
            *(f"{key}: its package is gone" for key in orphans),
        ],
    )


def _place(objects: StoredObjects, sizes: Mapping[str, int], package: PackageObject) -> Place:
    names = (package.developer_id, package.app_id, package.version_code)
    return Place(
        *names,
        _content(objects, PackageStatement(*names).key),
        _content(objects, PackageManifest(*names).key),
        sizes.get(package.key),
    )


def _content(objects: StoredObjects, key: str) -> bytes | None:
    with objects.content(key) as chunks:
        return None if chunks is None else b"".join(chunks)


def _other_bytes(objects: StoredObjects, one: Proven) -> str | None:
    digest = hashlib.sha256()
    with objects.content(one.object_key) as chunks:
        for chunk in chunks or ():
            digest.update(chunk)
    if digest.hexdigest() == one.named.sha256:
        return None
    return "its bytes have another SHA-256 than the signed one"


def _without_package(sizes: Mapping[str, int], packages: list[PackageObject]) -> list[str]:
    there = {package.key.rpartition("/")[0] for package in packages}
    return [
        key
        for key in sizes
        if key.endswith("/statement.json") and key.rpartition("/")[0] not in there
    ]
