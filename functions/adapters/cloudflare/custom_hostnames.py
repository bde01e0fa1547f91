"""Cloudflare for SaaS: custom hostnames of a zone, by Cloudflare's REST API.

https://developers.cloudflare.com/api/resources/custom_hostnames/
"""

import asyncio
import json
from collections.abc import Mapping
from urllib.parse import quote

from functions.adapters.cloudflare.custom_hostname_documents import custom_hostname, texts
from functions.adapters.cloudflare.envelope import (
    document_of,
    object_of,
    objects_of,
    retry_after_seconds,
)
from functions.core.answers import read_body
from functions.ports.fetch import Fetch, FetchError, FetchRequest
from functions.ports.hostname_authority import (
    CertificateMethod,
    ConflictingHostnameError,
    CustomHostname,
    CustomHostnamePage,
    Quota,
    QuotaExhaustedError,
    RateLimitedError,
    RefusedError,
    UnavailableError,
)
from functions.ports.object_store import ObjectStoreError

PAGE = 50
SECONDS = 20.0
MOST_BYTES = 2 * 1024**2
NEXT_WINDOW_SECONDS = 300
"""Where a 429 does not say when: developers.cloudflare.com/fundamentals/api/reference/limits
counts in windows of five minutes."""

# developers.cloudflare.com/cloudflare-for-platforms/cloudflare-for-saas/reference/status-codes
# /custom-hostnames: a duplicate, and quotas of the zone that are none or used up.
_DUPLICATE = 1406
_QUOTA = frozenset({1404, 1405})


class CloudflareHostnames:
    """`base_url` ends with `/client/v4`; `token` needs SSL and Certificates Write on the zone."""

    def __init__(self, fetch: Fetch, base_url: str, zone_id: str, token: str) -> None:
        self._fetch = fetch
        self._zone = f"{base_url}/zones/{zone_id}"
        self._token = token
        self._delegation: str | None = None

    async def find(self, name: str) -> CustomHostname | None:
        found = await self._call("GET", f"/custom_hostnames?hostname={quote(name)}")
        # The filter also finds names that contain the one that is asked for.
        for one in objects_of(found.get("result")):
            hostname = custom_hostname(one)
            if hostname.name == name:
                return hostname
        return None

    async def list_page(self, cursor: str | None = None) -> CustomHostnamePage:
        page = int(cursor or "1")
        found = await self._call("GET", f"/custom_hostnames?page={page}&per_page={PAGE}")
        listed = tuple(custom_hostname(one) for one in objects_of(found.get("result")))
        return CustomHostnamePage(listed, str(page + 1) if len(listed) == PAGE else None)

    async def get(self, hostname_id: str) -> CustomHostname | None:
        found = await self._call("GET", f"/custom_hostnames/{hostname_id}", missing=True)
        return custom_hostname(object_of(found.get("result"))) if found else None

    async def create(self, name: str, method: CertificateMethod) -> CustomHostname:
        body = {"hostname": name, "ssl": _certificate(method)}
        found = await self._call("POST", "/custom_hostnames", body)
        return custom_hostname(object_of(found.get("result")))

    async def refresh(self, hostname_id: str, method: CertificateMethod) -> CustomHostname:
        """An `ssl` object that is as before begins the validations anew; so it is sent here and
        nowhere else."""
        body = {"ssl": _certificate(method)}
        found = await self._call("PATCH", f"/custom_hostnames/{hostname_id}", body)
        return custom_hostname(object_of(found.get("result")))

    async def delete(self, hostname_id: str) -> None:
        await self._call("DELETE", f"/custom_hostnames/{hostname_id}", missing=True)

    async def quota(self) -> Quota:
        result = object_of((await self._call("GET", "/custom_hostnames/quota")).get("result"))
        used, most = result.get("used"), result.get("hard_cap", result.get("allocated"))
        if not isinstance(used, int) or not isinstance(most, int):
            raise UnavailableError("the quota of custom hostnames was answered without numbers")
        return Quota(used, most)

    async def delegation(self) -> str | None:
        """Asked once; a zone keeps it."""
        if self._delegation is None:
            found = await self._call("GET", "/dcv_delegation/uuid", missing=True)
            uuid = object_of(found.get("result")).get("uuid")
            if isinstance(uuid, str):
                # developers.cloudflare.com/ssl/edge-certificates/changing-dcv-method/methods
                # /delegated-dcv
                self._delegation = f"{uuid}.dcv.cloudflare.com"
        return self._delegation

    async def _call(
        self, method: str, path: str, body: object = None, *, missing: bool = False
    ) -> Mapping[str, object]:
        """The answer's document; empty for a 404 where `missing` allows one."""
        headers = {"authorization": f"Bearer {self._token}", "accept": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            headers["content-type"] = "application/json"
        length = None if content is None else len(content)
        request = FetchRequest(method, self._zone + path, headers, content, length)
        try:
            async with asyncio.timeout(SECONDS):
                status, retry_after, data = await self._exchange(request)
        except (TimeoutError, FetchError, ObjectStoreError) as error:
            raise UnavailableError(f"Cloudflare's API did not answer: {error}") from error
        document = document_of(data)
        if status == 404 and missing:
            return {}
        if 200 <= status < 300 and document.get("success") is True:
            return document
        raise _refusal(status, retry_after, document)

    async def _exchange(self, request: FetchRequest) -> tuple[int, str | None, bytes]:
        response = await self._fetch(request)
        data = await read_body(response, MOST_BYTES)
        if data is None:
            raise UnavailableError(f"the answer has more than {MOST_BYTES} bytes")
        return response.status, response.headers.get("retry-after"), data


def _certificate(method: CertificateMethod) -> dict[str, object]:
    """As the stack declares those of its own hostnames."""
    return {
        "method": method,
        "type": "dv",
        "bundle_method": "ubiquitous",
        "wildcard": False,
        "settings": {"min_tls_version": "1.2", "http2": "on", "tls_1_3": "on"},
    }


def _refusal(status: int, retry_after: str | None, document: Mapping[str, object]) -> Exception:
    errors = objects_of(document.get("errors"))
    codes = {one.get("code") for one in errors}
    said = "; ".join(texts(one.get("message") for one in errors)) or "no reason given"
    message = f"Cloudflare's API answered {status}: {said}"
    if status == 429:
        return RateLimitedError(message, retry_after_seconds(retry_after, NEXT_WINDOW_SECONDS))
    if status >= 500 or status == 408 or not document:
        return UnavailableError(message)
    if _DUPLICATE in codes:
        return ConflictingHostnameError(message)
    if codes & _QUOTA:
        return QuotaExhaustedError(message)
    return RefusedError(message)
