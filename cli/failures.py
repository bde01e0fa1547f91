"""What ends a command: each failure carries its exit code and one paragraph for the person at the
terminal.

0 done, 1 failed, 2 wrong usage, 3 refused (nothing was changed), 130 interrupted.
"""

from typing import ClassVar


class Failure(Exception):
    """The command could not do what was asked. The message says what happened, why, and what to
    do."""

    exit_code: ClassVar[int] = 1


class UsageFailure(Failure):
    """The command was called in a way that cannot work."""

    exit_code: ClassVar[int] = 2


class Refusal(Failure):
    """The command would have destroyed or overwritten something, and did not begin."""

    exit_code: ClassVar[int] = 3
