"""Messages to the jobs. Delivery is at least once, in no order; a message may also be lost between
a database write and `send`, which the schedule heals."""

from collections.abc import Mapping
from typing import Protocol


class QueueError(Exception):
    """The message may or may not have been taken."""


class Queue(Protocol):
    async def send(self, message: Mapping[str, str], *, delay_seconds: int = 0) -> None:
        """Raises: QueueError."""
        ...
