"""Who may do what with every bucket and prefix, as data: docs/access.md shows these tables, and
tests/e2e/test_access.py asks a deployed stack for every cell."""

from collections.abc import Sequence
from dataclasses import dataclass

API_ROLES = (
    "nobody",
    "owner",
    "other developer",
    "tenant",
    "other tenant",
    "operator",
    "root",
    "revoked",
    "expired",
)
"""Whose key a request to the api carries. The owner's is the app's developer; a revoked and an
expired key are asked for as the owner's and as an operator's."""
HOSTS = ("cdn", "tenant", "other tenant", "unknown", "fallback", "api")
S3_KEYS = ("none", "invented", "presign", "publisher", "account")
"""The account's is an operator's own token, which no stack makes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to the api or the edge, and what it is answered to each role or host, in order.
    `{names}` stand for what the test's stack has. A number is the status of a refusal; `yes` is any
    2xx."""

    thing: str
    operation: str
    request: str
    answers: str

    @property
    def cells(self) -> tuple[str, ...]:
        return tuple(self.answers.split())


@dataclass(frozen=True, slots=True)
class Held:
    """What each S3 key may do with a bucket: read, write, list, delete; `-` is nothing, which is
    answered 403."""

    bucket: str
    thing: str
    rights: str

    @property
    def cells(self) -> tuple[str, ...]:
        return tuple(self.rights.split())


# Nothing is asked for that another row deletes: the rows are asked in any order.
API = (
    Asked(
        "uploads", "read", "GET /temp/{upload}/package.mosis", "404 404 404 404 404 404 404 404 404"
    ),
    Asked(
        "uploads", "write", "POST /v1/apps/{app}/versions", "401 yes 404 404 404 403 403 401 401"
    ),
    Asked(
        "uploads, in parts",
        "write",
        "POST /v1/versions/{parted}/multipart",
        "401 yes 404 404 404 403 403 401 401",
    ),
    Asked(
        "uploads, in parts",
        "write",
        "POST /v1/versions/{parted}/multipart/parts/1",
        "401 yes 404 404 404 403 403 401 401",
    ),
    Asked(
        "uploads, in parts",
        "list",
        "GET /v1/versions/{parted}/multipart",
        "401 yes 404 404 404 yes yes 401 401",
    ),
    Asked(
        "uploads, in parts",
        "delete",
        "DELETE /v1/versions/{given_up}/multipart",
        "401 yes 404 404 404 403 403 401 401",
    ),
    Asked(
        "packages of a public app",
        "read",
        "GET /v1/apps/{app}/download",
        "yes yes yes 404 404 yes yes 401 401",
    ),
    Asked(
        "packages of a private app",
        "read",
        "GET /v1/apps/{private}/download",
        "404 yes 404 404 404 yes yes 401 401",
    ),
    Asked("packages", "list", "GET /v1/apps/{app}/versions", "401 yes 404 404 404 yes yes 401 401"),
    Asked(
        "packages",
        "write",
        "POST /v1/versions/{draft}/publish",
        "401 yes 404 404 404 403 403 401 401",
    ),
    Asked(
        "packages",
        "delete",
        "POST /v1/versions/{old}/pull",
        "401 yes 404 404 404 yes yes 401 401",
    ),
    Asked(
        "assets of a public app",
        "read",
        "GET /v1/apps/{app}/icon",
        "yes yes yes 404 404 yes yes 401 401",
    ),
    Asked(
        "assets of a public app",
        "list",
        "GET /v1/apps/{app}/screenshots",
        "yes yes yes 404 404 yes yes 401 401",
    ),
    Asked(
        "assets of a private app",
        "read",
        "GET /v1/apps/{private}/icon",
        "404 yes 404 404 404 yes yes 401 401",
    ),
    Asked(
        "assets of a private app",
        "list",
        "GET /v1/apps/{private}/screenshots",
        "404 yes 404 404 404 yes yes 401 401",
    ),
    *(
        Asked(thing, operation, request, "401 yes 404 404 404 403 403 401 401")
        for thing, app, old_app in (
            ("assets of a public app", "{app}", "{old_app}"),
            ("assets of a private app", "{private}", "{old_private}"),
        )
        for operation, request in (
            ("write", f"PUT /v1/apps/{app}/icon"),
            ("write", f"POST /v1/apps/{app}/screenshots"),
            ("write", f"PUT /v1/apps/{app}/screenshots/order"),
            ("delete", f"DELETE /v1/apps/{old_app}/screenshots/1"),
            ("delete", f"DELETE /v1/apps/{old_app}/icon"),
        )
    ),
    Asked("repositories", "write", "POST /v1/repositories", "401 403 403 404 404 yes yes 401 401"),
    Asked("backups", "write", "POST /v1/backups", "401 403 403 404 404 yes yes 401 401"),
    Asked("backups", "list", "GET /v1/backups", "401 403 403 404 404 yes yes 401 401"),
    Asked(
        "backups", "read", "GET /backups/access/dump.sql.gz", "404 404 404 404 404 404 404 404 404"
    ),
)

