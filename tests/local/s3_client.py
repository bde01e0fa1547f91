"""Clients of the S3 face: boto3, and requests signed by botocore but sent byte for byte."""

import hashlib
import hmac
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import boto3
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from tests.local.workerd_host import Answer, Json, WorkerdHost

UPLOADS = "stowage-dev-uploads"
REPOSITORIES = "stowage-dev-repositories"
UNBOUND = "stowage-dev-gone"

WRITER = Credentials("writer-of-this-test", "secret-of-the-writer")
READER = Credentials("reader-of-this-test", "secret-of-the-reader")
STRANGER = Credentials("stranger-of-this-test", "secret-of-the-stranger")

CORS_RULES: list[Json] = [
    {
        "allowed": {
            "methods": ["PUT"],
            "origins": ["https://dev.stowage.test", "https://*.partner.test"],
            "headers": ["content-type", "x-amz-*", "if-none-match"],
        },
        "expose_headers": ["ETag"],
        "max_age_seconds": 600,
    },
]


def token(credentials: Credentials, buckets: list[str], permission: str) -> Json:
    return {
        "access_key_id": credentials.access_key,
        "secret_access_key": credentials.secret_key,
        "buckets": buckets,
        "permission": permission,
    }


def start_s3(folder: Path) -> WorkerdHost:
    """A host with two buckets and two tokens; the writer's scope names a third, missing bucket."""
    host = WorkerdHost(folder)
    tokens = [
        token(WRITER, [UPLOADS, UNBOUND], "write"),
        token(READER, [UPLOADS], "read"),
    ]
    try:
        host.apply(
            buckets=[UPLOADS, REPOSITORIES],
            s3={"region": "auto", "tokens": tokens, "cors": {UPLOADS: CORS_RULES}},
        )
    except BaseException:
        host.close()
        raise
    return host


def boto_client(host: WorkerdHost, credentials: Credentials = WRITER, **config: Any) -> Any:
    """boto3's S3 client in path style, which tries each call once."""
    make_client = cast("Any", boto3).client
    return make_client(
        "s3",
        endpoint_url=endpoint(host),
        region_name="auto",
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": 1},
            **config,
        ),
    )


def endpoint(host: WorkerdHost) -> str:
    return f"http://127.0.0.1:{host.ports['s3']}"


def path_of(bucket: str, key: str = "") -> str:
    return f"/{bucket}" + (f"/{quote(key, safe='/~')}" if key else "")


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed request, ready to be tampered with and sent."""

    method: str
    path: str
    headers: dict[str, str]

    def send(
        self,
        server: WorkerdHost,
        body: bytes | Iterable[bytes] | None = None,
        /,
        **headers: str | None,
    ) -> Answer:
        """Sends it; `headers` (x_amz_date for x-amz-date) replace its own, None leaves one out."""
        changes = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {
            name: value for name, value in {**self.headers, **changes}.items() if value is not None
        }
        return server.request("s3", self.method, self.path, body, sent)


def sign(
    host: WorkerdHost,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    credentials: Credentials = WRITER,
    region: str = "auto",
) -> Signed:
    """Signs with botocore's header authentication; a given x-amz-content-sha256 is kept."""
    request = AWSRequest(method, endpoint(host) + path, headers=dict(headers or {}), data=body)
    signer = cast("Any", S3SigV4Auth(credentials, "s3", region))
    payload = (headers or {}).get("x-amz-content-sha256")
    if payload is not None:

        def given_payload(_request: AWSRequest) -> str:
            return payload

        signer.payload = given_payload
    signer.add_auth(request)
    return Signed(
        method, path, {name.lower(): str(value) for name, value in request.headers.items()}
    )


def presign(
    host: WorkerdHost,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    expires: int = 900,
    credentials: Credentials = WRITER,
) -> Signed:
    """Signs with botocore's query authentication; all `headers` are signed and sent."""
    request = AWSRequest(method, endpoint(host) + path, headers=dict(headers or {}))
    S3SigV4QueryAuth(credentials, "s3", "auto", expires=expires).add_auth(request)
    return Signed(
        method, cast("str", request.url).removeprefix(endpoint(host)), dict(headers or {})
    )


def turn_clock(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Makes botocore sign with a time that is `seconds` from now."""
    then = datetime.fromtimestamp(time.time() + seconds, UTC).replace(tzinfo=None)

    def the_time(remove_tzinfo: bool = True) -> datetime:
        return then

    monkeypatch.setattr("botocore.auth.get_current_datetime", the_time)


def error_code(answer: Answer) -> str:
    """The code of an error document, empty when there is none."""
    found = re.search(r"<Code>(\w+)</Code>", answer.text)
    return found[1] if found else ""


def keys_of(host: WorkerdHost, bucket: str = UPLOADS) -> list[str]:
    """What is stored, read past the S3 face."""
    return [entry["key"] for entry in host.admin("GET", f"/r2/{bucket}").json()["objects"]]


def empty(host: WorkerdHost, bucket: str = UPLOADS) -> None:
    for key in keys_of(host, bucket):
        host.admin("DELETE", f"/r2/{bucket}/{quote(key, safe='')}")


class ChunkSigner:
    """Signs the chunks of a STREAMING-AWS4-HMAC-SHA256-PAYLOAD[-TRAILER] body."""

    def __init__(self, signed: Signed, credentials: Credentials = WRITER) -> None:
        authorization = signed.headers["authorization"]
        self._date = signed.headers["x-amz-date"]
        found = re.search(r"Credential=[^/]+/([^,]+),", authorization)
        assert found
        self._scope = found[1]
        self._previous = authorization.rpartition("Signature=")[2]
        self._key = f"AWS4{credentials.secret_key}".encode()
        for part in self._scope.split("/"):
            self._key = hmac.digest(self._key, part.encode(), "sha256")

    def _sign(self, algorithm: str, *hashes: str) -> str:
        lines = [algorithm, self._date, self._scope, self._previous, *hashes]
        self._previous = hmac.digest(self._key, "\n".join(lines).encode(), "sha256").hex()
        return self._previous

    def chunk(self, data: bytes) -> bytes:
        nothing = hashlib.sha256(b"").hexdigest()
        signature = self._sign(
            "AWS4-HMAC-SHA256-PAYLOAD", nothing, hashlib.sha256(data).hexdigest()
        )
        tail = data + b"\r\n" if data else b""
        return f"{len(data):x};chunk-signature={signature}\r\n".encode() + tail

    def trailer(self, name: str, value: str) -> bytes:
        line = f"{name}:{value}\n".encode()
        signature = self._sign("AWS4-HMAC-SHA256-TRAILER", hashlib.sha256(line).hexdigest())
        return f"{name}:{value}\r\nx-amz-trailer-signature:{signature}\r\n".encode()
