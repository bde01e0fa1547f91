"""What the tests of the edge serve, the same from memory and from workerd: two tenants, one of them
with two hostnames, assets and a package."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from functions.core.download_tokens import DownloadKeys, sign
from functions.ports.records import Statement

ZONE = "stowage.test"
CDN = "cdn.stowage.test"
ONE, ONE_AGAIN, TWO = "apt.one.example", "www.one.example", "apt.two.example"
UNKNOWN = "nobody.example"

PACKAGES, ASSETS = "edge-packages", "edge-assets"
REPOSITORIES, MORE = "edge-repositories", "edge-more"
BUCKETS = (PACKAGES, ASSETS, REPOSITORIES, MORE)

TENANT_ONE, TENANT_TWO = (f"019ce0b8-0000-7000-8000-00000000000{n}" for n in (1, 2))
LOCATION_ONE, LOCATION_TWO = (f"019ce0b8-0000-7000-8000-0000000000a{n}" for n in (1, 2))
VERSION = "019ce0b8-1111-7222-8333-444455556666"
DEVELOPER = "019ce0b8-2222-7222-8333-444455556666"
APP = "org.example.app"
DOWNLOAD_KEYS = DownloadKeys("d1", {"d1": hashlib.sha256(b"download key of the edge").digest()})

INDEX = "/dists/stable/InRelease"
DIGITS = b"0123456789"
PACKAGE_KEY = f"packages/{DEVELOPER}/{APP}/7/package.mosis"
ICON = f"/assets/{APP}/icon-64.png"

FILES: Mapping[str, bytes] = {
    "dists/stable/InRelease": DIGITS,
    "dists/stable/Release.gpg": b"signature",
    "dists/stable/main/binary-amd64/Packages": b"Package: hello\n" * 40,
    "dists/stable/main/binary-amd64/Packages.gz": b"\x1f\x8b packed",
    "dists/stable/main/binary-amd64/by-hash/SHA256/abc": b"by hash",
    "pool/main/libstdc++_1:2~rc1+3_amd64.deb": b"a package",
    "pool/main/hello_1.dsc": b"Format: 3.0\n",
    "a b/\u00fc \u20ac.txt": b"spaces",
    "100%25.txt": b"a percent sign and two digits",
    "empty": b"",
    "simple/hello/index.html": b"<a href='hello-1-py3-none-any.whl'>hello</a>",
    "script.js": b"alert(1)",
    "...": b"three dots",
}
"""Of tenant one; tenant two has the same paths with other bytes."""


def of_two(content: bytes) -> bytes:
    return content[::-1] + b" of two"


OBJECTS: Mapping[tuple[str, str], bytes] = {
    **{(REPOSITORIES, f"{LOCATION_ONE}/{path}"): content for path, content in FILES.items()},
    **{(REPOSITORIES, f"{LOCATION_TWO}/{path}"): of_two(body) for path, body in FILES.items()},
    (REPOSITORIES, "secret.txt"): b"in no tenant's prefix",
    (MORE, "secret.txt"): b"in no tenant's prefix",
    (PACKAGES, PACKAGE_KEY): DIGITS * 10,
    (PACKAGES, PACKAGE_KEY.replace("package.mosis", "manifest.json")): b"{}",
    (ASSETS, ICON[1:]): b"\x89PNG 64",
    (ASSETS, f"assets/{APP}/screenshots/1.png"): b"\x89PNG 1",
    (ASSETS, f"assets/{APP}/secret.txt"): b"no asset",
}
INSIDE = (
    *BUCKETS,
    *(TENANT_ONE, TENANT_TWO, LOCATION_ONE, LOCATION_TWO),
    "x-stowage",
    "cache-tag",
    "cf-cache",
    "sqlite",
    "Traceback",
)
"""What no answer may name."""


def package_path(seconds: int, now_ms: int, version_id: str = VERSION) -> str:
    """With a token that is good for so long."""
    query = sign(version_id, PACKAGE_KEY, DOWNLOAD_KEYS, now_ms // 1000 + seconds)
    return f"/{PACKAGE_KEY}?{query}"


def path_of(path: str) -> str:
    return "/" + quote(path, safe="/~+")


def statements() -> list[Statement]:
    """The rows behind the hostnames."""
    made: list[Statement] = []
    for tenant, location in ((TENANT_ONE, LOCATION_ONE), (TENANT_TWO, LOCATION_TWO)):
        made += [
            Statement(
                "INSERT INTO tenant (id, name, created_at, revision) VALUES (?, 'T', 1, 1)",
                (tenant,),
            ),
            Statement(
                "INSERT INTO location (id, tenant_id, s3_bucket, s3_prefix, created_at, revision)"
                " VALUES (?, ?, ?, ?, 1, 1)",
                (location, tenant, REPOSITORIES, f"{location}/"),
            ),
        ]
    hosts = ((ONE, TENANT_ONE, LOCATION_ONE), (ONE_AGAIN, TENANT_ONE, LOCATION_ONE))
    for name, tenant, location in (*hosts, (TWO, TENANT_TWO, LOCATION_TWO)):
        made.append(hostname(name, tenant, location))
    return made


def hostname(name: str, tenant: str, location: str) -> Statement:
    return Statement(
        "INSERT INTO hostname"
        " (id, name, tenant_id, location_id, state, proven_at, created_at, revision)"
        " VALUES (?, ?, ?, ?, 'active', 1, 1, 1)",
        (f"id-of-{name}", name, tenant, location),
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, read to its end."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    calls: tuple[str, ...] = field(default=())
    """What was asked of buckets (`get`, `head`) and of the database (`sql`)."""
