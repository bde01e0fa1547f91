"""What the use-cases share: the platform's limits, and how long things are kept."""

from dataclasses import dataclass

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

ATTEMPTS = 4
"""How often a use-case reads and decides again after another request was faster."""

VALIDATION_DEADLINE_MS = 120_000
"""After this a `validating` version is put into the queue again: its message may be lost."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long versions are kept in a state that is not for ever, in milliseconds; each transition
    takes its `due_at` from here. From the stack's configuration; the defaults are DESIGN's."""

    draft_ms: int = 30 * DAY_MS
    rejected_ms: int = 7 * DAY_MS
    failed_ms: int = 24 * HOUR_MS
    superseded_ms: int = 365 * DAY_MS
    """Published versions since another took their place, and pulled ones since they were pulled:
    both can be made current again meanwhile."""
    temp_ms: int = HOUR_MS
    """How long a temp object outlives the expiry of its URL. While the URL lives, the object must:
    deleting it would make the URL work a second time, because the URL creates only what is not
    there."""


DESIGNED = Retention()


@dataclass(frozen=True, slots=True)
class Quotas:
    """How much one developer may use; None: as much as it likes. From the stack's
    configuration."""

    open_uploads: int | None = None
    """Versions that wait for their package at the same time."""
    uploads_per_day: int | None = None
    stored_bytes: int | None = None
    """Of all its versions together."""


UNLIMITED = Quotas()


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds. The first four, `retention` and `quotas` come from the
    stack's configuration."""

    max_package_bytes: int = 52_428_800
    multipart_threshold_bytes: int = 16_777_216
    """Packages of more may come in parts."""
    upload_url_seconds: int = 900
    download_url_seconds: int = 3600
    lease_seconds: int = 30
    """How long a consumer alone works on an upload. One that outlives its lease does no harm (every
    write is conditional), so it is short: it is also how long a killed consumer delays its
    successor."""
    retention: Retention = DESIGNED
    quotas: Quotas = UNLIMITED
