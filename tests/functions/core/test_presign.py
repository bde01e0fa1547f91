import base64
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import boto3
import pytest
from botocore.config import Config

from functions.core.platform import Limits
from functions.core.presign import PresignSettings, presign_part, presign_upload
from functions.core.storages import PROFILES
from functions.core.version_records import Upload, Version
from tests.contracts.object_store import run
from tests.functions.core.world import World, a_package, sha256

if TYPE_CHECKING:
    from functions.core.access import Caller

SETTINGS = PresignSettings(
    PROFILES["r2"], "http://127.0.0.1:9000", "auto", "stowage-dev-uploads", "ID", "secret"
)
LIMIT = 900


def made(world: World) -> tuple[Version, Upload]:
    async def scenario() -> tuple[Version, Upload]:
        caller: Caller = await world.developer()
        await world.app(caller)
        version, upload, _ = await world.create(caller, a_package())
        return version, upload

    return run(scenario())


def test_the_url_signs_everything_that_pins_the_upload(world: World) -> None:
    version, upload = made(world)
    put = presign_upload(SETTINGS, upload, version, world.clock.now_ms(), LIMIT)
    content = a_package()
    assert put.method == "PUT"
    assert put.headers == {
        "content-length": str(len(content)),
        "content-type": "application/zip",
        "if-none-match": "*",
        "x-amz-checksum-sha256": base64.b64encode(bytes.fromhex(sha256(content))).decode(),
    }
    parts = urlsplit(put.url)
    assert (parts.scheme, parts.netloc) == ("http", "127.0.0.1:9000")
    assert parts.path == f"/stowage-dev-uploads/temp/{upload.id}/package.mosis"
    pairs = dict(parse_qsl(parts.query))
    assert pairs["X-Amz-SignedHeaders"] == (
        "content-length;content-type;host;if-none-match;x-amz-checksum-sha256"
    )
    assert pairs["X-Amz-Expires"] == "900"
    assert put.expires_at == upload.expires_at == world.clock.now_ms() + 900_000


def a_client() -> Any:
    return boto3.client(  # pyright: ignore[reportUnknownMemberType]  (boto3 has no types)
        "s3",
        endpoint_url=SETTINGS.endpoint,
        region_name="auto",
        aws_access_key_id="ID",
        aws_secret_access_key="secret",
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )


def test_the_url_is_the_one_that_boto3_makes(world: World) -> None:
    version, upload = made(world)
    put = presign_upload(SETTINGS, upload, version, world.clock.now_ms(), LIMIT)
    ours = dict(parse_qsl(urlsplit(put.url).query))
    theirs_url = a_client().generate_presigned_url(
        "put_object",
        Params={
            "Bucket": SETTINGS.bucket,
            "Key": upload.object_key,
            "ContentLength": upload.size,
            "ContentType": upload.content_type,
            "ChecksumSHA256": put.headers["x-amz-checksum-sha256"],
            "IfNoneMatch": "*",
        },
        ExpiresIn=900,
    )
    theirs = dict(parse_qsl(urlsplit(str(theirs_url)).query))
    assert ours["X-Amz-SignedHeaders"] == theirs["X-Amz-SignedHeaders"]
    assert set(ours) <= set(theirs)


def test_the_url_of_a_part_pins_its_place_and_length_and_nothing_else(world: World) -> None:
    """R2 answers 501 to a part with a SHA-256."""
    _, upload = made(world)
    upload = replace(upload, multipart_id="an id/with+more=", part_size=5)
    now = world.clock.now_ms()
    put = presign_part(SETTINGS, upload, 7, 5, now, LIMIT)
    assert (put.method, put.headers) == ("PUT", {"content-length": "5"})
    pairs = dict(parse_qsl(urlsplit(put.url).query))
    assert (pairs["partNumber"], pairs["uploadId"]) == ("7", "an id/with+more=")
    assert pairs["X-Amz-SignedHeaders"] == "content-length;host"
    assert put.expires_at == upload.expires_at == now + 900_000
    other = presign_part(SETTINGS, upload, 8, 5, now, LIMIT)
    assert signature(put.url) != signature(other.url)
    assert signature(put.url) != signature(presign_part(SETTINGS, upload, 7, 6, now, LIMIT).url)


