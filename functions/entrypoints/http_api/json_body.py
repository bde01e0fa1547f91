"""Request bodies, read more strictly than Python's `json` does by itself."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from functions.core import json_text


class JsonRequest(Request):
    async def json(self) -> Any:
        """Raises: json.JSONDecodeError for what is not JSON, or is not the same to every reader:
        a member given twice, NaN, another encoding than UTF-8."""
        try:
            return json_text.parse(await self.body())
        except json_text.JsonTextError as error:
            raise json.JSONDecodeError(str(error), "", 0) from error


class JsonRoute(APIRoute):
    """The route class of every router of the api."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(JsonRequest(request.scope, request.receive))

        return handle_strictly
