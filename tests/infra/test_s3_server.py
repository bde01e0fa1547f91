"""Buckets and their policies on a real server, which verifies every signature and every right."""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import botocore.session
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from mypy_boto3_s3 import S3Client

from functions.core.sigv4 import Credentials
from functions.core.storages import PROFILES
from infra.s3.access import rights
from infra.s3.bucket import BucketInUseError, BucketTakenError
from infra.s3.provider import S3BucketProvider
from infra.s3.server import StorageError
from infra.s3.storage import StorageArgs, configuration
from tests.contracts.versitygw import REGION, Versitygw

pytestmark = pytest.mark.cloud

WORKERS = ("edge", "api", "jobs", "publisher")
ROLES = ("uploads", "packages", "assets", "backups", "debian")


@dataclass(frozen=True)
class Stack:
    """What a stack knows of the server: its keys, and what it wants of a bucket."""

    gateway: Versitygw
    keys: Mapping[str, Credentials]
    owner: str = "stowage-test"

    def properties(self, bucket: str, role: str = "uploads", **changes: Any) -> dict[str, Any]:
        args = StorageArgs(
            profile=PROFILES["minio"],
            endpoint=self.gateway.endpoint,
            region=REGION,
            is_proxied=False,
            names={role: bucket},
            key_ids={worker: key.access_key_id for worker, key in self.keys.items()},
            owner=self.owner,
            adopt=(),
            upload_cors_origins=("https://console.example.com",),
            protect=True,
            after=(),
        )
        return {
            "storage": "minio",
            "endpoint": args.endpoint,
            "region": args.region,
            "is_proxied": False,
            "bucket": bucket,
            "role": role,
            "owner": self.owner,
            "adopt": False,
            **configuration(args, role).properties(),
            **changes,
        }

    def client(self, worker: str) -> S3Client:
        return a_client(self.gateway, self.keys[worker])