def signature(url: str) -> str:
    return dict(parse_qsl(urlsplit(url).query))["X-Amz-Signature"]


def test_the_url_of_a_part_is_the_one_that_boto3_makes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, upload = made(world)
    upload = replace(upload, multipart_id="u1", part_size=5)
    now = world.clock.now_ms()
    at = datetime.fromtimestamp(now // 1000, UTC)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: at.replace(tzinfo=None))
    theirs = a_client().generate_presigned_url(
        "upload_part",
        Params={
            "Bucket": SETTINGS.bucket,
            "Key": upload.object_key,
            "UploadId": "u1",
            "PartNumber": 7,
            "ContentLength": 5,
        },
        ExpiresIn=900,
    )
    ours = presign_part(SETTINGS, upload, 7, 5, now, LIMIT).url
    assert sorted(parse_qsl(urlsplit(ours).query)) == sorted(parse_qsl(urlsplit(str(theirs)).query))


def test_without_an_upload_in_parts_there_is_no_url_of_a_part(world: World) -> None:
    _, upload = made(world)
    with pytest.raises(ValueError, match="has no parts"):
        presign_part(SETTINGS, upload, 1, 5, world.clock.now_ms(), LIMIT)


def test_what_a_storage_cannot_keep_is_neither_signed_nor_asked_of_the_client(
    world: World,
) -> None:
    version, upload = made(world)
    settings = replace(SETTINGS, profile=PROFILES["b2"])
    put = presign_upload(settings, upload, version, world.clock.now_ms(), LIMIT)
    assert put.headers == {
        "content-length": str(len(a_package())),
        "content-type": "application/zip",
    }
    pairs = dict(parse_qsl(urlsplit(put.url).query))
    assert pairs["X-Amz-SignedHeaders"] == "content-length;content-type;host"


def test_no_secret_is_shown_by_the_settings() -> None:
    assert "secret'" not in repr(SETTINGS)


def test_a_later_url_ends_with_the_upload(world: World) -> None:
    version, upload = made(world)
    world.clock.advance(seconds=300, milliseconds=999)
    put = presign_upload(SETTINGS, upload, version, world.clock.now_ms(), LIMIT)
    assert dict(parse_qsl(urlsplit(put.url).query))["X-Amz-Expires"] == "600"


@pytest.mark.parametrize("limit", [1, 2, 900])
@pytest.mark.parametrize(("milliseconds", "elapsed"), [(0, 0), (999, 1), (1, 999), (500, 999)])
def test_a_url_lives_at_least_a_second_and_at_most_its_limit(
    world: World, limit: int, milliseconds: int, elapsed: int
) -> None:
    """The second may change between the writing of the row and the signing."""
    world.limits = Limits(upload_url_seconds=limit)
    world.clock.advance(milliseconds=milliseconds)
    version, upload = made(world)
    before = world.clock.now_ms()
    world.clock.advance(milliseconds=elapsed)
    for now in (before - 5000, before, world.clock.now_ms()):
        put = presign_upload(SETTINGS, upload, version, now, limit)
        seconds = int(dict(parse_qsl(urlsplit(put.url).query))["X-Amz-Expires"])
        assert 1 <= seconds <= limit
        assert put.expires_at == (now // 1000 + seconds) * 1000
        if now <= before:
            assert seconds == limit


def test_an_upload_that_has_expired_gets_no_url(world: World) -> None:
    version, upload = made(world)
    world.clock.advance(seconds=900)
    with pytest.raises(ValueError, match="is over"):
        presign_upload(SETTINGS, upload, version, world.clock.now_ms(), LIMIT)


def test_an_upload_of_another_version_gets_no_url(world: World) -> None:
    version, upload = made(world)
    with pytest.raises(ValueError, match="is not that of"):
        presign_upload(SETTINGS, upload, replace(version, id="other"), world.clock.now_ms(), LIMIT)


def test_an_endpoint_may_have_a_path_and_a_bucket_be_in_it(world: World) -> None:
    version, upload = made(world)
    settings = replace(SETTINGS, endpoint="https://s3.example/base")
    put = presign_upload(settings, upload, version, world.clock.now_ms(), LIMIT)
    assert put.url.startswith("https://s3.example/base/stowage-dev-uploads/temp/")
