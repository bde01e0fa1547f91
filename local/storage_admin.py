"""Requests of an S3 server's root, straight to the server: users, and what only root may set."""

import hashlib
from collections.abc import Mapping
from typing import Any, cast
from xml.sax.saxutils import escape

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Signer

from local.credentials import AccessKey
from local.home import CloudError

_SECONDS = 10.0
_USER_EXISTS = 409
_SHOWN = 300


class StorageAdmin:
    """The root of one server. Every method raises `CloudError` when the server refuses or does not
    answer."""

    def __init__(self, name: str, url: str, region: str, root: AccessKey) -> None:
        self._name = name
        self._url = url
        self._region = region
        self._signer = Signer(root.access_key_id, root.secret_access_key)

    async def make_user(self, key: AccessKey, role: str) -> None:
        """A user of versitygw's: `user` owns nothing and may do what the policies of buckets say.
        One that exists is left alone."""
        account = {"Access": key.access_key_id, "Secret": key.secret_access_key, "Role": role}
        fields = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in account.items())
        body = f"<Account>{fields}</Account>".encode()
        answer = await self._send("PATCH", "/create-user", body)
        if answer.status_code != _USER_EXISTS:
            self._check(answer, "make a user")

    async def set(self, bucket: str, what: str, body: bytes) -> None:
        """Sets one of a bucket's sub-resources, such as `versioning`."""
        answer = await self._send("PUT", f"/{bucket}?{what}=", body)
        self._check(answer, f"set the {what} of {bucket}")

    async def is_healthy(self, path: str) -> bool:
        """Whether the server answers."""
        try:
            return (await self._request("GET", path)).is_success
        except httpx.HTTPError:
            return False

    async def _send(self, method: str, path: str, body: bytes) -> httpx.Response:
        request = AWSRequest(method, self._url + path, data=body)
        request.headers["x-amz-content-sha256"] = hashlib.sha256(body).hexdigest()
        cast("Any", SigV4Auth(self._signer, "s3", self._region)).add_auth(request)
        headers = {name: str(value) for name, value in request.headers.items()}
        try:
            return await self._request(method, path, body, headers)
        except httpx.HTTPError as error:
            raise CloudError(
                f"The S3 server of storage {self._name} does not answer "
                f"({error or type(error).__name__}): `stowage logs` shows why."
            ) from error

    async def _request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False, timeout=_SECONDS) as client:
            return await client.request(method, self._url + path, content=body, headers=headers)

    def _check(self, answer: httpx.Response, what: str) -> None:
        if not answer.is_success:
            raise CloudError(
                f"The S3 server of storage {self._name} refuses to {what}: {answer.status_code} "
                f"{answer.text[:_SHOWN]}"
            )
