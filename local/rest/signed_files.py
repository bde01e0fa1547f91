"""Files behind signed URLs, as the REST API hands them out for the text of a database: whoever has
the URL may read or write the one file, for an hour."""

import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

SIGNED_PATH = "/_signed"
_SECONDS = 3600
"""As long as Cloudflare's: wrangler says so of a finished export."""


class SignedFiles:
    """The files of one folder. What an earlier daemon left there is deleted."""

    def __init__(self, folder: Path, base_url: str, secret: str) -> None:
        self._folder = folder
        self._base_url = base_url
        self._secret = secret.encode()
        folder.mkdir(exist_ok=True)
        for file in folder.iterdir():
            file.unlink()

    def routes(self) -> list[Route]:
        return [
            Route(f"{SIGNED_PATH}/{{name}}", self.read, methods=["GET"]),
            Route(f"{SIGNED_PATH}/{{name}}", self.write, methods=["PUT"]),
        ]

    def path(self, name: str) -> Path:
        return self._folder / name

    def url(self, name: str, method: str) -> str:
        expires = int(time.time()) + _SECONDS
        query = {"expires": expires, "signature": self._signature(name, method, expires)}
        return f"{self._base_url}{SIGNED_PATH}/{name}?{urlencode(query)}"

    async def save(self, name: str, chunks: AsyncIterator[bytes]) -> str:
        """Writes the file as a whole; gives the MD5 of its bytes."""
        self._forget_old()
        digest = hashlib.md5(usedforsecurity=False)
        unfinished = self.path(f".{name}")
        with unfinished.open("wb") as file:
            async for chunk in chunks:
                file.write(chunk)
                digest.update(chunk)
        unfinished.replace(self.path(name))
        return digest.hexdigest()

    async def read(self, request: Request) -> Response:
        refused = self._refusal(request)
        file = self.path(request.path_params["name"])
        if refused is None and not file.is_file():
            return PlainTextResponse("There is no such file.\n", 404)
        return refused or FileResponse(file, media_type="application/octet-stream")

    async def write(self, request: Request) -> Response:
        refused = self._refusal(request)
        if refused is not None:
            return refused
        etag = await self.save(request.path_params["name"], request.stream())
        return Response(status_code=200, headers={"etag": f'"{etag}"'})

    def _refusal(self, request: Request) -> Response | None:
        try:
            expires = int(request.query_params["expires"])
            given = request.query_params["signature"]
        except (KeyError, ValueError):
            return PlainTextResponse("The URL is not signed.\n", 403)
        expected = self._signature(request.path_params["name"], request.method, expires)
        if not hmac.compare_digest(given.encode(), expected.encode()):
            return PlainTextResponse("The URL's signature is wrong.\n", 403)
        return PlainTextResponse("The URL is over.\n", 403) if time.time() > expires else None

    def _signature(self, name: str, method: str, expires: int) -> str:
        signed = f"{'GET' if method == 'HEAD' else method}\n{name}\n{expires}".encode()
        return hmac.new(self._secret, signed, hashlib.sha256).hexdigest()

    def _forget_old(self) -> None:
        for file in self._folder.iterdir():
            if time.time() - file.stat().st_mtime > _SECONDS:
                file.unlink(missing_ok=True)
