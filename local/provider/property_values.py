"""Property values as the engine sends them: secrets are wrapped, unknown values are sentinels."""

from typing import Any, cast

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (the protocol's mark of a secret)
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""An unknown string; given for every unknown output."""

_UNKNOWN = frozenset(
    {
        UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # list
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # map
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
    }
)


def is_unknown(value: Any) -> bool:
    """Whether the engine does not know this value yet (during a preview)."""
    return isinstance(value, str) and value in _UNKNOWN


def has_unknown(value: Any) -> bool:
    """Whether a plain value holds an unknown one at any depth."""
    if isinstance(value, dict):
        return any(has_unknown(one) for one in cast("dict[str, Any]", value).values())
    if isinstance(value, list):
        return any(has_unknown(one) for one in cast("list[Any]", value))
    return is_unknown(value)


def is_secret(value: Any) -> bool:
    return isinstance(value, dict) and cast("dict[str, Any]", value).get(SIGNATURE) == SECRET


def secret(value: Any) -> Any:
    """Marks a value as secret; a marked one stays as it is."""
    return value if is_secret(value) else {SIGNATURE: SECRET, "value": value}


def plain(value: Any) -> Any:
    """The value without marks, at any depth."""
    if isinstance(value, dict):
        given = cast("dict[str, Any]", value)
        if is_secret(given):
            return plain(given["value"])
        return {name: plain(one) for name, one in given.items()}
    if isinstance(value, list):
        return [plain(one) for one in cast("list[Any]", value)]
    return value


def marked_like(pattern: Any, value: Any) -> Any:
    """`value` (plain) with the marks that `pattern` has at the same places."""
    if is_secret(pattern):
        return secret(value)
    if isinstance(pattern, dict) and isinstance(value, dict):
        marks, given = cast("dict[str, Any]", pattern), cast("dict[str, Any]", value)
        return {
            name: marked_like(marks[name], one) if name in marks else one
            for name, one in given.items()
        }
    if isinstance(pattern, list) and isinstance(value, list):
        marks, given = cast("list[Any]", pattern), cast("list[Any]", value)
        return [
            marked_like(marks[index], one) if index < len(marks) else one
            for index, one in enumerate(given)
        ]
    return value
