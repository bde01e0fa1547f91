"""Answers of Cloudflare's REST API: `{"success", "result", "errors": [{"code", "message"}]}`.

What is missing or of another type is left out: the API adds members as it goes. No JavaScript here:
the `stowage` command reads the same answers.
"""

import json
import re
from collections.abc import Mapping
from typing import TypeAlias, cast

Item: TypeAlias = Mapping[str, object]


def document_of(text: str | bytes) -> Item:
    """Empty where it is no JSON object."""
    try:
        return object_of(json.loads(text))
    except ValueError:
        return {}


def object_of(value: object) -> Item:
    return cast("Item", value) if isinstance(value, dict) else {}


def values_of(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def objects_of(value: object) -> list[Item]:
    return [object_of(item) for item in values_of(value)]


def retry_after_seconds(header: object, otherwise: int) -> int:
    """Of a 429, at least 1; `otherwise` where the header is missing or is no number."""
    found = re.fullmatch(r"[0-9]{1,6}", header) if isinstance(header, str) else None
    return max(1, int(found[0])) if found else otherwise
