"""The message that has the jobs look at one app's images at once. It is a hint: where it is lost,
the schedule comes to the app by its due time."""

from contextlib import suppress
from typing import TYPE_CHECKING

from functions.ports.queue import QueueError

if TYPE_CHECKING:
    from functions.ports.queue import Queue

KIND = "app-images"


async def announce(queue: "Queue", app_id: str) -> None:
    """Behind the batch that made another version current."""
    with suppress(QueueError):
        await queue.send({"kind": KIND, "app_id": app_id})
