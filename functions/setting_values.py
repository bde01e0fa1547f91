"""Values of a Worker's settings: their types, and how each is read from the text of a variable.

Standard library only: the edge Worker carries nothing else.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast

from functions.core.key_ring import KeyRing
from functions.core.platform import DAY_MS, HOUR_MS, Quotas, Retention


class SettingsError(Exception):
    """Every setting that is missing or wrong, by name. It never repeats a value: some are
    secret."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(
            "this Worker's settings are not usable: "
            + "; ".join(problems)
            + ". They are bindings of the Worker: mend the stack's configuration, then `stowage up`"
        )
        self.problems = problems


@dataclass(frozen=True, slots=True)
class SigningKey:
    id: str
    seed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PlatformKey:
    """A public key of the platform's signatures; the times are RFC 3339, None: without end."""

    id: str
    algorithm: str
    public_key: str
    not_before: str
    not_after: str | None


@dataclass(frozen=True, slots=True)
class BackupRhythm:
    every_hours: int
    """0: only when asked for."""
    keep_days: int


@dataclass(frozen=True, slots=True)
class Publishing:
    keep_generations: int
    """How many before the current one are kept at any age."""
    grace_days: int
    """How long each is kept after it ceased to be current."""


PUBLISHING = Publishing(3, 7)
NO_BACKUPS = BackupRhythm(0, 1)
NO_KEYS = KeyRing("", {})
NO_SIGNING_KEY = SigningKey("", b"")
MAX_PUT = 5 * 1024**3
"""R2 takes at most 5 GiB in one PUT (developers.cloudflare.com/r2/platform/limits)."""

_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""As it stands in a download URL (`core.download_tokens`, which signs and verifies no other id)."""

_KEPT = {"draft_days", "rejected_days", "failed_hours", "superseded_days", "temp_hours"}
_QUOTAS = {"open_uploads", "uploads_per_day", "stored_bytes"}

T = TypeVar("T")


class Reader:
    """Reads variables one by one and remembers what is wrong, so that all of it is said at once."""

    def __init__(self, variables: Mapping[str, str | None]) -> None:
        self._variables = variables
        self._problems: list[str] = []

    def text(self, name: str) -> str:
        return self.parsed(name, str, "")

    def optional(self, name: str) -> str | None:
        """None where it is not given."""
        return self._variables.get(name) or None

    def parsed(self, name: str, parse: Callable[[str], T], instead: T) -> T:
        value = self._variables.get(name)
        if not value:
            self._problems.append(f"{name} is missing or empty")
            return instead
        try:
            return parse(value)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            what = error.args[0] if isinstance(error, WrongError) else "it cannot be read"
            self._problems.append(f"{name} is wrong: {what}")
            return instead

    def finish(self, build: Callable[[], T]) -> T:
        settings = build()
        if self._problems:
            # What two settings are made of is said once.
            raise SettingsError(list(dict.fromkeys(self._problems)))
        return settings


class WrongError(ValueError):
    """What a value must be; safe to show, since it holds nothing of the value."""


def integer(least: int, most: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,18}", value) or not least <= int(value) <= most:
            raise WrongError(f"it must be a whole number from {least} to {most}")
        return int(value)

    return parse


def boolean(value: str) -> bool:
    if value not in ("true", "false"):
        raise WrongError('it must be "true" or "false"')
    return value == "true"


def base_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^/?#\s]+", value):
        raise WrongError("it must be http(s)://host[:port] without a path")
    return value


def backup_rhythm(value: str) -> BackupRhythm:
    given = cast("dict[str, object]", json.loads(value))
    every, keep = given["every_hours"], given["keep_days"]
    if type(every) is not int or type(keep) is not int or every < 0 or keep < 1:
        raise WrongError("`every_hours` must be a whole number from 0, `keep_days` one from 1")
    return BackupRhythm(every, keep)


def publishing(value: str) -> Publishing:
    given = cast("dict[str, object]", json.loads(value))
    keep, grace = given["keep_generations"], given["grace_days"]
    if type(keep) is not int or type(grace) is not int or keep < 0 or grace < 1:
        raise WrongError(
            "`keep_generations` must be a whole number from 0, `grace_days` one from 1"
        )
    return Publishing(keep, grace)


def api_base_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^/?#\s]+/client/v4", value):
        raise WrongError("it must be http(s)://host[:port]/client/v4")
    return value


def resolvers(value: str) -> tuple[str, ...]:
    urls = tuple(cast("list[str]", json.loads(value)))
    if not urls or not all(re.fullmatch(r"https?://[^/?#\s]+/[^?#\s]*", url) for url in urls):
        raise WrongError("it must be a JSON list of at least one http(s)://host/path")
    return urls


def dataset(value: str) -> str:
    """Its name stands in SQL as it is."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        raise WrongError("it must be letters, digits and underscores, and begin with no digit")
    return value


