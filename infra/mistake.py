"""What is wrong with a configuration, as it is reported."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong with the configuration: the key (without namespace) and why."""

    key: str
    reason: str
