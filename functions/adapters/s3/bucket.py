"""One bucket on one S3-compatible server: how a call on it becomes a signed request.

Path style everywhere: `endpoint/bucket/key`. What a server has to see unchanged is signed, so that
a proxy that drops a condition or a checksum causes a refusal and no weaker put.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from functions.adapters.s3.signed_chunks import SignedChunks, framed_length
from functions.core import sigv4
from functions.core.storages import StorageProfile
from functions.ports.fetch import FetchRequest
from functions.ports.object_store import Body, ObjectStoreError

ORIGIN_HEADER = "x-stowage-origin"
"""Carries the secret that the server's proxy asks of every request. Not signed: the proxy takes it
off."""
MAX_KEY_BYTES = 1024
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class Call:
    """One operation, before it is signed."""

    action: str
    """For messages: `get`, `put`."""
    method: str
    key: str | None = None
    """None for an operation on the bucket."""
    query: tuple[tuple[str, str], ...] = ()
    """Decoded pairs."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Names in lower case; all of them are signed."""
    body: bytes | Body | None = None
    length: int | None = None
    payload_hash: str = sigv4.EMPTY_SHA256
    """Hex SHA-256 of the body where it is known, which the server then verifies; else what
    `sigv4` says of bodies."""
    answers: frozenset[int] = frozenset({200})
    """Statuses that are no failure."""
    is_repeatable: bool = False
    """Doing it twice leaves what doing it once leaves."""

    @property
    def subject(self) -> str:
        return self.action if self.key is None else f"{self.action} {self.key!r}"


@dataclass(frozen=True, slots=True)
class S3Bucket:
    profile: StorageProfile
    endpoint: str
    """Base URL of the server, no trailing slash."""
    region: str
    name: str
    """As the server calls it."""
    credentials: sigv4.Credentials
    origin_secret: str | None = field(default=None, repr=False)

    def request(self, call: Call, now_ms: int) -> FetchRequest:
        """Raises: ObjectStoreError where the key cannot stand in a URL or a value in a header."""
        base = urlsplit(self.endpoint)
        path = f"{base.path}/{sigv4.encode(self.name)}"
        if call.key is not None:
            path += f"/{sigv4.encode_key(_checked_key(call.key))}"
        # As every client sends it: without the port that the scheme implies.
        host = base.netloc.removesuffix(_DEFAULT_PORTS.get(base.scheme, ""))
        headers = {**_checked_headers(call), "host": host}
        body, length = call.body, call.length or 0
        is_framed = call.payload_hash == sigv4.SIGNED_CHUNKS
        if is_framed:
            # Without `content-encoding: aws-chunked`, which servers keep with the object.
            headers["x-amz-decoded-content-length"] = str(length)
        signable = sigv4.SignableRequest(call.method, path, call.query, headers)
        headers = sigv4.sign_headers(
            signable, call.payload_hash, self.credentials, self.region, now_ms
        )
        if is_framed:
            signer = sigv4.ChunkSigner(headers, self.credentials, self.region)
            body, length = SignedChunks(body or b"", length, signer), framed_length(length)
        del headers["host"]
        # Compressed on the way, an object would lose its length; proxies rewrite this header.
        headers["accept-encoding"] = "identity"
        if self.origin_secret is not None:
            headers[ORIGIN_HEADER] = self.origin_secret
        query = sigv4.canonical_query(call.query)
        url = f"{base.scheme}://{host}{path}" + (f"?{query}" if query else "")
        return FetchRequest(call.method, url, headers, body, length)


def _checked_headers(call: Call) -> Mapping[str, str]:
    for name, value in call.headers.items():
        if not (value.isascii() and value.isprintable()):
            raise ObjectStoreError(f"{call.subject}: {name} is not printable ASCII")
    return call.headers


def _checked_key(key: str) -> str:
    """Raises: ObjectStoreError for a key that no storage takes, or that a URL would change on the
    way: every URL parser resolves dot segments, and then another object would be meant."""
    try:
        length = len(key.encode())
    except UnicodeEncodeError:
        raise ObjectStoreError(f"the key {key!r} is no Unicode text") from None
    if not 1 <= length <= MAX_KEY_BYTES:
        raise ObjectStoreError(f"a key has 1 to {MAX_KEY_BYTES} bytes: {key!r}")
    if {".", ".."} & set(key.split("/")):
        raise ObjectStoreError(f"the key {key!r} has a dot segment, which no URL can carry")
    return key