def buckets(value: str) -> tuple[str, ...]:
    names = tuple(cast("list[str]", json.loads(value)))
    if not names or not all(re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", n) for n in names):
        raise WrongError("it must be a JSON list of at least one R2 bucket name")
    return names


def key_ring(value: str) -> KeyRing:
    given = cast("dict[str, object]", json.loads(value))
    encoded = cast("dict[str, str]", given["keys"])
    if not all(_KEY_ID.fullmatch(key_id) for key_id in encoded):
        raise WrongError("the id of a key must be 1 to 64 letters, digits, '-' or '_'")
    keys = {key_id: _key_bytes(text) for key_id, text in encoded.items()}
    current = given["current"]
    if not isinstance(current, str) or current not in keys:
        raise WrongError("`current` must be the id of one of its keys")
    return KeyRing(current, keys)


def signing_key(value: str) -> SigningKey:
    given = cast("dict[str, str]", json.loads(value))
    return SigningKey(str(given["id"]), _key_bytes(given["seed"]))


def retention(value: str) -> Retention:
    given = cast("dict[str, object]", json.loads(value))
    kept = {name: count for name, count in given.items() if type(count) is int and count > 0}
    if set(given) != _KEPT or set(kept) != _KEPT:
        raise WrongError(f"it must give a whole number above 0 for each of {sorted(_KEPT)}")
    return Retention(
        draft_ms=kept["draft_days"] * DAY_MS,
        rejected_ms=kept["rejected_days"] * DAY_MS,
        failed_ms=kept["failed_hours"] * HOUR_MS,
        superseded_ms=kept["superseded_days"] * DAY_MS,
        temp_ms=kept["temp_hours"] * HOUR_MS,
    )


def quotas(value: str) -> Quotas:
    given = cast("dict[str, object]", json.loads(value))
    counts = {name: count for name, count in given.items() if type(count) is int and count > 0}
    set_ones = {name for name, count in given.items() if count is not None}
    if set(given) != _QUOTAS or set(counts) != set_ones:
        raise WrongError(f"it must give a whole number above 0, or null, for {sorted(_QUOTAS)}")
    return Quotas(**counts)


def _key_bytes(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        data = b""
    if len(data) != 32:
        raise WrongError("a key must be the base64 of 32 bytes")
    return data


def platform_keys(value: str) -> tuple[PlatformKey, ...]:
    given = cast("list[dict[str, str | None]]", json.loads(value))
    return tuple(
        PlatformKey(
            id=str(key["id"]),
            algorithm=str(key["algorithm"]),
            public_key=str(key["public_key"]),
            not_before=str(key["not_before"]),
            not_after=key["not_after"],
        )
        for key in given
    )


def hashes(value: str) -> tuple[str, ...]:
    hashes = tuple(cast("list[str]", json.loads(value)))
    if not 1 <= len(hashes) <= 2 or not all(re.fullmatch(r"[0-9a-f]{64}", h) for h in hashes):
        raise WrongError("it must be a JSON list of one or two SHA-256 digests in lower-case hex")
    return hashes
