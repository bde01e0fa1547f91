import hashlib
import string
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from unittest.mock import patch
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from functions.core import sigv4
from tests.contracts.keys import AWKWARD

# The documented example of AWS; its keys are public.
EXAMPLE = sigv4.Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
MAY_2013 = int(datetime(2013, 5, 24, tzinfo=UTC).timestamp() * 1000)
REGION = "us-east-1"


def test_the_documented_presigned_url_of_s3_comes_out() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html"""
    request = sigv4.SignableRequest(
        "GET", "/test.txt", (), {"host": "examplebucket.s3.amazonaws.com"}
    )
    query = sigv4.presign_query(request, EXAMPLE, REGION, MAY_2013, 86_400)
    assert query.endswith(
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )
    assert (
        "X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request" in query
    )


def test_the_documented_signed_get_of_s3_comes_out() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html"""
    request = sigv4.SignableRequest(
        "GET",
        "/test.txt",
        (),
        {"Host": "examplebucket.s3.amazonaws.com", "Range": "bytes=0-9"},
    )
    headers = sigv4.sign_headers(request, sigv4.EMPTY_SHA256, EXAMPLE, REGION, MAY_2013)
    assert headers["authorization"].endswith(
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "payload", "expected"),
    [
        (
            "PUT",
            "/test%24file.text",
            (),
            {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            b"Welcome to Amazon S3.",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            "GET",
            "/",
            (("lifecycle", ""),),
            {},
            b"",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "GET",
            "/",
            (("max-keys", "2"), ("prefix", "J")),
            {},
            b"",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
    ids=["put", "subresource", "list"],
)
def test_the_documented_signed_requests_of_s3_come_out(
    method: str,
    path: str,
    query: tuple[tuple[str, str], ...],
    headers: dict[str, str],
    payload: bytes,
    expected: str,
) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html"""
    host = {"host": "examplebucket.s3.amazonaws.com"}
    request = sigv4.SignableRequest(method, path, query, {**headers, **host})
    digest = hashlib.sha256(payload).hexdigest()
    signed = sigv4.sign_headers(request, digest, EXAMPLE, REGION, MAY_2013)
    assert signed["authorization"].endswith(f"Signature={expected}")


@pytest.mark.parametrize("key", AWKWARD)
def test_an_awkward_key_is_signed_as_botocore_signs_it(key: str) -> None:
    moment = datetime(2026, 1, 31, tzinfo=UTC)
    path = f"/bucket/{sigv4.encode_key(key)}"
    theirs = AWSRequest("GET", f"https://s3.example{path}")
    with _frozen(moment):
        S3SigV4Auth(BotoCredentials("ID", "secret"), "s3", "auto").add_auth(theirs)
    ours = sigv4.sign_headers(
        sigv4.SignableRequest("GET", path, (), {"host": "s3.example"}),
        sigv4.EMPTY_SHA256,
        sigv4.Credentials("ID", "secret"),
        "auto",
        int(moment.timestamp() * 1000),
    )
    assert ours["authorization"] == theirs.headers["Authorization"]


def test_the_documented_chunks_of_s3_come_out() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html"""
    request = sigv4.SignableRequest(
        "PUT",
        "/examplebucket/chunkObject.txt",
        (),
        {
            "host": "s3.amazonaws.com",
            "x-amz-storage-class": "REDUCED_REDUNDANCY",
            "content-encoding": "aws-chunked",
            "x-amz-decoded-content-length": "66560",
            "content-length": "66824",
        },
    )
    headers = sigv4.sign_headers(request, sigv4.SIGNED_CHUNKS, EXAMPLE, REGION, MAY_2013)
    assert headers["authorization"].endswith(
        "Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
    )
    signer = sigv4.ChunkSigner(headers, EXAMPLE, REGION)
    assert [signer.sign(b"a" * size) for size in (65536, 1024, 0)] == [
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ]


KEYS = st.text(min_size=1, max_size=40).filter(str.isprintable)
PLAIN = st.text(string.ascii_letters + string.digits + " -_.~/+:=&%$!*'()é🙂", max_size=20)
NAMES = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=12)
QUERIES = st.lists(st.tuples(NAMES, PLAIN), max_size=5, unique_by=lambda pair: pair[0])
HEADERS = st.dictionaries(
    st.text(string.ascii_lowercase, min_size=1, max_size=8).map("x-amz-meta-".__add__),
    st.text(string.ascii_letters + "  ,;", min_size=1, max_size=12).filter(str.strip),
    max_size=4,
)
SECRETS = st.text(string.ascii_letters + "/+", min_size=1, max_size=40)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001  (bounds)
    lambda moment: moment.replace(tzinfo=UTC, microsecond=0)
)


