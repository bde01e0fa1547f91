"""What the use-cases share: the platform's limits.

Owns the retention times of DESIGN section 1, so that each transition takes its `due_at` from one
place.
"""

from dataclasses import dataclass

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

DRAFT_KEPT_MS = 30 * DAY_MS
FAILED_KEPT_MS = 24 * HOUR_MS
SUPERSEDED_KEPT_MS = 365 * DAY_MS
TEMP_KEPT_MS = HOUR_MS
"""How long a temp object outlives the expiry of its URL. While the URL lives, the object must:
deleting it would make the URL work a second time, because the URL creates only what is not
there."""

STALE_MULTIPART_MS = 7 * DAY_MS
"""After this a multipart upload counts as abandoned, as R2's own default rule has it."""

ATTEMPTS = 4
"""How often a use-case reads and decides again after another request was faster."""

VALIDATION_DEADLINE_MS = 120_000
"""After this a `validating` version is put into the queue again: its message may be lost."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds. The first three come from the stack's configuration."""

    max_package_bytes: int = 52_428_800
    upload_url_seconds: int = 900
    download_url_seconds: int = 3600
    lease_seconds: int = 30
    """How long a consumer alone works on an upload. One that outlives its lease does no harm (every
    write is conditional), so it is short: it is also how long a killed consumer delays its
    successor."""
