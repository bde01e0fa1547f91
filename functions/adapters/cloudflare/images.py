"""Pictures through a Worker's Images binding, Cloudflare's image service."""

import base64

import js
from pyodide.ffi import JsException, JsProxy

from functions.adapters.cloudflare.javascript import error_text, js_bytes, js_object
from functions.core.images import png
from functions.core.images.picture import PictureError
from functions.ports.images import ImageProcessorError, UnreadableImageError

MEDIA_TYPE = "image/png"

# One grey pixel: what the service can read if it can read any picture.
SOUND = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)


class CloudflareImages:
    def __init__(self, images: JsProxy) -> None:
        self._images = images

    async def to_png(self, picture: bytes, width: int, height: int) -> bytes:
        try:
            made = await self._transformed(picture, width, height)
        except JsException as error:
            made = await self._again(picture, width, height, error_text(error))
        return _checked(made, width, height)

    async def _transformed(self, picture: bytes, width: int, height: int) -> bytes:
        stream = js.Response.new(js_bytes(picture)).body
        size = js_object({"width": width, "height": height, "fit": "squeeze"})
        form = js_object({"format": MEDIA_TYPE})
        result = await self._images.input(stream).transform(size).output(form)
        return (await result.response().arrayBuffer()).to_bytes()

    async def _again(self, picture: bytes, width: int, height: int, said: str) -> bytes:
        """The service has one code, 9523, for damaged pictures and for its own failures
        (developers.cloudflare.com/images/troubleshooting): what it refuses while it reads a sound
        picture is damaged."""
        try:
            await self._transformed(SOUND, 1, 1)
        except JsException as error:
            raise ImageProcessorError(f"the image service fails: {said}") from error
        try:
            return await self._transformed(picture, width, height)
        except JsException as error:
            raise UnreadableImageError(
                f"the picture cannot be decoded: {error_text(error)}"
            ) from error


def _checked(made: bytes, width: int, height: int) -> bytes:
    """The service promises nothing of what it writes beside the pixels, and gives the picture back
    unchanged where transformations are not enabled for the account."""
    try:
        found = png.read(made)
    except PictureError as error:
        raise ImageProcessorError(f"the image service did not answer with a PNG: {error}") from None
    if (found.width, found.height) != (width, height):
        raise ImageProcessorError(
            f"the image service answered with {found.width} x {found.height} pixels instead of "
            f"{width} x {height}; are image transformations enabled for the account?"
        )
    return png.bare(made)