@given(KEYS, QUERIES, HEADERS, SECRETS, MOMENTS, st.integers(1, 604_800))
def test_presigned_urls_are_those_of_botocore(
    key: str,
    query: list[tuple[str, str]],
    headers: dict[str, str],
    secret: str,
    moment: datetime,
    seconds: int,
) -> None:
    url = f"https://s3.example:9000/bucket/{sigv4.encode_key(key)}"
    if query:
        url += "?" + "&".join(f"{n}={quote(v, safe='-_.~')}" for n, v in query)
    theirs = AWSRequest("PUT", url, headers=dict(headers))
    with _frozen(moment):
        S3SigV4QueryAuth(BotoCredentials("ID", secret), "s3", "auto", expires=seconds).add_auth(
            theirs
        )
    ours = sigv4.presign_query(
        sigv4.SignableRequest(
            "PUT",
            f"/bucket/{sigv4.encode_key(key)}",
            tuple(query),
            {**headers, "host": "s3.example:9000"},
        ),
        sigv4.Credentials("ID", secret),
        "auto",
        int(moment.timestamp() * 1000),
        seconds,
    )
    assert _pairs(ours) == _pairs(urlsplit(str(theirs.url)).query)


@given(
    path=st.lists(
        st.sampled_from(["a", "b c", "..", ".", "", "ü", "x%2Fy", "%", "~", "+"]), max_size=6
    ),
    query=QUERIES,
    headers=HEADERS,
    secret=SECRETS,
    moment=MOMENTS,
)
def test_signed_headers_are_those_of_botocore(
    path: list[str],
    query: list[tuple[str, str]],
    headers: dict[str, str],
    secret: str,
    moment: datetime,
) -> None:
    encoded = "/" + "/".join(sigv4.encode(part) for part in path)
    url = f"https://api.example{encoded}"
    if query:
        url += "?" + "&".join(f"{n}={quote(v, safe='-_.~')}" for n, v in query)
    theirs = AWSRequest("GET", url, headers=dict(headers))
    with _frozen(moment):
        S3SigV4Auth(BotoCredentials("ID", secret), "s3", "eu-central-1").add_auth(theirs)
    ours = sigv4.sign_headers(
        sigv4.SignableRequest("GET", encoded, tuple(query), {**headers, "host": "api.example"}),
        sigv4.EMPTY_SHA256,
        sigv4.Credentials("ID", secret),
        "eu-central-1",
        int(moment.timestamp() * 1000),
    )
    assert ours["authorization"] == theirs.headers["Authorization"]


def test_a_session_token_is_part_of_the_signature() -> None:
    request = sigv4.SignableRequest("GET", "/k", (), {"host": "h"})
    with_token = sigv4.Credentials("ID", "secret", "session")
    query = sigv4.presign_query(request, with_token, REGION, MAY_2013, 60)
    assert ("X-Amz-Security-Token", "session") in parse_qsl(query)
    headers = sigv4.sign_headers(request, "hash", with_token, REGION, MAY_2013)
    assert headers["x-amz-security-token"] == "session"
    assert "x-amz-security-token" in headers["authorization"]


@pytest.mark.parametrize("seconds", [0, -1, 604_801])
def test_a_lifetime_beyond_the_limits_is_refused(seconds: int) -> None:
    request = sigv4.SignableRequest("GET", "/k", (), {"host": "h"})
    with pytest.raises(ValueError, match="604800"):
        sigv4.presign_query(request, EXAMPLE, REGION, MAY_2013, seconds)


def _frozen(moment: datetime) -> AbstractContextManager[object]:
    return patch("botocore.auth.get_current_datetime", lambda: moment)


def _pairs(query: str) -> list[tuple[str, str]]:
    return sorted(
        (unquote(name), unquote(value))
        for name, _, value in (part.partition("=") for part in query.split("&"))
    )
