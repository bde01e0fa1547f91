"""What the body of a request may be. It stands in the endpoint's description, and the door enforces
what is described."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from functions.core.images.picture import Format
from functions.core.images.requirements import Requirements
from functions.core.problems import Problem

MEDIA_TYPES: Mapping[Format, str] = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WebP": "image/webp",
}


@dataclass(frozen=True, slots=True)
class BodyRule:
    max_bytes: int
    media_types: tuple[str, ...]

    def too_large(self) -> Problem:
        detail = f"The body of this request may have at most {self.max_bytes} bytes."
        return Problem("content-too-large", "Content too large", 413, detail)

    def unsupported(self) -> Problem:
        types = " or ".join(f"'content-type: {one}'" for one in self.media_types)
        detail = f"Send the body as {types}."
        return Problem("unsupported-media-type", "Unsupported media type", 415, detail)


JSON = BodyRule(65_536, ("application/json",))
"""Most requests of the api need no more than a few hundred bytes; packages do not pass through
it."""


def picture(wanted: Requirements) -> dict[str, Any]:
    """The `openapi_extra` of an endpoint whose body is the bytes of a picture."""
    schema = {"type": "string", "format": "binary", "maxLength": wanted.max_bytes}
    content = {MEDIA_TYPES[form]: {"schema": schema} for form in wanted.formats}
    return {"requestBody": {"required": True, "content": content}}


_MOST_BYTES = "x-max-body-bytes"


def at_most(max_bytes: int) -> dict[str, Any]:
    """The `openapi_extra` of an endpoint whose JSON body may be larger than others."""
    return {_MOST_BYTES: max_bytes}


def rule_of(openapi_extra: Mapping[str, Any] | None) -> BodyRule:
    most_json = (openapi_extra or {}).get(_MOST_BYTES)
    if most_json is not None:
        return BodyRule(int(most_json), JSON.media_types)
    described = cast("dict[str, Any] | None", (openapi_extra or {}).get("requestBody"))
    if described is None:
        return JSON
    content = cast("dict[str, Any]", described["content"])
    most = max(int(one["schema"]["maxLength"]) for one in content.values())
    return BodyRule(most, tuple(content))
