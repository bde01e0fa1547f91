"""What buckets are told on each storage, in the state's words and in S3's."""

from typing import Any

import pytest

from functions.core.storages import PROFILES
from infra.s3.configuration import (
    neutral_cors,
    neutral_lifecycle,
    s3_cors,
    s3_lifecycle,
    wanted_cors,
    wanted_lifecycle,
)

ORIGINS = ("https://console.example.com",)


def test_where_versions_are_forced_they_go_after_a_day() -> None:
    b2 = PROFILES["b2"]
    assert wanted_lifecycle(b2, "packages") == [
        {"prefix": "", "noncurrent_days": 1, "abort_multipart_days": 7}
    ]
    assert wanted_lifecycle(b2, "uploads") == [
        {"prefix": "temp/", "expire_days": 1, "noncurrent_days": 1, "abort_multipart_days": 7}
    ]


def test_elsewhere_only_temp_expires() -> None:
    s3 = PROFILES["s3"]
    assert wanted_lifecycle(s3, "assets") == [{"prefix": "", "abort_multipart_days": 7}]
    assert wanted_lifecycle(s3, "uploads") == [
        {"prefix": "temp/", "expire_days": 1, "abort_multipart_days": 7}
    ]


def test_a_server_without_lifecycle_is_never_asked_for_it() -> None:
    assert wanted_lifecycle(PROFILES["minio"], "uploads") is None


@pytest.mark.parametrize(
    ("storage", "headers"),
    [
        ("minio", ["content-type", "if-none-match", "x-amz-checksum-sha256"]),
        ("b2", ["content-type"]),
    ],
)
def test_a_browser_may_send_what_an_upload_is_signed_with(storage: str, headers: list[str]) -> None:
    (rule,) = wanted_cors(PROFILES[storage], "uploads", ORIGINS) or []
    assert rule["headers"] == headers
    assert rule["origins"] == list(ORIGINS)
    assert rule["methods"] == ["PUT"]


def test_no_other_bucket_and_no_other_origin_is_open_to_browsers() -> None:
    assert wanted_cors(PROFILES["minio"], "assets", ORIGINS) == []
    assert wanted_cors(PROFILES["minio"], "uploads", ()) == []


RULES = wanted_lifecycle(PROFILES["b2"], "uploads") or []


def test_rules_are_the_same_after_a_way_through_s3() -> None:
    assert neutral_lifecycle(s3_lifecycle(RULES, "owner")) == RULES
    cors = wanted_cors(PROFILES["b2"], "uploads", ORIGINS) or []
    assert neutral_cors(s3_cors(cors)) == cors


def test_ids_carry_the_owner_and_no_meaning() -> None:
    (rule,) = s3_lifecycle(RULES, "owner")
    assert rule["ID"].startswith("owner:")
    assert neutral_lifecycle([{**rule, "ID": "another"}]) == RULES


def test_the_older_form_of_a_prefix_is_the_same_rule() -> None:
    (rule,) = s3_lifecycle(RULES, "owner")
    del rule["Filter"]
    assert neutral_lifecycle([{**rule, "Prefix": "temp/"}]) == RULES


@pytest.mark.parametrize(
    "change",
    [
        {"Status": "Disabled"},
        {"Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]},
        {"Filter": {"Tag": {"Key": "a", "Value": "b"}}},
        {"Expiration": {"Days": 1, "ExpiredObjectDeleteMarker": True}},
    ],
)
def test_what_our_words_cannot_say_is_a_difference(change: dict[str, Any]) -> None:
    (rule,) = s3_lifecycle(RULES, "owner")
    assert neutral_lifecycle([{**rule, **change}]) != RULES
