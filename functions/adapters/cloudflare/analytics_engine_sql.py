"""Analytics Engine's SQL endpoint. A binding only writes; what was written is read by the REST API
(developers.cloudflare.com/analytics/analytics-engine/sql-api)."""

import json
from collections.abc import Sequence
from typing import cast

import js
from pyodide.ffi import JsException

from functions.adapters.cloudflare.javascript import error_text, js_object
from functions.ports.usage import UsageQueryError, UsageRow

TIMEOUT_MS = 30_000
_SHOWN = 300


class AnalyticsEngineQueries:
    """`base_url` ends with `/client/v4`; `token` needs Account Analytics Read on the account,
    nothing else."""

    def __init__(self, base_url: str, account_id: str, token: str) -> None:
        self._url = f"{base_url}/accounts/{account_id}/analytics_engine/sql"
        self._token = token

    async def query(self, sql: str) -> Sequence[UsageRow]:
        options = js_object(
            {
                "method": "POST",
                "headers": js_object({"authorization": f"Bearer {self._token}"}),
                "body": sql,
                # The token is for this host alone.
                "redirect": "manual",
                "signal": js.AbortSignal.timeout(TIMEOUT_MS),
            }
        )
        try:
            response = await js.fetch(self._url, options)
            text = str(await response.text())
        except JsException as error:
            raise UsageQueryError(f"the query was not answered: {error_text(error)}") from error
        if response.status != 200:
            raise UsageQueryError(f"the query was refused with {response.status}: {text[:_SHOWN]}")
        try:
            return cast("list[UsageRow]", json.loads(text)["data"])
        except (ValueError, KeyError, TypeError) as error:
            raise UsageQueryError(f"the answer is no table: {text[:_SHOWN]}") from error
