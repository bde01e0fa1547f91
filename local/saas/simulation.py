"""What a person or a test wants of the part that plays Cloudflare for SaaS: delays, quota, the
clock, failures. Kept in the world."""

from dataclasses import asdict, dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any, cast

Json = dict[str, Any]

_NUMBERS = ("stage_seconds", "ahead_seconds", "quota", "rate_limited_calls", "retry_after_seconds")


@dataclass(slots=True)
class Simulation:
    stage_seconds: float = 0.0
    """How long each stage of a certificate takes."""
    ahead_seconds: float = 0.0
    """How far the clock of hostnames is ahead of the machine's."""
    quota: int = 100
    """How many hostnames the zone takes; 100 are part of every plan."""
    rate_limited_calls: int = 0
    """How many of the next calls about hostnames are answered 429."""
    retry_after_seconds: int = 1
    blocked: list[str] = field(default_factory=list[str])
    """Names that Cloudflare refuses by policy."""
    pages: dict[str, str] = field(default_factory=dict[str, str])
    """What owners' present servers answer: the body by the URL."""
    vouched: list[str] = field(default_factory=lambda: ["*.example", "*.test", "127.0.0.1"])
    """Patterns of names that are served without being custom hostnames: a shortcut for examples
    and tests, which declare nothing and set no record. These are names that nobody can own."""

    @classmethod
    def load(cls, kept: Json) -> "Simulation":
        return cls(**kept)

    def document(self) -> Json:
        return asdict(self)

    def change(self, wanted: Json) -> None:
        """Sets the fields that are named.

        Raises:
            ValueError: a field that there is not, or a value of another type; nothing is set.
        """
        unknown = sorted(set(wanted) - {one.name for one in fields(self)})
        if unknown:
            raise ValueError(f"there is no {', '.join(unknown)}")
        for name, value in wanted.items():
            _check(name, value)
        for name, value in wanted.items():
            setattr(self, name, value)

    def vouches(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.vouched)

    def take_rate_limit(self) -> bool:
        """Whether this call is answered 429."""
        if self.rate_limited_calls <= 0:
            return False
        self.rate_limited_calls -= 1
        return True


def _check(name: str, value: object) -> None:
    if name in _NUMBERS:
        good = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    elif name == "pages":
        good = isinstance(value, dict) and _are_texts(cast("Json", value).values())
    else:
        good = isinstance(value, list) and _are_texts(cast("list[object]", value))
    if not good:
        raise ValueError(f"{name} cannot be {value!r}")


def _are_texts(values: Any) -> bool:
    return all(isinstance(one, str) for one in values)
