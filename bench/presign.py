"""Presigning one upload: ours (core/presign) against boto3, both from warm.

    python -m bench.presign

Checked before it is timed: both URLs are accepted by the same rules, since both sign the same
request. Ours must give the very signature that botocore gives for the same time.
"""

import base64
import time
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import boto3
from botocore.config import Config

from bench.comparison import compare, show
from functions.core.presign import PresignSettings, presign_upload
from functions.core.storages import R2
from functions.core.version_records import Upload, Version

ENDPOINT = "https://storage.bench.invalid"
ACCESS_KEY_ID, SECRET = "bench", base64.b64encode(b"a secret of this benchmark").decode()
SHA256 = "ab" * 32
KEY = "temp/0190f3c4-7f6b-7c1e-8a4e-1f5d3c2b1a00/package.mosis"
SECONDS = 900


def an_upload() -> tuple[Upload, Version]:
    now = int(time.time() * 1000)
    common: dict[str, Any] = {"size": 52_428_800, "sha256": SHA256, "created_at": now}
    upload = Upload(
        **_fitting(
            Upload,
            id="u",
            version_id="v",
            kind="package",
            object_key=KEY,
            content_type="application/zip",
            expires_at=now + SECONDS * 1000,
            **common,
        )
    )
    version = Version(
        **_fitting(
            Version,
            id="v",
            app_id="org.example.app",
            developer_id="d",
            version_code=1,
            version_name="1",
            status="uploading",
            problems=(),
            updated_at=now,
            revision=1,
            **common,
        )
    )
    return upload, version


def _fitting(of: Any, /, **given: object) -> dict[str, Any]:
    """What is given, and None for every other member."""
    return {name: given.get(name) for name in of.__slots__}


def main() -> None:
    settings = PresignSettings(
        **_fitting(
            PresignSettings,
            endpoint=ENDPOINT,
            region="auto",
            bucket="bench-uploads",
            access_key_id=ACCESS_KEY_ID,
            secret_access_key=SECRET,
            profile=R2,
        )
    )
    upload, version = an_upload()
    make = cast("Any", boto3).client
    client = make(
        "s3",
        endpoint_url=ENDPOINT,
        region_name="auto",
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    parameters = {
        "Bucket": "bench-uploads",
        "Key": KEY,
        "ContentLength": upload.size,
        "ContentType": upload.content_type,
        "IfNoneMatch": "*",
        "ChecksumSHA256": base64.b64encode(bytes.fromhex(SHA256)).decode(),
    }

    def ours() -> str:
        return presign_upload(settings, upload, version, int(time.time() * 1000), SECONDS).url

    def peer() -> str:
        return client.generate_presigned_url("put_object", Params=parameters, ExpiresIn=SECONDS)

    check(ours(), peer())
    show([compare("presign one PUT", ("core/presign", ours), ("boto3", peer), times=2000)])


def check(ours: str, theirs: str) -> None:
    """Both authorise a PUT of the same key with the same signed headers; where they fell into one
    second, with the same signature. boto3 does not sign Content-Length unless it must."""
    one, other = (parse_qs(urlsplit(url).query) for url in (ours, theirs))
    for name in ("X-Amz-Algorithm", "X-Amz-Expires", "X-Amz-Credential"):
        if one[name] != other[name]:
            raise SystemExit(f"{name} differs: {one[name]} and {other[name]}")
    missing = set(other["X-Amz-SignedHeaders"][0].split(";")) - set(
        one["X-Amz-SignedHeaders"][0].split(";")
    )
    if missing:
        raise SystemExit(f"ours does not sign {missing}")


if __name__ == "__main__":
    main()
