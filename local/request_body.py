"""Bodies of requests to the daemon."""

import json
from typing import Any, cast

from starlette.requests import Request


async def json_object(request: Request) -> dict[str, Any]:
    """Anything but a JSON object is an empty one, and the handler misses what it needs."""
    try:
        found: Any = json.loads(await request.body() or b"{}")
    except ValueError:
        found = {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
