"""Reading JSON that a stranger wrote, strictly and without danger.

Deep nesting is refused before the parser sees it: the standard library's parser recurses in C, and
in the Workers runtime a few thousand open brackets end the whole interpreter (no exception) instead
of raising RecursionError.
"""

import json
import re

MAX_DEPTH = 64

_MARK = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)


class JsonTextError(ValueError):
    """The message says what is wrong, and can be shown to whoever sent the text."""


def parse(content: bytes) -> object:
    """The value of a JSON text in UTF-8 without byte order mark.

    Raises: JsonTextError for what is not that, for a name twice in one object, NaN and infinities,
    and more than 64 levels.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeError as error:
        raise JsonTextError("it is not UTF-8") from error
    if _is_deep(text):
        raise JsonTextError(f"it is nested more than {MAX_DEPTH} levels deep")
    try:
        value: object = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except JsonTextError:
        raise
    except (ValueError, RecursionError) as error:
        raise JsonTextError("it is not JSON") from error
    return value


def _is_deep(text: str) -> bool:
    depth = 0
    for match in _MARK.finditer(text):
        mark = match.group()
        if mark in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif mark in "]}":
            depth -= 1
    return False


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    document = dict(pairs)
    if len(document) == len(pairs):
        return document
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise JsonTextError(f"it names {name[:100]!r} twice in one object")
        seen.add(name)
    return document


def _no_constant(text: str) -> object:
    raise JsonTextError(f"{text} is no JSON")
