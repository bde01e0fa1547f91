"""Whoever takes in tenants' hostnames at the edge of the network and gets certificates for them.

It validates by itself and again from time to time; what it knows shows as two statuses, whose texts
are its own. There is at most one custom hostname of a name.
"""

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

CertificateMethod: TypeAlias = Literal["http", "txt"]
RecordPurpose: TypeAlias = Literal["pre_validation", "certificate"]


class HostnameAuthorityError(Exception):
    """Nothing more can be said than the message does."""


class RefusedError(HostnameAuthorityError):
    """It will not do this, now or later, as far as is known. Nothing was changed."""


class ConflictingHostnameError(RefusedError):
    """There is a custom hostname of that name already."""


class QuotaExhaustedError(RefusedError):
    """It takes no more hostnames until the plan's quota is raised or others go."""


class RateLimitedError(HostnameAuthorityError):
    """Too many calls of the whole account. Nothing was changed."""

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class UnavailableError(HostnameAuthorityError):
    """No usable answer came. Whether a change took effect is unknown."""


@dataclass(frozen=True, slots=True)
class ValidationRecord:
    """A DNS record that the owner may set for a validation."""

    type: Literal["TXT", "CNAME"]
    name: str
    value: str
    purpose: RecordPurpose


@dataclass(frozen=True, slots=True)
class HttpToken:
    """A text that the owner's present server may answer with, for a validation."""

    url: str
    body: str
    purpose: RecordPurpose


@dataclass(frozen=True, slots=True)
class CustomHostname:
    id: str
    name: str
    hostname_status: str
    certificate_status: str | None
    """None: no certificate was asked for."""
    errors: tuple[str, ...] = ()
    """Of its validations, for people."""
    records: tuple[ValidationRecord, ...] = ()
    http_tokens: tuple[HttpToken, ...] = ()


@dataclass(frozen=True, slots=True)
class CustomHostnamePage:
    hostnames: tuple[CustomHostname, ...]
    cursor: str | None
    """Give it to the next `list_page`; None on the last page."""


@dataclass(frozen=True, slots=True)
class Quota:
    used: int
    most: int

    @property
    def is_used_up(self) -> bool:
        return self.used >= self.most


class HostnameAuthority(Protocol):
    """Every call raises: RateLimitedError, UnavailableError, RefusedError."""

    async def find(self, name: str) -> CustomHostname | None: ...

    async def list_page(self, cursor: str | None = None) -> CustomHostnamePage:
        """All of them, in some order that stays the same."""
        ...

    async def get(self, hostname_id: str) -> CustomHostname | None:
        """None where it is gone."""
        ...

    async def create(self, name: str, method: CertificateMethod) -> CustomHostname:
        """Begins both validations.

        Raises also: ConflictingHostnameError, QuotaExhaustedError.
        """
        ...

    async def refresh(self, hostname_id: str, method: CertificateMethod) -> CustomHostname:
        """Begins both validations anew, and gives up what was under way of them."""
        ...

    async def delete(self, hostname_id: str) -> None:
        """One that is not there is a success."""
        ...

    async def quota(self) -> Quota: ...

    async def delegation(self) -> str | None:
        """The name under which `{hostname}.{this}` answers certificate validations for a hostname
        whose `_acme-challenge` is a CNAME to it; None where the zone offers none."""
        ...
