"""The rate limit binding of Workers. It counts in each location by itself
(developers.cloudflare.com/workers/runtime-apis/bindings/rate-limit)."""

import logging

from pyodide.ffi import JsException, JsProxy

from functions.adapters.cloudflare.javascript import error_text, js_object

log = logging.getLogger("stowage.rate_limiter")


class CloudflareRateLimiter:
    """`period_seconds` is what the binding was declared with: 10 or 60."""

    def __init__(self, limiter: JsProxy, period_seconds: int) -> None:
        self._limiter = limiter
        self._period_seconds = period_seconds

    @property
    def period_seconds(self) -> int:
        return self._period_seconds

    async def allow(self, key: str) -> bool:
        try:
            outcome = await self._limiter.limit(js_object({"key": key}))
        except JsException as error:
            log.warning("the rate limiter failed and lets everybody in: %s", error_text(error))
            return True
        return bool(outcome.success)
