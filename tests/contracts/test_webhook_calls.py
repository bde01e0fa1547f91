"""Calls of webhooks by httpx."""

import asyncio

import pytest

from functions.adapters.local.httpx_fetch import HttpxFetch
from functions.core.webhook_calls import Answer, Receiver, call
from tests.contracts.webhook_calls import Calling, WebhookCallsContract


class TestHttpx(WebhookCallsContract):
    @pytest.fixture
    def calling(self) -> Calling:
        def calling(url: str, secret: str, message_id: str, body: bytes, now_ms: int) -> Answer:
            async def once() -> Answer:
                fetch = HttpxFetch(url)
                try:
                    return await call(fetch, Receiver(url, (secret,)), message_id, body, now_ms)
                finally:
                    await fetch.aclose()

            return asyncio.run(once())

        return calling
