"""One S3-compatible server as an administrator reaches it, and the only place that translates its
refusals.

The keys are read from the environment when a request is made, so that neither the state nor a
pickled provider ever holds them, and no message quotes them.
"""

import base64
import hashlib
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError
from botocore.parsers import ResponseParserError

from infra.keys import STORAGE_ORIGIN_HEADER
from infra.naming import is_loopback

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CONFIG: dict[str, Any] = {
    "signature_version": "s3v4",
    "s3": {"addressing_style": "path"},
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
    "retries": {"mode": "standard", "total_max_attempts": 3},
    "connect_timeout": 10,
    "read_timeout": 60,
}
# Nothing of the person's own AWS configuration: it is for another cloud, and a profile that
# AWS_PROFILE names may not even exist. (Name in a file, variable, default, conversion.)
_NOBODYS: Any = {
    "profile": (None, None, None, None),
    "config_file": (None, None, "", None),
    "credentials_file": (None, None, "", None),
}
_CHECKSUM_HEADERS = ("x-amz-checksum-", "x-amz-sdk-checksum-")
_REFUSED_KEYS = frozenset(
    {"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "Forbidden"}
)


class StorageError(Exception):
    """The server could not be brought to what the stack wants, in one sentence or two."""


class RefusedError(StorageError):
    """The server answered, and with a refusal."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code
        """S3's code; where the answer has no body (HEAD), the status."""


class UncertainError(StorageError):
    """Whether the request was carried out is not known."""


@dataclass(frozen=True, slots=True)
class Server:
    storage: str
    """`minio` or `b2`: begins the names of the environment's variables."""
    endpoint: str
    region: str
    origin_secret: str | None = field(default=None, repr=False)
    """Goes with every request to a server behind the zone's proxy."""

    @property
    def variables(self) -> tuple[str, str]:
        """Names of the environment's variables with an administrator's key."""
        start = f"STOWAGE_{self.storage.upper()}"
        return f"{start}_ACCESS_KEY_ID", f"{start}_SECRET_ACCESS_KEY"

    def missing_keys(self) -> str | None:
        """What to do where the environment holds no key, or None."""
        missing = [name for name in self.variables if not os.environ.get(name)]
        if not missing:
            return None
        are = "is" if len(missing) == 1 else "are"
        return (
            f"{' and '.join(missing)} {are} not set: the buckets on {self} are made with an "
            "administrator's key, which is read from the environment and stored nowhere. Export "
            "it (for the local cloud: `stowage env`)."
        )

    def client(self) -> "S3Client":
        """Raises: StorageError without keys."""
        if missing := self.missing_keys():
            raise StorageError(missing)
        key_id, secret = (os.environ[name] for name in self.variables)
        session: Any = botocore.session.Session(session_vars=_NOBODYS)
        proxies: dict[str, str] | None = {} if is_loopback(self.endpoint) else None
        client = session.create_client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            config=Config(**_CONFIG, proxies=proxies),
        )
        client.meta.events.register("before-sign.s3", _with_md5)
        if self.origin_secret is not None:
            # After signing: the proxy reads it, and the server need not see it.
            client.meta.events.register("before-send.s3", self._carry_secret)
        return cast("S3Client", client)

    @contextmanager
    def asked_to(self, what: str) -> Generator[None]:
        """Translates what goes wrong while the server is asked to do something.

        Raises: RefusedError, UncertainError.
        """
        try:
            yield
        except ClientError as error:
            raise self._refusal(what, error) from None
        except (ConnectionError, HTTPClientError, ResponseParserError) as error:
            # Names the fault and not its text, which may hold the whole request.
            raise UncertainError(
                f"{self} did not answer when asked to {what} ({type(error).__name__}). Is it "
                "running, and does its name lead to it?"
            ) from None

    def _refusal(self, what: str, error: ClientError) -> StorageError:
        answer = cast("dict[str, Any]", error.response)
        code = str(answer.get("Error", {}).get("Code", ""))
        status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        said = self._without_secrets(str(answer.get("Error", {}).get("Message", ""))).rstrip(".")
        message = f"{self} refused to {what}: {status} {code} ({said})."
        if code in _REFUSED_KEYS:
            message += f" Do {' and '.join(self.variables)} hold an administrator's key of it?"
        if status >= 500 and status != 501:
            return UncertainError(message)
        return RefusedError(message, code)

    def _without_secrets(self, text: str) -> str:
        for secret in (os.environ.get(self.variables[1]), self.origin_secret):
            if secret:
                text = text.replace(secret, "[secret]")
        return text

    def _carry_secret(self, request: Any, **_: object) -> None:
        request.headers[STORAGE_ORIGIN_HEADER] = self.origin_secret

    def __str__(self) -> str:
        return f"{self.storage} ({self.endpoint})"


def _with_md5(request: Any, **_: object) -> None:
    """Where S3 insists on a checksum (CORS, lifecycle, policy) botocore sends its own headers,
    which Backblaze refuses; every server takes Content-MD5."""
    checksums = [name for name in request.headers if name.lower().startswith(_CHECKSUM_HEADERS)]
    if checksums:
        for name in checksums:
            del request.headers[name]
        digest = hashlib.md5(request.body, usedforsecurity=False).digest()
        request.headers["Content-MD5"] = base64.b64encode(digest).decode()
