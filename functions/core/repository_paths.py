"""The grammar of the paths in a repository: the same for what is served and for what is published,
so that nothing can be published that no URL reaches.
"""

import re

from functions.core import catalog

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def malformed(path: str) -> str | None:
    """What no well-formed client sends in a decoded path; None where there is nothing such."""
    if "\\" in path or _CONTROL.search(path):
        return "a backslash or a control character"
    if any(segment in {".", ".."} for segment in path.split("/")):
        return "a dot segment"
    return None


def impossible(path: str) -> str | None:
    """Why a well-formed path can name no file of a repository; None where it can."""
    segments = path.split("/")
    if not all(segments):
        return "is empty, or has an empty segment"
    if any(len(segment.encode()) > catalog.MAX_COMPONENT_BYTES for segment in segments):
        return f"has a segment of more than {catalog.MAX_COMPONENT_BYTES} bytes"
    # Where a storage compares names without regard to case, another spelling is the same folder.
    if segments[0].lower() == catalog.RESERVED:
        return f"begins with '{catalog.RESERVED}', which is the platform's own"
    return None


def complaint(path: str) -> str | None:
    """Why a file cannot be published under a path; None where it can."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return "is no text that UTF-8 can hold"
    if wrong := malformed(path):
        return f"has {wrong}"
    return impossible(path)
