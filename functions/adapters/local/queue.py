"""A queue that keeps its messages in memory until a test or a server takes them."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    body: Mapping[str, str]
    delay_seconds: int


class MemoryQueue:
    def __init__(self) -> None:
        self._messages: list[QueuedMessage] = []

    async def send(self, message: Mapping[str, str], *, delay_seconds: int = 0) -> None:
        self._messages.append(QueuedMessage(dict(message), delay_seconds))

    def take(self) -> list[QueuedMessage]:
        """All waiting messages, in the order in which they came; the queue is empty afterwards."""
        taken, self._messages = self._messages, []
        return taken
