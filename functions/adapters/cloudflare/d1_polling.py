"""What D1's export and import endpoints of the REST API say, read from their answers.

Both are polled (developers.cloudflare.com/api/resources/d1/subresources/database/methods/export and
/import): each answer carries a bookmark to ask on with, until its status is `complete` or `error`.
An export that is not asked for goes away by itself, so asking must not stop for long. No JavaScript
here: the `stowage` command reads the same answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from functions.adapters.cloudflare.envelope import document_of, object_of, objects_of


class TransferError(Exception):
    """The transfer failed, or the request was refused."""

    def __init__(self, message: str, *, may_pass: bool) -> None:
        super().__init__(message)
        self.may_pass = may_pass
        """Whether the same request may succeed a moment later."""


@dataclass(frozen=True, slots=True)
class Progress:
    bookmark: str
    result: Mapping[str, object] | None
    """Of a complete transfer: `signed_url` of an export, counts of an import. None: it goes on."""


def export_request(bookmark: str | None) -> dict[str, object]:
    """The body of each request of an export; without a bookmark it begins."""
    asked: dict[str, object] = {"output_format": "polling"}
    return asked if bookmark is None else asked | {"current_bookmark": bookmark}


def import_poll(bookmark: str) -> dict[str, object]:
    return {"action": "poll", "current_bookmark": bookmark}


def progress(status: int, text: str) -> Progress:
    """Raises: TransferError."""
    result = object_of(result_of(status, text))
    if result.get("success") is False or result.get("status") == "error":
        said = str(result.get("error") or "it gave no reason")
        raise TransferError(f"D1 gave up: {said}", may_pass=False)
    bookmark = str(result.get("at_bookmark") or "")
    if result.get("status") == "complete":
        return Progress(bookmark, object_of(result.get("result")))
    if not bookmark:
        raise TransferError("D1 answered with neither a result nor a bookmark", may_pass=False)
    return Progress(bookmark, None)


def result_of(status: int, text: str) -> object:
    """The `result` in the API's envelope.

    Raises: TransferError.
    """
    document = document_of(text)
    if 200 <= status < 300 and document.get("success") is True:
        return document.get("result")
    said = "; ".join(
        f"{error.get('message')} (code {error.get('code')})"
        for error in objects_of(document.get("errors"))
    )
    hint = " Does the token carry D1 for this account?" if status in (401, 403) else ""
    raise TransferError(
        f"Cloudflare's API answered {status}: {said or 'no reason given'}.{hint}",
        may_pass=status >= 500 or status in (408, 429),
    )
