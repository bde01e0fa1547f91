"""A D1 database as SQL text, by the export endpoint of Cloudflare's REST API.

A binding has no export. D1 answers no other query while it exports, and keeps the text behind a
signed URL for an hour. Text that holds both a line end and the two characters `\\n` comes back with
two line ends: D1 writes both alike.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import js
from pyodide.ffi import JsException

from functions.adapters.cloudflare.d1_polling import (
    Progress,
    TransferError,
    export_request,
    progress,
)
from functions.adapters.cloudflare.javascript import error_text, js_object, or_none
from functions.ports.database_export import DatabaseExportError

POLL_SECONDS = 1
MOST_POLLS = 600
"""About ten minutes: a run of the schedule lives for 15
(developers.cloudflare.com/workers/platform/limits), and the text is still to be stored."""
MOST_FAILURES = 5
"""In a row, of requests that may succeed a moment later."""


@dataclass(frozen=True, slots=True)
class D1ExportSettings:
    api_url: str
    """Of the REST API with its version, no trailing slash."""
    account_id: str
    database_id: str
    token: str
    """Of an API token that may read the account's D1 databases."""


class D1Exporter:
    def __init__(self, settings: D1ExportSettings) -> None:
        self._url = (
            f"{settings.api_url}/accounts/{settings.account_id}"
            f"/d1/database/{settings.database_id}/export"
        )
        self._token = settings.token

    async def export(self) -> "D1Dump":
        bookmark: str | None = None
        failures = 0
        for _ in range(MOST_POLLS):
            try:
                found = await self._poll(bookmark)
            except TransferError as error:
                failures += 1
                if not error.may_pass or failures >= MOST_FAILURES:
                    raise DatabaseExportError(str(error).replace(self._token, "[token]")) from error
            else:
                failures = 0
                if found.result is not None:
                    return D1Dump(_signed_url(found))
                bookmark = found.bookmark
            await asyncio.sleep(POLL_SECONDS)
        raise DatabaseExportError(f"D1 did not finish the export within {MOST_POLLS} polls")

    async def _poll(self, bookmark: str | None) -> Progress:
        options = js_object(
            {
                "method": "POST",
                "headers": js_object(
                    {
                        "authorization": f"Bearer {self._token}",
                        "content-type": "application/json",
                    }
                ),
                "body": json.dumps(export_request(bookmark)),
                # The token is for this host alone.
                "redirect": "manual",
            }
        )
        try:
            response = await js.fetch(self._url, options)
            text = str(await response.text())
        except JsException as error:
            raise TransferError(
                f"Cloudflare's API cannot be reached: {error_text(error)}", may_pass=True
            ) from error
        return progress(int(response.status), text)


def _signed_url(found: Progress) -> str:
    url = (found.result or {}).get("signed_url")
    if not isinstance(url, str):
        raise DatabaseExportError("D1 finished the export and gave no URL for it")
    return url


@dataclass(frozen=True, slots=True)
class D1Dump:
    signed_url: str

    def open(self) -> "D1Text":
        return D1Text(self.signed_url)

    async def close(self) -> None:
        """Nothing: the text goes away by itself."""


@dataclass(frozen=True, slots=True)
class D1Text:
    signed_url: str

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            response: Any = await js.fetch(self.signed_url)
            status, stream = int(response.status), or_none(response.body)
            if status != 200 or stream is None:
                raise DatabaseExportError(f"the exported text was answered with {status}")
            async for chunk in stream:
                yield chunk.to_bytes()
        except JsException as error:
            raise DatabaseExportError(
                f"the exported text broke off: {error_text(error)}"
            ) from error
