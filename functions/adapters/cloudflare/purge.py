"""Purges of the zone's cache through Cloudflare's API."""

import json
from collections.abc import Sequence

import js
from pyodide.ffi import JsException

from functions.adapters.cloudflare.envelope import retry_after_seconds
from functions.adapters.cloudflare.javascript import error_text, js_object
from functions.ports.cache_purger import CachePurgerError, PurgeLimitError

MOST_TAGS = 100
"""developers.cloudflare.com/cache/how-to/purge-cache: operations per request, on every plan."""
TIMEOUT_MS = 20_000
NEXT_TOKEN_SECONDS = 12
"""Where a 429 does not say when: the slowest plan gives five requests a minute (same page)."""
TOO_MANY = 429


class CloudflareCachePurger:
    """`base_url` ends with `/client/v4`; `token` needs Cache Purge on the zone, nothing else."""

    def __init__(self, base_url: str, zone_id: str, token: str) -> None:
        self._url = f"{base_url}/zones/{zone_id}/purge_cache"
        self._token = token

    @property
    def most_tags(self) -> int:
        return MOST_TAGS

    async def purge(self, tags: Sequence[str]) -> None:
        try:
            answer = await js.fetch(
                self._url,
                js_object(
                    {
                        "method": "POST",
                        "headers": {
                            "authorization": f"Bearer {self._token}",
                            "content-type": "application/json",
                        },
                        "body": json.dumps({"tags": list(tags)}),
                        "signal": js.AbortSignal.timeout(TIMEOUT_MS),
                    }
                ),
            )
            text = await answer.text()
        except JsException as error:
            raise CachePurgerError(f"the purge was not answered: {error_text(error)}") from error
        if answer.status == TOO_MANY:
            seconds = retry_after_seconds(answer.headers.get("retry-after"), NEXT_TOKEN_SECONDS)
            raise PurgeLimitError(_reason(text), seconds)
        # Some refusals come with 200 and say so in the body only.
        if not answer.ok or not _is_success(text):
            raise CachePurgerError(f"the purge was refused with {answer.status}: {_reason(text)}")


def _is_success(text: str) -> bool:
    try:
        return json.loads(text)["success"] is True
    except (ValueError, KeyError, TypeError):
        return False


def _reason(text: str) -> str:
    """Codes and messages of Cloudflare's envelope, or how another body begins."""
    try:
        return "; ".join(f"{one['message']} ({one['code']})" for one in json.loads(text)["errors"])
    except (ValueError, KeyError, TypeError):
        return text[:200]
