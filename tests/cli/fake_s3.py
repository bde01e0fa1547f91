"""A storage that keeps its objects in a dictionary, in the place of boto3's client: the calls that
the copy makes, and what a real server answers to each."""

import base64
import hashlib
import io
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

from botocore.exceptions import ClientError

from cli.object_copy import Side


@dataclass
class Stored:
    data: bytes
    etag: str
    headers: dict[str, Any]
    checksum: str | None


class Body:
    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def iter_chunks(self, size: int) -> Any:
        while chunk := self._file.read(size):
            yield chunk


def refuse(status: int, code: str) -> NoReturn:
    raise ClientError(
        {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}},  # pyright: ignore[reportArgumentType]
        "Call",
    )


@dataclass
class FakeS3:
    """One bucket. `before` is called with the name and key of each call, and may raise or change
    something."""

    objects: dict[str, Stored] = field(default_factory=dict[str, Stored])
    before: Callable[[str, str], None] = lambda call, key: None
    parts: dict[str, tuple[dict[str, Any], list[bytes]]] = field(
        default_factory=dict[str, tuple[dict[str, Any], list[bytes]]]
    )
    aborted: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def side(self, *, keeps_checksums: bool = True, conditional_put: bool = True) -> Side:
        return Side(
            cast("Any", self),
            "bucket",
            keeps_checksums=keeps_checksums,
            conditional_put=conditional_put,
        )

    def put(self, key: str, data: bytes, **headers: Any) -> None:
        self.put_object(Bucket="bucket", Key=key, Body=io.BytesIO(data), **headers)

    def data(self) -> dict[str, bytes]:
        return {key: one.data for key, one in self.objects.items()}

    def get_paginator(self, _: str) -> "FakeS3":
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Any:
        self.before("list", Bucket)
        contents = [
            {"Key": key, "Size": len(one.data), "ETag": f'"{one.etag}"'}
            for key, one in sorted(self.objects.items())
            if key.startswith(Prefix)
        ]
        for start in range(0, len(contents), 3):
            yield {"Contents": contents[start : start + 3]}
        if not contents:
            yield {}

    def head_object(self, **given: Any) -> dict[str, Any]:
        self.before("head", given["Key"])
        stored = self.objects.get(given["Key"]) or refuse(404, "404")
        return {"ContentLength": len(stored.data), "ETag": f'"{stored.etag}"'}

    def get_object(self, **given: Any) -> dict[str, Any]:
        self.before("get", given["Key"])
        stored = self.objects.get(given["Key"]) or refuse(404, "NoSuchKey")
        if given.get("IfMatch") not in (None, f'"{stored.etag}"'):
            refuse(412, "PreconditionFailed")
        answer: dict[str, Any] = {"Body": Body(stored.data), **stored.headers}
        if stored.checksum and given.get("ChecksumMode") == "ENABLED":
            answer |= {"ChecksumSHA256": stored.checksum, "ChecksumType": "FULL_OBJECT"}
        return answer

    def put_object(self, **given: Any) -> dict[str, Any]:
        key, data = given.pop("Key"), given.pop("Body").read()
        self.before("put", key)
        given.pop("ContentLength", None)
        checksum = given.pop("ChecksumSHA256", None)
        actual = base64.b64encode(hashlib.sha256(data).digest()).decode()
        if checksum not in (None, actual):
            refuse(400, "BadDigest")
        with self.lock:
            self._check_condition(key, given)
            return self._store(key, data, given, checksum)

    def delete_object(self, **given: Any) -> None:
        self.before("delete", given["Key"])
        self.objects.pop(given["Key"], None)

    def create_multipart_upload(self, **given: Any) -> dict[str, Any]:
        self.before("create", given["Key"])
        upload = f"upload-{len(self.parts)}"
        self.parts[upload] = (given, [])
        return {"UploadId": upload}

    def upload_part(self, **given: Any) -> dict[str, Any]:
        self.before("part", given["Key"])
        body = cast("bytes", given["Body"])
        self.parts[given["UploadId"]][1].append(body)
        return {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}  # noqa: S324 (as S3 does it)

    def complete_multipart_upload(self, **given: Any) -> dict[str, Any]:
        self.before("complete", given["Key"])
        headers, bodies = self.parts[given["UploadId"]]
        with self.lock:
            self._check_condition(given["Key"], given)
            return self._store(given["Key"], b"".join(bodies), dict(headers), None)

    def abort_multipart_upload(self, **given: Any) -> None:
        self.parts.pop(given["UploadId"])
        self.aborted += 1

    def _check_condition(self, key: str, given: dict[str, Any]) -> None:
        there = self.objects.get(key)
        if given.pop("IfNoneMatch", None) == "*" and there is not None:
            refuse(412, "PreconditionFailed")
        wanted = given.pop("IfMatch", None)
        if wanted is not None and (there is None or wanted != f'"{there.etag}"'):
            refuse(412, "PreconditionFailed")

    def _store(
        self, key: str, data: bytes, given: dict[str, Any], checksum: str | None
    ) -> dict[str, Any]:
        etag = hashlib.md5(data + repr(sorted(given)).encode()).hexdigest()  # noqa: S324
        headers = {name: value for name, value in given.items() if name not in {"Bucket", "Key"}}
        self.objects[key] = Stored(data, etag, headers, checksum)
        return {"ETag": f'"{etag}"'}