_NEVER = (("write", "PUT"), ("delete", "DELETE"))
_REFUSED = "405 405 405 405 405 404"
_NOWHERE = "404 404 404 404 404 404"


def _public(thing: str, path: str, answers: str) -> tuple[Asked, ...]:
    """Something on the edge that may be read at best."""
    folder = path.rpartition("/")[0] + "/"
    return (
        Asked(thing, "read", f"GET {path}", answers),
        Asked(thing, "list", f"GET {folder}", _NOWHERE),
        *(Asked(thing, operation, f"{method} {path}", _REFUSED) for operation, method in _NEVER),
    )


# Nobody is anybody there: an API key changes nothing, which each request is asked with, too.
EDGE = (
    *_public("uploads", "/temp/{upload}/package.mosis", _NOWHERE),
    Asked(
        "packages, with the token of a download URL",
        "read",
        "GET /packages/{developer}/{app}/1/package.mosis?{token}",
        "yes 404 404 404 404 404",
    ),
    *_public("packages", "/packages/{developer}/{app}/1/package.mosis", "403 404 404 404 404 404"),
    *_public(
        "the manifest beside a package", "/packages/{developer}/{app}/1/manifest.json", _NOWHERE
    ),
    *_public(
        "the statement beside a package", "/packages/{developer}/{app}/1/statement.json", _NOWHERE
    ),
    *_public("icons", "/assets/{app}/icon-64.png", "yes 404 404 404 404 404"),
    *_public("icons of a private app", "/assets/{private}/icon-64.png", "yes 404 404 404 404 404"),
    *_public("the keys under which icons are kept", "/assets/{app}/icons/{icon}", _NOWHERE),
    *_public("screenshots", "/assets/{app}/screenshots/1.png", "yes 404 404 404 404 404"),
    *_public("a tenant's file, by its path", "/dists/stable/Release", "404 yes 404 404 404 404"),
    *_public("a generation's file, by its key", "/.stowage/generations/1/files/a", _NOWHERE),
    *_public("a tenant's file, by its key", "/{prefix}dists/stable/Release", _NOWHERE),
    *_public("backups", "/backups/access/dump.sql.gz", _NOWHERE),
)

S3 = (
    Held("uploads", "`temp/**`", "- - rwld - rwld"),
    Held("packages", "`packages/**`", "- - - - rwld"),
    Held("assets", "`assets/**`, icons", "- - - - rwld"),
    Held("assets", "`assets/**`, screenshots", "- - - - rwld"),
    Held("repositories", "a tenant's prefix", "- - - rwld rwld"),
    Held("repositories", "another tenant's prefix", "- - - rwld rwld"),
    Held("backups", "`backups/**`", "- - - - rwld"),
)


def asked_table(rows: Sequence[Asked], columns: Sequence[str]) -> list[str]:
    """As lines of Markdown."""
    named = [(one.thing, one.operation, f"`{one.request}`", *one.cells) for one in rows]
    return _table(("what", "operation", "request", *columns), named)


def held_table() -> list[str]:
    """As lines of Markdown."""
    return _table(("bucket", "what", *S3_KEYS), [(one.bucket, one.thing, *one.cells) for one in S3])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]
