"""What the packages bucket itself proves of a version.

What is believed is what the platform signed: developer, app, version_code, size and SHA-256. Names
come from the manifest beside the package, which was taken out of it and is not signed itself.
"""

from collections.abc import Callable
from dataclasses import dataclass

from functions.core import json_text, manifest, statements
from functions.core.catalog import PackageObject
from functions.core.statements import PackageStatement, SignedStatement

Check = Callable[[SignedStatement], str | None]
"""Why the platform's signature is not to be believed; None: it is."""


@dataclass(frozen=True, slots=True)
class Place:
    """What lies at one version's place in the packages bucket."""

    developer_id: str
    app_id: str
    version_code: int
    statement: bytes | None
    """`statement.json`."""
    manifest: bytes | None
    """`manifest.json`."""
    package_size: int | None
    """None where there is no package."""

    @property
    def object_key(self) -> str:
        return PackageObject(self.developer_id, self.app_id, self.version_code).key


@dataclass(frozen=True, slots=True)
class Proven:
    """A version whose statement the platform signed, and whose package lies where it should."""

    named: PackageStatement
    signed: SignedStatement
    object_key: str
    app_name: str
    version_name: str
    is_named: bool
    """Whether the names are those of a manifest that fits."""


def prove(place: Place, check: Check) -> Proven | str:
    """The version, or why it cannot be believed."""
    if place.statement is None:
        return "there is no signed statement beside it"
    try:
        signed = statements.read_signed_statement(json_text.parse(place.statement))
        named = statements.parse(signed.statement)
    except ValueError as error:
        return f"its statement cannot be read: {error}"
    if (named.developer_id, named.app_id, named.version_code) != (
        place.developer_id,
        place.app_id,
        place.version_code,
    ):
        return "its statement is of another package"
    wrong = check(signed)
    if wrong is not None:
        return f"the platform's signature does not count: {wrong}"
    if place.package_size != named.size:
        return f"the package has {place.package_size} bytes and {named.size} were signed"
    app_name, version_name = _names(place)
    return Proven(
        named,
        signed,
        place.object_key,
        app_name or named.app_id,
        version_name or str(named.version_code),
        bool(app_name and version_name),
    )


def _names(place: Place) -> tuple[str, str]:
    found, _ = manifest.read(place.manifest or b"")
    if found is None or (found.app_id, found.version_code) != (place.app_id, place.version_code):
        return "", ""
    return found.name, found.version_name
