"""A bucket of an S3-compatible server as a resource of the stack.

The provider lives in this importable module, so state refers to it by name and holds no code; it
reads keys when it runs, from the environment, and the proxy's secret from the stack's configuration
as the engine gives it to a provider, so state holds neither. Kept free of pulumi_cloudflare, which
takes seconds to import: the engine starts a process of its own for it.
"""

from datetime import UTC, datetime
from typing import Any

import pulumi
from pulumi import dynamic

from infra import keys
from infra.failures import without_trace
from infra.s3.bucket import Bucket, BucketTakenError
from infra.s3.configuration import Configuration, Document
from infra.s3.server import Server, StorageError

ORIGIN_SECRET = "stowage:storageOriginSecret"  # noqa: S105  (a setting's name)

_PLACE = ("storage", "bucket")
"""What makes it another bucket. Another endpoint may be another name of the same server."""
_KEPT = (*_PLACE, "endpoint", "region", "is_proxied")
_CONFIGURED = ("lifecycle", "cors", "policy")


class S3BucketProvider(dynamic.ResourceProvider):
    # Nothing secret is captured; without this the engine would encrypt the reference anew at every
    # deployment.
    serialize_as_secret_always = False

    _origin_secret: str | None = None
    """Set in the process that the engine starts, after the reference was read from the state."""

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        given = req.config.get(ORIGIN_SECRET)
        if given:
            self._origin_secret = keys.storage_origin_secrets(str(given))[0]

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        # Said at the plan, before anything is deployed, where the deployment is going to need it.
        missing = None if _olds else self._server(news).missing_keys()
        failures = [dynamic.CheckFailure("storage", missing)] if missing else []
        return dynamic.CheckResult(news, failures)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        replaces = [name for name in _PLACE if _olds.get(name) != _news.get(name)]
        differ = [name for name in (*_KEPT, *_CONFIGURED) if _olds.get(name) != _news.get(name)]
        return dynamic.DiffResult(changes=bool(differ), replaces=replaces)

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        with without_trace(StorageError):
            self._make(props)
        return dynamic.CreateResult(f"{props['storage']}/{props['bucket']}", _outputs(props))

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        with without_trace(StorageError):
            found = self._bucket(props).read(Configuration.from_properties(props))
        if found is None:
            return dynamic.ReadResult("", {})
        kept = {name: value for name, value in props.items() if name not in _CONFIGURED}
        return dynamic.ReadResult(id_, _outputs(kept) | found.properties())

    def update(
        self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]
    ) -> dynamic.UpdateResult:
        with without_trace(StorageError):
            self._bucket(_news).configure(Configuration.from_properties(_news))
        return dynamic.UpdateResult(_outputs(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        with without_trace(StorageError):
            self._bucket(_props).delete(datetime.now(UTC))

    def _make(self, props: dict[str, Any]) -> None:
        try:
            self._bucket(props).make(Configuration.from_properties(props), adopt=props["adopt"])
        except BucketTakenError as error:
            role, storage = props["role"], props["storage"]
            raise BucketTakenError(
                f"{error} This stack did not make it and takes nothing over unasked. Give the "
                f"bucket another name (storageServers.{storage}.buckets.{role}), or, if it is "
                f"meant, add {role!r} to storageServers.{storage}.adopt."
            ) from None

    def _bucket(self, props: dict[str, Any]) -> Bucket:
        server = self._server(props)
        return Bucket(server, server.client(), props["bucket"], props["owner"])

    def _server(self, props: dict[str, Any]) -> Server:
        return Server(
            props["storage"],
            props["endpoint"],
            props["region"],
            self._origin_secret if props["is_proxied"] else None,
        )


class S3Bucket(dynamic.Resource, module="stowage", name="S3Bucket"):
    """`pulumi-python:dynamic/stowage:S3Bucket`: a private bucket with its lifecycle, CORS and
    policy, as far as the server takes them.

    An existing bucket is refused unless `adopt`; a bucket that is not empty is not deleted.
    Refreshing sees what was changed behind the stack's back, and the next deployment mends it.
    """

    bucket: pulumi.Output[str]
    """Its name on the server."""

    def __init__(
        self,
        name: str,
        *,
        storage: str,
        endpoint: str,
        region: str,
        is_proxied: bool,
        bucket: str,
        role: str,
        owner: str,
        adopt: bool,
        configured: Configuration,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props: Document = {
            "storage": storage,
            "endpoint": endpoint,
            "region": region,
            "is_proxied": is_proxied,
            "bucket": bucket,
            "role": role,
            "owner": owner,
            "adopt": adopt,
            **configured.properties(),
        }
        super().__init__(S3BucketProvider(), name, props, opts)


def _outputs(props: dict[str, Any]) -> dict[str, Any]:
    named = (*_KEPT, "role", "owner", "adopt", *_CONFIGURED)
    return {name: props[name] for name in named if name in props}
