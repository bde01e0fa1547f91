"""When a call is tried again, and how long after. Pure."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retries:
    attempts: int = 4
    base_seconds: float = 0.1
    cap_seconds: float = 5.0
    deadline_seconds: float = 30.0
    """For the call as a whole: all attempts and the waits between them, until the head of the
    answer. A body that is sent adds what it takes at `least_bytes_per_second`."""
    least_bytes_per_second: int = 128 * 1024

    def deadline(self, length: int | None) -> float:
        """Seconds."""
        return self.deadline_seconds + (length or 0) / self.least_bytes_per_second

    def wait(self, attempt: int, chance: float, asked: float | None) -> float:
        """Seconds between the `attempt`th attempt (from 1) and the next: any part of a doubling,
        capped span (`chance` in 0..1: full jitter), so that clients that failed together do not
        come back together; but never sooner than the server `asked` for."""
        span = min(self.cap_seconds, self.base_seconds * 2 ** (attempt - 1))
        return max(span * chance, asked or 0.0)


def seconds_of(header: str | None) -> float | None:
    """Of a Retry-After; a date in their place, which no storage sends, counts as nothing."""
    if header is None or not re.fullmatch(r"\s*[0-9]{1,6}\s*", header):
        return None
    return float(header)
