"""Signature Version 4: Amazon's published examples, and botocore as signer of awkward requests.

botocore's `aws4_testsuite` lies in its source distribution only, which a test cannot fetch, and
normalises paths, which S3 must not; so the awkward cases are signed here, at run time, by botocore.
"""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials

from tests.local.s3_client import (
    READER,
    REPOSITORIES,
    UNBOUND,
    UPLOADS,
    WRITER,
    Signed,
    error_code,
    keys_of,
    path_of,
    presign,
    sign,
    start_s3,
    turn_clock,
)
from tests.local.workerd_host import CHECKOUT, WorkerdHost

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerdHost]:
    started = start_s3(tmp_path_factory.mktemp("s3"))
    yield started
    started.close()


# docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html and sigv4-query-string-auth
EXAMPLE_KEY = {
    "access_key_id": "AKIAIOSFODNN7EXAMPLE",
    "secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}
NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
AT = "20130524T000000Z"
SCOPE = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
HOST = "examplebucket.s3.amazonaws.com"


def by_header(signed: str, signature: str, **headers: str) -> dict[str, str]:
    return {
        "host": HOST,
        "x-amz-date": AT,
        **{name.replace("_", "-"): value for name, value in headers.items()},
        "authorization": f"AWS4-HMAC-SHA256 Credential={SCOPE},SignedHeaders={signed},"
        f"Signature={signature}",
    }


EXAMPLES: dict[str, tuple[str, str, dict[str, str]]] = {
    "get object": (
        "GET",
        "/test.txt",
        by_header(
            "host;range;x-amz-content-sha256;x-amz-date",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            range="bytes=0-9",
            x_amz_content_sha256=NOTHING,
        ),
    ),
    "put object": (
        "PUT",
        "/test$file.text",
        by_header(
            "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
            date="Fri, 24 May 2013 00:00:00 GMT",
            x_amz_content_sha256="44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
            x_amz_storage_class="REDUCED_REDUNDANCY",
        ),
    ),
    "subresource": (
        "GET",
        "/?lifecycle",
        by_header(
            "host;x-amz-content-sha256;x-amz-date",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            x_amz_content_sha256=NOTHING,
        ),
    ),
    "list": (
        "GET",
        "/?max-keys=2&prefix=J",
        by_header(
            "host;x-amz-content-sha256;x-amz-date",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            x_amz_content_sha256=NOTHING,
        ),
    ),
    "presigned": (
        "GET",
        "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
        f"{SCOPE.replace('/', '%2F')}&X-Amz-Date={AT}&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
        {"host": HOST},
    ),
}

VERIFY = """
const [folder, text] = process.argv.slice(1);
const { verifySignature } = await import(`${folder}/sigv4.mjs`);
const { parseTarget } = await import(`${folder}/target.mjs`);
const { method, path, headers, token, now, region } = JSON.parse(text);
const target = parseTarget(`http://x${path}`);
try {
  await verifySignature(
    { method, target, headers: new Headers(headers) },
    { tokens: [token], region },
    now,
  );
  console.log("verified");
} catch (error) {
  console.log(error.code ?? error.stack);
}
"""


def verify(method: str, path: str, headers: dict[str, str], now: datetime) -> str:
    case: dict[str, Any] = {
        "method": method,
        "path": path,
        "headers": headers,
        "token": EXAMPLE_KEY,
        "now": now.timestamp() * 1000,
        "region": "us-east-1",
    }
    folder = (CHECKOUT / "local" / "workerd" / "s3").as_uri()
    command = ["node", "--input-type=module", "-e", VERIFY, folder, json.dumps(case)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("name", EXAMPLES)
def test_amazons_published_examples_verify_and_a_changed_one_does_not(name: str) -> None:
    method, path, headers = EXAMPLES[name]
    now = datetime(2013, 5, 24, 0, 5, tzinfo=UTC)
    assert verify(method, path, headers, now) == "verified"
    assert verify("HEAD", path, headers, now) == "SignatureDoesNotMatch"


AWKWARD_KEYS = [
    "plain.txt",
    "a b+c~d_e-f.g",
    "ä/ö 漢字 🦊",
    "percent%41%2F%zz",
    "!*'()&$@=;:,?#[]{}|^`\"<>\\",
    "dots/../and/./more/..",
    "double//slash//",
    "/leading",
    "trailing/",
    "tab\tnew\nline",
    "x" * 1024,
]


@pytest.mark.parametrize("key", AWKWARD_KEYS)
def test_a_key_of_awkward_characters_is_stored_and_read_by_header_and_by_query(
    host: WorkerdHost, key: str
) -> None:
    path = path_of(UPLOADS, key)
    stored = sign(host, "PUT", path, body=key.encode()).send(host, key.encode())
    assert stored.status == 200, stored.text
    assert key in keys_of(host)
    for signed in (sign(host, "GET", path), presign(host, "GET", path)):
        answer = signed.send(host)
        assert (answer.status, answer.text) == (200, key), answer.text
    assert presign(host, "DELETE", path).send(host).status == 204
    assert key not in keys_of(host)


AWKWARD_QUERIES = [
    "list-type=2&prefix=a%20b%2Bc&delimiter=%2F",
    "list-type=2&prefix=%C3%A4%26%3D&encoding-type=url",
    "list-type=2&start-after=~-_.%21%2A%27%28%29",
    "prefix=&list-type=2&max-keys=1&fetch-owner",
    "list-type=2&prefix=..%2F..%2F",
    "list-type=2&prefix=b&prefix=a&a=2&A=1&a=1",
]


@pytest.mark.parametrize("query", AWKWARD_QUERIES)
def test_a_query_of_awkward_parameters_verifies(host: WorkerdHost, query: str) -> None:
    answer = sign(host, "GET", f"{path_of(UPLOADS)}?{query}").send(host)
    assert answer.status == 200, answer.text


def test_header_values_are_trimmed_and_their_spaces_joined(host: WorkerdHost) -> None:
    path = path_of(UPLOADS, "spaces")
    signed = sign(host, "PUT", path, {"x-amz-meta-note": "two words"}, b"x")
    answer = signed.send(host, b"x", x_amz_meta_note="  two    words  ")
    assert answer.status == 200, answer.text


def test_us_east_1_is_another_name_of_the_region_and_others_are_refused(host: WorkerdHost) -> None:
    path = path_of(UPLOADS)
    assert sign(host, "HEAD", path, region="us-east-1").send(host).status == 200
    answer = sign(host, "GET", path, region="eu-west-1").send(host)
    assert (answer.status, error_code(answer)) == (400, "InvalidRegionName")


@pytest.mark.parametrize("seconds", [-1000, 1000])
def test_a_clock_that_is_off_by_more_than_fifteen_minutes_is_refused(
    host: WorkerdHost, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    turn_clock(monkeypatch, seconds)
    answer = sign(host, "GET", path_of(UPLOADS)).send(host)
    assert (answer.status, error_code(answer)) == (403, "RequestTimeTooSkewed")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"authorization": None}, 403, "AccessDenied"),
        ({"authorization": "Basic eDp5"}, 400, "InvalidRequest"),
        ({"authorization": "AWS4-HMAC-SHA256 nonsense"}, 400, "AuthorizationHeaderMalformed"),
        ({"x-amz-date": "yesterday"}, 400, "AuthorizationHeaderMalformed"),
        ({"x-amz-content-sha256": None}, 400, "InvalidRequest"),
        ({"x-amz-content-sha256": "abc"}, 400, "InvalidArgument"),
        ({"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}, 403, "SignatureDoesNotMatch"),
        ({"x-amz-request-payer": "requester"}, 403, "AccessDenied"),
    ],
)
def test_a_request_that_is_not_properly_signed_is_refused(
    host: WorkerdHost, change: dict[str, str | None], status: int, code: str
) -> None:
    answer = sign(host, "GET", path_of(UPLOADS)).send(host, None, **change)
    assert (answer.status, error_code(answer)) == (status, code)


def test_the_scope_of_a_token_is_its_buckets_and_its_permission(host: WorkerdHost) -> None:
    path = path_of(UPLOADS, "scoped")
    assert sign(host, "PUT", path, body=b"x").send(host, b"x").status == 200
    assert sign(host, "GET", path, credentials=READER).send(host).text == "x"
    listing = sign(host, "GET", path_of(UPLOADS) + "?list-type=2", credentials=READER)
    assert listing.send(host).status == 200
    refused = [
        sign(host, "PUT", path, body=b"y", credentials=READER),
        sign(host, "DELETE", path, credentials=READER),
        sign(host, "POST", path_of(UPLOADS) + "?delete", body=b"y", credentials=READER),
        sign(host, "GET", path_of(REPOSITORIES, "x")),
        sign(host, "PUT", path_of(REPOSITORIES, "x"), body=b"y"),
        sign(host, "GET", path_of(REPOSITORIES) + "?list-type=2"),
        sign(host, "GET", path_of("no-such-bucket", "x")),
        sign(host, "PUT", path_of(UPLOADS)),
    ]
    for signed in refused:
        answer = signed.send(host, b"y" if signed.method in {"PUT", "POST"} else None)
        assert (answer.status, error_code(answer)) == (403, "AccessDenied"), signed
    assert sign(host, "GET", path).send(host).text == "x"
    assert keys_of(host, REPOSITORIES) == []


def test_a_bucket_of_the_scope_that_does_not_exist_is_not_found(host: WorkerdHost) -> None:
    answer = sign(host, "GET", path_of(UNBOUND, "x")).send(host)
    assert (answer.status, error_code(answer)) == (404, "NoSuchBucket")


def test_the_signature_is_looked_at_before_the_scope_and_the_condition(host: WorkerdHost) -> None:
    path = path_of(REPOSITORIES, "x")
    wrong = sign(host, "PUT", path, {"if-none-match": "*"}, b"x", Credentials("a", "b"))
    assert error_code(wrong.send(host, b"x")) == "InvalidAccessKeyId"
    own = sign(host, "PUT", path, {"if-none-match": "*"}, b"x", WRITER)
    assert error_code(own.send(host, b"x")) == "AccessDenied"


def test_a_refused_head_request_has_a_status_and_no_body(host: WorkerdHost) -> None:
    answer = Signed("HEAD", path_of(UPLOADS, "x"), {}).send(host)
    assert (answer.status, answer.body) == (403, b"")


def test_a_path_that_does_not_decode_is_a_bad_uri(host: WorkerdHost) -> None:
    answer = Signed("GET", f"/{UPLOADS}/%zz%ff", {}).send(host)
    assert (answer.status, error_code(answer)) == (400, "InvalidURI")


def test_data_outlives_a_restart(tmp_path: Path) -> None:
    first = start_s3(tmp_path)
    sign(first, "PUT", path_of(UPLOADS, "kept"), body=b"x").send(first, b"x")
    first.close()
    second = start_s3(tmp_path)
    try:
        assert sign(second, "GET", path_of(UPLOADS, "kept")).send(second).text == "x"
    finally:
        second.close()
