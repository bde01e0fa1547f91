"""What runs in workerd, as the daemon reaches it: the admin Worker's interface."""

import contextlib
from collections.abc import AsyncGenerator
from typing import Any, cast
from urllib.parse import quote

import httpx

from local.home import CloudError, CloudHome

# A handler of a queue or schedule may take 15 minutes on Cloudflare.
_HANDLER_SECONDS = 900.0
_SECONDS = 60.0

Json = dict[str, Any]


class DataPlaneError(CloudError):
    """The admin Worker refused, or workerd does not answer (`status` 0)."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class DataPlane:
    """Calls to the admin Worker. Every method raises `DataPlaneError`."""

    def __init__(self, home: CloudHome) -> None:
        self._client = httpx.AsyncClient(
            base_url=home.urls()["admin"],
            headers={"x-stowage-control": home.credentials().control_secret},
            timeout=httpx.Timeout(_SECONDS),
            limits=httpx.Limits(max_connections=50),
            trust_env=False,
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def query(self, database: str, body: Json) -> list[Json]:
        """Runs SQL: `{sql, params?}` or `{batch: [...]}`, all statements or none."""
        return cast("list[Json]", (await self._post(f"/d1/{database}/query", body))["result"])

    async def objects(self, bucket: str, query: dict[str, str]) -> Json:
        """`{objects, truncated, cursor?, delimited_prefixes}`."""
        return await self._call("GET", f"/r2/{quote(bucket, safe='')}", query=query)

    def dump(self, database: str) -> contextlib.AbstractAsyncContextManager[httpx.Response]:
        """The database as SQL text, to be streamed."""
        return self._streamed(f"/d1/{database}/export")

    def object(
        self, bucket: str, key: str
    ) -> contextlib.AbstractAsyncContextManager[httpx.Response]:
        """One object, to be streamed."""
        return self._streamed(f"/r2/{quote(bucket, safe='')}/{quote(key, safe='')}")

    async def delete_object(self, bucket: str, key: str) -> None:
        await self._call("DELETE", f"/r2/{quote(bucket, safe='')}/{quote(key, safe='')}")

    async def deliver(self, worker: str, batch: Json) -> Json:
        """Gives a batch to a Worker's queue handler."""
        return await self._post(f"/workers/{worker}/queue", batch, _HANDLER_SECONDS)

    async def run_schedule(self, worker: str, cron: str, scheduled_ms: int) -> Json:
        """Runs a Worker's scheduled handler: `{outcome, error?}`."""
        body: Json = {"cron": cron, "scheduledTime": scheduled_ms}
        return await self._post(f"/workers/{worker}/scheduled", body, _HANDLER_SECONDS)

    async def purge(self, purge: Json) -> None:
        """Tells the Workers' caches: `{at, purge_everything?, tags?, hosts?, prefixes?}`."""
        await self._post("/caches/purge", purge)

    async def warm(self, worker: str) -> None:
        """Boots a Worker; the error holds its Python traceback."""
        await self._post(f"/workers/{worker}/warm", {}, 2 * _SECONDS)

    async def _post(self, path: str, body: Json, seconds: float = _SECONDS) -> Json:
        return await self._call("POST", path, body=body, seconds=seconds)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        body: Json | None = None,
        query: dict[str, str] | None = None,
        seconds: float = _SECONDS,
    ) -> Json:
        try:
            response = await self._client.request(
                method, path, json=body, params=query, timeout=seconds
            )
        except httpx.HTTPError as error:
            raise DataPlaneError(
                f"workerd does not answer ({error or type(error).__name__})"
            ) from error
        if response.is_success:
            return cast("Json", response.json())
        raise _refusal(response)

    @contextlib.asynccontextmanager
    async def _streamed(self, path: str) -> AsyncGenerator[httpx.Response]:
        try:
            async with self._client.stream("GET", path) as response:
                if not response.is_success:
                    await response.aread()
                    raise _refusal(response)
                yield response
        except httpx.HTTPError as error:
            raise DataPlaneError(
                f"workerd does not answer ({error or type(error).__name__})"
            ) from error


def _refusal(response: httpx.Response) -> DataPlaneError:
    try:
        reason = str(response.json()["error"])
    except (ValueError, KeyError, TypeError):
        reason = response.text[:500]
    return DataPlaneError(reason, response.status_code)
