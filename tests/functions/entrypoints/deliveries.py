"""Deliveries of queue messages in memory."""

from dataclasses import dataclass


@dataclass
class MemoryDelivery:
    message: object
    id: str = "message-1"
    attempts: int = 1
    settled: str | None = None

    def body(self) -> object:
        if isinstance(self.message, ValueError):
            raise self.message
        return self.message

    def ack(self) -> None:
        assert self.settled is None
        self.settled = "ack"

    def retry(self, delay_seconds: int) -> None:
        assert self.settled is None
        self.settled = f"retry in {delay_seconds}"
