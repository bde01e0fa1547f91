"""Lists of the API, read to their end."""

from typing import cast
from urllib.parse import quote

from cli.platform_api import Document, PlatformApi

_MAX_PAGES = 10_000


def every_page(
    api: PlatformApi, path: str, member: str, *, cursor: str = "after"
) -> list[Document]:
    """What `member` lists on every page; `cursor` names the next one. The path may have a
    query."""
    found: list[Document] = []
    separator = "&" if "?" in path else "?"
    after = ""
    for _ in range(_MAX_PAGES):
        answer = api.get(f"{path}{after}")
        found += cast("list[Document]", answer[member])
        if not answer.get("next"):
            break
        after = f"{separator}{cursor}={quote(str(answer['next']), safe='')}"
    return found