def a_client(gateway: Versitygw, key: Credentials) -> S3Client:
    session: Any = botocore.session.Session()
    client = session.create_client(
        "s3",
        endpoint_url=gateway.endpoint,
        region_name=REGION,
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret_access_key,
        config=Config(s3={"addressing_style": "path"}, proxies={}),
    )
    return cast("S3Client", client)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Versitygw]:
    server = Versitygw(tmp_path_factory.mktemp("versitygw"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def keys(gateway: Versitygw) -> Mapping[str, Credentials]:
    return {worker: gateway.new_user() for worker in WORKERS}


@pytest.fixture
def root(gateway: Versitygw) -> S3Client:
    return a_client(gateway, gateway.credentials)


@pytest.fixture
def stack(
    gateway: Versitygw, keys: Mapping[str, Credentials], monkeypatch: pytest.MonkeyPatch
) -> Stack:
    administrator = gateway.credentials
    monkeypatch.setenv("STOWAGE_MINIO_ACCESS_KEY_ID", administrator.access_key_id)
    monkeypatch.setenv("STOWAGE_MINIO_SECRET_ACCESS_KEY", administrator.secret_access_key)
    monkeypatch.setattr(sys, "tracebacklimit", 1000, raising=False)
    return Stack(gateway, keys)


def refusal(attempt: Callable[[], object]) -> str:
    """The code with which the server refuses; empty where it does as it is asked."""
    try:
        attempt()
    except ClientError as refused:
        return cast("dict[str, Any]", refused.response)["Error"]["Code"]
    return ""


def attempts(client: S3Client, bucket: str) -> dict[str, Callable[[], object]]:
    """One call for each right."""
    return {
        "s3:GetObject": lambda: client.get_object(Bucket=bucket, Key="there"),
        "s3:PutObject": lambda: client.put_object(Bucket=bucket, Key="new", Body=b"x"),
        "s3:DeleteObject": lambda: client.delete_object(Bucket=bucket, Key="new"),
        "s3:ListBucket": lambda: client.list_objects_v2(Bucket=bucket),
        "s3:ListBucketMultipartUploads": lambda: client.list_multipart_uploads(Bucket=bucket),
    }


@pytest.mark.parametrize("role", ROLES)
def test_each_key_can_do_what_its_worker_does_and_nothing_else(
    stack: Stack, root: S3Client, role: str
) -> None:
    bucket = f"rights-{role}"
    S3BucketProvider().create(stack.properties(bucket, role))
    root.put_object(Bucket=bucket, Key="there", Body=b"content")
    for worker in WORKERS:
        for right, attempt in attempts(stack.client(worker), bucket).items():
            expected = "" if right in rights(worker, role) else "AccessDenied"
            assert refusal(attempt) == expected, (worker, role, right)


def test_a_missing_object_is_missing_for_a_key_that_may_only_read(stack: Stack) -> None:
    """Amazon answers 403 to a key that may not list; then edge could not tell the two apart."""
    S3BucketProvider().create(stack.properties("reading", "packages"))
    client = stack.client("edge")
    assert refusal(lambda: client.get_object(Bucket="reading", Key="missing")) == "NoSuchKey"


def test_a_multipart_upload_is_within_the_api_s_rights(stack: Stack) -> None:
    S3BucketProvider().create(stack.properties("multipart", "uploads"))
    client = stack.client("api")
    upload = client.create_multipart_upload(Bucket="multipart", Key="k")["UploadId"]
    part: Any = {"Bucket": "multipart", "Key": "k", "UploadId": upload}
    etag = client.upload_part(**part, PartNumber=1, Body=b"x")["ETag"]
    assert len(client.list_parts(**part)["Parts"]) == 1
    parts: Any = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    client.complete_multipart_upload(**part, MultipartUpload=parts)
    second = client.create_multipart_upload(Bucket="multipart", Key="k2")["UploadId"]
    client.abort_multipart_upload(Bucket="multipart", Key="k2", UploadId=second)


def test_nobody_without_a_key_reaches_a_bucket(stack: Stack, gateway: Versitygw) -> None:
    S3BucketProvider().create(stack.properties("closed", "packages"))
    for path in ("/closed", "/closed/there"):
        assert httpx.get(f"{gateway.endpoint}{path}", trust_env=False).status_code == 403


def test_a_bucket_is_made_read_and_not_changed_again(stack: Stack) -> None:
    provider = S3BucketProvider()
    made = provider.create(stack.properties("made"))
    assert made.outs == stack.properties("made")
    found = provider.read(made.id, made.outs or {})
    assert found.id == made.id
    assert found.outs == made.outs
    assert not provider.diff(made.id, found.outs or {}, stack.properties("made")).changes


def test_a_browser_of_a_named_origin_may_upload(stack: Stack, gateway: Versitygw) -> None:
    S3BucketProvider().create(stack.properties("browsers"))

    def preflight(origin: str) -> int:
        return httpx.options(
            f"{gateway.endpoint}/browsers/temp/1/package.mosis",
            headers={
                "origin": origin,
                "access-control-request-method": "PUT",
                "access-control-request-headers": "content-type,if-none-match,"
                "x-amz-checksum-sha256",
            },
            trust_env=False,
        ).status_code

    assert preflight("https://console.example.com") == 200
    assert preflight("https://elsewhere.example.com") == 403


def test_drift_is_seen_and_mended(stack: Stack, root: S3Client) -> None:
    provider = S3BucketProvider()
    wanted = stack.properties("drifting")
    made = provider.create(wanted)
    root.delete_bucket_policy(Bucket="drifting")
    root.delete_bucket_cors(Bucket="drifting")
    found = provider.read(made.id, made.outs or {}).outs or {}
    assert (found["policy"], found["cors"]) == ({}, [])
    assert provider.diff(made.id, found, wanted).changes
    provider.update(made.id, found, wanted)
    assert provider.read(made.id, wanted).outs == wanted


def test_a_bucket_that_is_gone_is_seen(stack: Stack, root: S3Client) -> None:
    provider = S3BucketProvider()
    made = provider.create(stack.properties("going"))
    root.delete_bucket(Bucket="going")
    assert provider.read(made.id, made.outs or {}).id == ""


def test_what_exists_is_taken_over_only_when_told(stack: Stack, root: S3Client) -> None:
    root.create_bucket(Bucket="existing")
    root.put_object(Bucket="existing", Key="theirs", Body=b"x")
    provider = S3BucketProvider()
    with pytest.raises(BucketTakenError, match=r"add 'uploads' to storageServers\.minio\.adopt"):
        provider.create(stack.properties("existing"))
    with pytest.raises(ClientError):
        root.get_bucket_policy(Bucket="existing")
    provider.create(stack.properties("existing", adopt=True))
    assert root.head_object(Bucket="existing", Key="theirs")["ContentLength"] == 1
    assert "stowage-test" in root.get_bucket_policy(Bucket="existing")["Policy"]


def test_an_empty_bucket_of_another_stack_is_not_taken_over(stack: Stack) -> None:
    S3BucketProvider().create(replace(stack, owner="stowage-other").properties("shared"))
    with pytest.raises(BucketTakenError, match="somebody configured it"):
        S3BucketProvider().create(stack.properties("shared"))


@pytest.mark.parametrize("finished", [False, True])
def test_what_a_killed_run_made_is_known_again(
    stack: Stack, root: S3Client, finished: bool
) -> None:
    bucket = f"killed-{finished}".lower()
    if finished:
        S3BucketProvider().create(stack.properties(bucket))
    else:
        root.create_bucket(Bucket=bucket)
    made = S3BucketProvider().create(stack.properties(bucket))
    assert made.outs == stack.properties(bucket)


def test_a_key_that_the_server_does_not_know_is_told_with_its_cure(stack: Stack) -> None:
    unknown = {**stack.keys, "edge": Credentials("nobody-knows-me", "x")}
    with pytest.raises(StorageError) as refused:
        S3BucketProvider().create(Stack(stack.gateway, unknown).properties("unknown", "assets"))
    assert "MalformedPolicy" in str(refused.value)
    assert "does the server have a user for each of them?" in str(refused.value)
    # Mended, the same run goes on.
    S3BucketProvider().create(stack.properties("unknown", "assets"))


def test_only_an_empty_bucket_is_deleted(stack: Stack, root: S3Client) -> None:
    provider = S3BucketProvider()
    props = provider.create(stack.properties("deleting")).outs or {}
    root.put_object(Bucket="deleting", Key="kept", Body=b"x")
    with pytest.raises(BucketInUseError, match="it holds 'kept'"):
        provider.delete("id", props)
    assert root.head_object(Bucket="deleting", Key="kept")
    root.delete_object(Bucket="deleting", Key="kept")
    provider.delete("id", props)
    assert provider.read("id", props).id == ""
    provider.delete("id", props)


def test_old_versions_are_content_too(stack: Stack, root: S3Client) -> None:
    props = S3BucketProvider().create(stack.properties("versioned")).outs or {}
    root.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    root.put_object(Bucket="versioned", Key="deleted", Body=b"x")
    root.delete_object(Bucket="versioned", Key="deleted")
    assert "Contents" not in root.list_objects_v2(Bucket="versioned")
    with pytest.raises(BucketInUseError, match="it holds 'deleted', or an old version of it"):
        S3BucketProvider().delete("id", props)


def test_an_upload_that_goes_on_keeps_its_bucket(stack: Stack, root: S3Client) -> None:
    """This server itself would delete the bucket and the upload with it."""
    props = S3BucketProvider().create(stack.properties("uploading")).outs or {}
    upload = root.create_multipart_upload(Bucket="uploading", Key="half")["UploadId"]
    with pytest.raises(BucketInUseError, match="an upload to 'half' may still be going on"):
        S3BucketProvider().delete("id", props)
    (kept,) = root.list_multipart_uploads(Bucket="uploading")["Uploads"]
    assert kept.get("UploadId") == upload


def test_a_wrong_administrator_s_key_is_told(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOWAGE_MINIO_ACCESS_KEY_ID", stack.keys["edge"].access_key_id)
    monkeypatch.setenv("STOWAGE_MINIO_SECRET_ACCESS_KEY", stack.keys["edge"].secret_access_key)
    with pytest.raises(StorageError) as refused:
        S3BucketProvider().create(stack.properties("no-rights"))
    assert "Do STOWAGE_MINIO_ACCESS_KEY_ID and STOWAGE_MINIO_SECRET_ACCESS_KEY hold" in str(
        refused.value
    )
    assert stack.keys["edge"].secret_access_key not in str(refused.value)
