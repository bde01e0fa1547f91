"""AWS Signature Version 4 for S3: signing of headers and of queries.

Pure: takes the time and the keys as arguments, knows no HTTP client. The paths of S3 are encoded
once and never normalised, unlike those of other services
(https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html).
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote

from functions.core.times import amz_date

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "s3"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
"""The payload hash of a body that is sent in chunks, each of which is signed (`ChunkSigner`)."""
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
MAX_EXPIRES_SECONDS = 604_800

Pairs = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Credentials:
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SignableRequest:
    """`path` is percent-encoded as it is sent (`/` where empty); `query` holds the decoded pairs;
    `headers` must include `host`."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]


def encode(text: str, *, safe: str = "") -> str:
    """Percent-encoding of everything but RFC 3986's unreserved characters (and `safe`)."""
    return quote(text, safe=f"-_.~{safe}")


def encode_key(key: str) -> str:
    """An object key as it stands in a URL's path."""
    return encode(key, safe="/")


def canonical_query(pairs: Pairs) -> str:
    """Encoded, then sorted by name and value."""
    return "&".join(
        f"{name}={value}" for name, value in sorted((encode(n), encode(v)) for n, v in pairs)
    )


def canonical_headers(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Lower-case names in order; values trimmed, with runs of white space made one."""
    return sorted((name.lower(), " ".join(value.split())) for name, value in headers.items())


def canonical_request(request: SignableRequest, payload_hash: str) -> str:
    headers = canonical_headers(request.headers)
    return "\n".join(
        [
            request.method,
            request.path or "/",
            canonical_query(request.query),
            *(f"{name}:{value}" for name, value in headers),
            "",
            signed_headers(request.headers),
            payload_hash,
        ]
    )


def signed_headers(headers: Mapping[str, str]) -> str:
    return ";".join(sorted(name.lower() for name in headers))


def scope(date: str, region: str) -> str:
    return f"{date}/{region}/{SERVICE}/aws4_request"


@lru_cache(maxsize=32)
def signing_key(secret_access_key: str, date: str, region: str) -> bytes:
    """The key of one day (`YYYYMMDD`). Kept, because it costs four of the five HMACs of a
    signature."""
    key = b"AWS4" + secret_access_key.encode()
    for part in (date, region, SERVICE, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def signature(canonical: str, credentials: Credentials, region: str, timestamp: str) -> str:
    """Lower-case hex. `timestamp` is `YYYYMMDDTHHMMSSZ`."""
    date = timestamp[:8]
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join([ALGORITHM, timestamp, scope(date, region), digest])
    key = signing_key(credentials.secret_access_key, date, region)
    return hmac.digest(key, text.encode(), "sha256").hex()


def sign_headers(
    request: SignableRequest,
    payload_hash: str,
    credentials: Credentials,
    region: str,
    now_ms: int,
) -> dict[str, str]:
    """The headers to send in place of `request.headers`: those, `x-amz-date`,
    `x-amz-content-sha256`, `authorization`, and `x-amz-security-token` where there is a session.
    All but `authorization` are signed."""
    timestamp = amz_date(now_ms)
    headers = {name.lower(): value for name, value in request.headers.items()}
    headers["x-amz-date"] = timestamp
    headers["x-amz-content-sha256"] = payload_hash
    if credentials.session_token is not None:
        headers["x-amz-security-token"] = credentials.session_token
    signable = SignableRequest(request.method, request.path, request.query, headers)
    canonical = canonical_request(signable, payload_hash)
    headers["authorization"] = (
        f"{ALGORITHM} Credential={credentials.access_key_id}/{scope(timestamp[:8], region)}, "
        f"SignedHeaders={signed_headers(headers)}, "
        f"Signature={signature(canonical, credentials, region, timestamp)}"
    )
    return headers


class ChunkSigner:
    """Signs the chunks of a body in their order. Each signature covers the one before it, and the
    body ends with that of an empty chunk, so nothing can be changed, left out or cut off
    (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html).

    `headers` are what `sign_headers` gave for the request.
    """

    def __init__(self, headers: Mapping[str, str], credentials: Credentials, region: str) -> None:
        self._timestamp = headers["x-amz-date"]
        date = self._timestamp[:8]
        self._scope = scope(date, region)
        self._key = signing_key(credentials.secret_access_key, date, region)
        self._previous = headers["authorization"].rpartition("Signature=")[2]

    def sign(self, chunk: bytes) -> str:
        """Lower-case hex."""
        text = "\n".join(
            [
                f"{ALGORITHM}-PAYLOAD",
                self._timestamp,
                self._scope,
                self._previous,
                EMPTY_SHA256,
                hashlib.sha256(chunk).hexdigest(),
            ]
        )
        self._previous = hmac.digest(self._key, text.encode(), "sha256").hex()
        return self._previous


def presign_query(
    request: SignableRequest,
    credentials: Credentials,
    region: str,
    now_ms: int,
    expires_seconds: int,
    payload_hash: str = UNSIGNED_PAYLOAD,
) -> str:
    """The query string that authorises `request` for `expires_seconds` from now; every header of
    the request is signed, so the client must send exactly those.

    Raises: ValueError where `expires_seconds` is not 1 to 604800, the limit of S3 and R2.
    """
    if not 1 <= expires_seconds <= MAX_EXPIRES_SECONDS:
        raise ValueError(f"a URL lives 1 to {MAX_EXPIRES_SECONDS} seconds, not {expires_seconds}")
    timestamp = amz_date(now_ms)
    pairs = [
        *request.query,
        ("X-Amz-Algorithm", ALGORITHM),
        ("X-Amz-Credential", f"{credentials.access_key_id}/{scope(timestamp[:8], region)}"),
        ("X-Amz-Date", timestamp),
        ("X-Amz-Expires", str(expires_seconds)),
        ("X-Amz-SignedHeaders", signed_headers(request.headers)),
    ]
    if credentials.session_token is not None:
        pairs.append(("X-Amz-Security-Token", credentials.session_token))
    signable = SignableRequest(request.method, request.path, tuple(pairs), request.headers)
    canonical = canonical_request(signable, payload_hash)
    mark = signature(canonical, credentials, region, timestamp)
    return f"{canonical_query(pairs)}&X-Amz-Signature={mark}"
