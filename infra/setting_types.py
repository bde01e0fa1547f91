"""Types of single settings: what each value may look like, with the reason when it does not.

Errors are `ValueError`s whose text is shown to the operator after the setting's name.
"""

import json
import re
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from infra.keys import KEY_BYTES, KEY_ID_FORM, is_base64_of, is_key_id
from infra.naming import PLATFORM_BUCKETS, bucket_name_problem, hostname_problem

_CRON_FIELD = re.compile(r"[0-9A-Za-z*,/#?-]+")


class Plain(BaseModel):
    """A structured setting: it takes its own members and no others."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _hex32(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{32}", value):
        raise ValueError("must be 32 lower-case hex digits, as the Cloudflare dashboard shows it")
    return value


def _hostname(value: str) -> str:
    if problem := hostname_problem(value):
        raise ValueError(problem)
    return value


def _bucket_role(value: str) -> str:
    if problem := bucket_name_problem(value):
        raise ValueError(problem)
    if value in PLATFORM_BUCKETS:
        raise ValueError(f"{value!r} is the name of one of the platform's own buckets")
    return value


def _not_empty(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("must name at least one bucket: the first is where new repositories go")
    return value


def _prefix(value: str) -> str:
    if problem := bucket_name_problem(value):
        raise ValueError(f"begins every bucket's name, and {problem}")
    return value


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    whole = f"{parts.scheme}://{parts.netloc}"
    if parts.scheme not in {"http", "https"} or not parts.hostname or value != whole:
        raise ValueError(
            f"{value!r} is not a base URL like https://cdn.example.com, without a path"
        )
    return value


def _resolver_url(value: str) -> str:
    parts = urlsplit(value)
    whole = f"{parts.scheme}://{parts.netloc}{parts.path}"
    if parts.scheme not in {"http", "https"} or not parts.hostname or value != whole:
        raise ValueError(f"{value!r} is not a URL like https://dns.example.com/dns-query")
    if not parts.path:
        raise ValueError(f"{value!r} has no path; DNS over HTTPS is asked at one, like /dns-query")
    return value


def _some_resolver(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("must name at least one resolver: without, no hostname is ever proven")
    return value


def _origin(value: str) -> str:
    _base_url(value)
    if "*" in value:
        raise ValueError(f"{value!r} would let any site upload; name each origin")
    return value


def _cron(value: str) -> str:
    fields = value.split(" ")
    if len(fields) != 5 or not all(map(_CRON_FIELD.fullmatch, fields)):
        raise ValueError(f"{value!r} is not a cron expression of five fields, like */5 * * * *")
    return value


def _key_id(value: str) -> str:
    if not is_key_id(value):
        raise ValueError(f"{value!r} is not a key id: {KEY_ID_FORM}")
    return value


def _public_key(value: str) -> str:
    if not is_base64_of(value, KEY_BYTES):
        raise ValueError(f"must be the base64 of a {KEY_BYTES}-byte Ed25519 public key")
    return value


def _instant(value: str) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if moment is None or moment.utcoffset() is None:
        raise ValueError(
            f"{value!r} is not an RFC 3339 time with its offset, like 2026-01-31T00:00:00Z"
        )
    return value


def _parsed(value: Any) -> Any:
    """Pulumi hands structured settings to a program as JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError("must be a list or an object (in YAML, or as JSON text)") from None


Structured = BeforeValidator(_parsed)
Hex32 = Annotated[str, AfterValidator(_hex32)]
Hostname = Annotated[str, AfterValidator(_hostname)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
Origin = Annotated[str, AfterValidator(_origin)]
ResolverUrl = Annotated[str, AfterValidator(_resolver_url)]
ResolverUrls = Annotated[tuple[ResolverUrl, ...], AfterValidator(_some_resolver)]
BucketRole = Annotated[str, AfterValidator(_bucket_role)]
Instant = Annotated[str, AfterValidator(_instant)]
BucketRoles = Annotated[tuple[BucketRole, ...], AfterValidator(_not_empty), Structured]
Cron = Annotated[str, AfterValidator(_cron)]
Prefix = Annotated[str, AfterValidator(_prefix)]
KeyId = Annotated[str, AfterValidator(_key_id)]
PublicKey = Annotated[str, AfterValidator(_public_key)]
Location = Literal["apac", "eeur", "enam", "oc", "weur", "wnam"]
Jurisdiction = Literal["default", "eu", "fedramp", "us"]
