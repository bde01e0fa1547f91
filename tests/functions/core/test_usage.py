"""What is noted of a request, as a data point within Analytics Engine's limits."""

import pytest

from functions.core import fields
from functions.core.catalog import Icon, PackageObject, RepositoryFile
from functions.core.http import Response
from functions.core.usage import (
    BLOBS,
    DOUBLES,
    MOST_BLOB_BYTES,
    MOST_BLOBS,
    MOST_DOUBLES,
    MOST_INDEX_BYTES,
    NONE,
    UsagePoint,
    column,
    data_point,
    latency_bucket,
)
from functions.core.usage_trail import Trail

LOCATION = "01900000-0000-7000-8000-000000000001"


def a_point(**changes: object) -> UsagePoint:
    members: dict[str, object] = {
        "kind": "refused",
        "method": "GET",
        "status": 404,
        "cache": "bypass",
        "part": "none",
        "sent_bytes": 0,
        "latency_ms": 3,
    }
    return UsagePoint(**(members | changes))  # pyright: ignore[reportArgumentType]  (data)


def noted(of: UsagePoint) -> dict[str, str | float]:
    point = data_point(of)
    return dict(zip(BLOBS, point.blobs, strict=True)) | dict(
        zip(DOUBLES, point.doubles, strict=True)
    )


def test_every_member_has_a_column_of_its_own_that_never_changes() -> None:
    assert [column(name) for name in BLOBS] == [f"blob{n + 1}" for n in range(len(BLOBS))]
    assert [column(name) for name in DOUBLES] == [f"double{n + 1}" for n in range(len(DOUBLES))]
    # Points that were written stay: these are for ever, whatever is added behind them.
    assert (column("schema"), column("version_id"), column("part")) == ("blob1", "blob6", "blob12")
    assert (column("bytes"), column("status"), column("latency_ms")) == (
        "double1", "double2", "double3",
    )  # fmt: skip


def test_the_longest_that_the_platform_can_name_is_within_the_limits() -> None:
    longest = "a" * fields.APP_ID_LENGTH[1]
    point = data_point(
        a_point(host="h" * 253, app_id=longest, version_id=LOCATION, status=599, latency_ms=10**9)
    )
    assert len(point.blobs) <= MOST_BLOBS
    assert len(point.doubles) <= MOST_DOUBLES
    assert sum(len(blob.encode()) for blob in point.blobs) <= MOST_BLOB_BYTES
    assert len(point.index.encode()) <= MOST_INDEX_BYTES


def test_what_there_is_not_is_a_hyphen_and_never_empty() -> None:
    found = noted(a_point())
    for name in ("host", "location_id", "app_id", "version_id", "colo"):
        assert found[name] == NONE
    assert data_point(a_point()).index == NONE


@pytest.mark.parametrize(
    ("given", "noted_as"),
    [("GET", "GET"), ("HEAD", "HEAD"), ("OPTIONS", "OPTIONS"), ("PURGE", "other"), ("", "other")],
)
def test_methods_that_clients_make_up_are_one(given: str, noted_as: str) -> None:
    assert noted(a_point(method=given))["method"] == noted_as


@pytest.mark.parametrize(
    ("given", "noted_as"),
    [("ams", "AMS"), ("AMS", "AMS"), (None, NONE), ("", NONE), ("a/b", NONE), ("amsterdam", NONE)],
)
def test_a_data_centre_has_three_letters(given: str | None, noted_as: str) -> None:
    assert noted(a_point(colo=given))["colo"] == noted_as


def test_latencies_fall_into_one_bucket_each() -> None:
    assert [latency_bucket(ms) for ms in (0, 9, 10, 99, 100, 9_999, 10_000, 10**9)] == [
        "<10", "<10", "<25", "<100", "<250", "<10000", "more", "more",
    ]  # fmt: skip


def answer(status: int, body: bytes | None = b"12345", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, {"content-length": str(len(body or b"")), **named}, body)


@pytest.mark.parametrize(
    ("method", "given", "part", "sent"),
    [
        ("GET", answer(200), "start", 5),
        ("GET", answer(206, content_range="bytes 0-4/9"), "start", 5),
        ("GET", answer(206, content_range="bytes 1-5/9"), "rest", 5),
        ("GET", answer(304, None), "none", 0),
        ("GET", answer(404), "none", 5),
        ("GET", answer(416), "none", 5),
        ("HEAD", answer(200), "none", 0),
        ("OPTIONS", answer(204, None), "none", 0),
    ],
)
def test_only_what_is_sent_counts(method: str, given: Response, part: str, sent: int) -> None:
    point = Trail().point(method, given, 1, None)
    assert (point.part, point.sent_bytes) == (part, sent)


def test_a_head_says_how_long_a_body_would_be_and_sends_none() -> None:
    head = Response(200, {"content-length": "700"}, None)
    assert Trail().point("HEAD", head, 1, None).sent_bytes == 0


def test_a_clock_that_goes_back_makes_no_negative_latency() -> None:
    assert Trail().point("GET", answer(200), -5, None).latency_ms == 0


def test_a_trail_names_what_a_request_is_about() -> None:
    refused = Trail()
    refused.reached("apt.example.org", LOCATION)
    point = refused.point("GET", answer(400), 1, "AMS")
    assert (point.kind, point.host, point.location_id) == ("refused", "apt.example.org", LOCATION)
    refused.named(RepositoryFile(LOCATION, "x/", "Release"))
    assert refused.point("GET", answer(404), 1, None).kind == "repository"
    package = Trail()
    package.named(PackageObject("d", "org.example.app", 3), "v")
    point = package.point("GET", answer(200), 1, None)
    assert (point.kind, point.app_id, point.version_id) == ("package", "org.example.app", "v")
    asset = Trail()
    asset.named(Icon("org.example.app", 32))
    point = asset.point("GET", answer(200), 1, None)
    assert (point.kind, point.app_id, point.version_id) == ("asset", "org.example.app", None)
