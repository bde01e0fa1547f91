"""Reading JSON that a stranger wrote, strictly and without danger.

Deep nesting is refused before the parser sees it: the standard library's parser recurses in C, and
in the Workers runtime a few thousand open brackets end the whole interpreter (no exception) instead
of raising RecursionError.
"""

import json
import re

MAX_DEPTH = 64

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_MARK = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)


class JsonTextError(ValueError):
    """The message says what is wrong, and can be shown to whoever sent the text."""


def parse(content: bytes) -> object:
    """The value of a JSON text in UTF-8 without byte order mark.

    Raises: JsonTextError for what is not that, for a name twice in one object, NaN and infinities,
    half of a surrogate pair (no text that could be stored or sent on), and more than 64 levels.
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
    # UTF-8 itself has no surrogates, so only an escape can bring one.
    if _SURROGATE.search(text) and not _is_text(value):
        raise JsonTextError("it has half of a surrogate pair")
    return value


def _is_text(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


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
