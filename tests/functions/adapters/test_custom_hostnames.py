"""Cloudflare's custom hostnames, as its API documents them, over a scripted exchange."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from functions.adapters.cloudflare.custom_hostnames import CloudflareHostnames
from functions.ports.fetch import FetchError, FetchRequest
from functions.ports.hostname_authority import (
    ConflictingHostnameError,
    CustomHostname,
    HostnameAuthorityError,
    HttpToken,
    Quota,
    QuotaExhaustedError,
    RateLimitedError,
    RefusedError,
    UnavailableError,
    ValidationRecord,
)
from tests.contracts.object_store import run
from tests.functions.adapters.test_doh import Response

BASE = "https://api.example/client/v4"
ZONE = f"{BASE}/zones/z1"
ITEM: dict[str, Any] = {
    "id": "c1",
    "hostname": "apt.example.com",
    "status": "pending",
    "verification_errors": ["custom hostname does not CNAME to this zone."],
    "ownership_verification": {
        "type": "txt",
        "name": "_cf-custom-hostname.apt.example.com",
        "value": "5cc07c04",
    },
    "ownership_verification_http": {"http_url": "http://apt.example.com/x", "http_body": "5cc0"},
    "ssl": {
        "status": "pending_validation",
        "validation_errors": [{"message": "caa record prevents issuance"}],
        "validation_records": [
            {"txt_name": "_acme-challenge.apt.example.com", "txt_value": "v", "status": "pending"},
            {"http_url": "http://apt.example.com/y", "http_body": "w"},
        ],
    },
    "a_new_member": {"of": "tomorrow"},
}


class Api:
    def __init__(self, *answers: tuple[int, Any], headers: Mapping[str, str] | None = None) -> None:
        self._answers = list(answers)
        self._headers = headers or {}
        self.requests: list[FetchRequest] = []

    async def __call__(self, request: FetchRequest) -> Response:
        self.requests.append(request)
        status, document = self._answers.pop(0)
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        response = Response(data, status)
        response.headers = self._headers
        return response

    @property
    def asked(self) -> list[tuple[str, str, Any]]:
        return [
            (one.method, one.url, json.loads(one.body) if isinstance(one.body, bytes) else None)
            for one in self.requests
        ]


def hostnames(api: Any) -> CloudflareHostnames:
    return CloudflareHostnames(api, BASE, "z1", "a-token")


def good(result: Any) -> tuple[int, Any]:
    return 200, {"success": True, "errors": [], "result": result}


def refused(status: int, code: int, message: str = "no") -> tuple[int, Any]:
    return status, {"success": False, "errors": [{"code": code, "message": message}]}


def test_a_custom_hostname_is_read_whole() -> None:
    found = run(hostnames(Api(good(ITEM))).get("c1"))
    assert found is not None
    assert (found.id, found.name) == ("c1", "apt.example.com")
    assert (found.hostname_status, found.certificate_status) == ("pending", "pending_validation")
    assert found.errors == (
        "custom hostname does not CNAME to this zone.",
        "caa record prevents issuance",
    )
    assert found.records == (
        ValidationRecord(
            "TXT", "_cf-custom-hostname.apt.example.com", "5cc07c04", "pre_validation"
        ),
        ValidationRecord("TXT", "_acme-challenge.apt.example.com", "v", "certificate"),
    )
    assert found.http_tokens == (
        HttpToken("http://apt.example.com/x", "5cc0", "pre_validation"),
        HttpToken("http://apt.example.com/y", "w", "certificate"),
    )


@pytest.mark.parametrize("item", [{}, {"id": 5, "ssl": [], "verification_errors": "x"}])
def test_what_is_missing_or_of_another_type_is_left_out(item: Any) -> None:
    found = run(hostnames(Api(good(item))).get("c1"))
    assert found is not None
    assert (found.errors, found.records, found.certificate_status) == ((), (), None)


def test_each_call_is_the_documented_request() -> None:
    api = Api(*(good(ITEM) for _ in range(2)), good([ITEM]), good([ITEM]), good({}))
    authority = hostnames(api)

    async def calls() -> None:
        await authority.create("apt.example.com", "txt")
        await authority.refresh("c1", "http")
        assert (await authority.find("apt.example.com")) is not None
        assert (await authority.list_page()).cursor is None
        await authority.delete("c1")

    run(calls())
    create, refresh, find, page, delete = api.asked
    assert create[:2] == ("POST", f"{ZONE}/custom_hostnames")
    assert create[2]["hostname"] == "apt.example.com"
    assert create[2]["ssl"]["method"] == "txt"
    assert create[2]["ssl"]["type"] == "dv"
    assert refresh[:2] == ("PATCH", f"{ZONE}/custom_hostnames/c1")
    assert list(refresh[2]) == ["ssl"]
    assert find == ("GET", f"{ZONE}/custom_hostnames?hostname=apt.example.com", None)
    assert page == ("GET", f"{ZONE}/custom_hostnames?page=1&per_page=50", None)
    assert delete == ("DELETE", f"{ZONE}/custom_hostnames/c1", None)
    assert {one.headers["authorization"] for one in api.requests} == {"Bearer a-token"}


def test_the_filter_by_name_is_not_taken_at_its_word() -> None:
    other = ITEM | {"hostname": "a.apt.example.com"}
    assert run(hostnames(Api(good([other]))).find("apt.example.com")) is None


def test_a_full_page_is_followed_by_another() -> None:
    page = run(hostnames(Api(good([ITEM] * 50))).list_page("3"))
    assert (len(page.hostnames), page.cursor) == (50, "4")


def test_what_is_gone_is_none_and_deleted() -> None:
    api = Api(refused(404, 1436), refused(404, 1436))
    assert run(hostnames(api).get("c1")) is None
    run(hostnames(api).delete("c1"))


def test_the_quota_counts_to_where_creating_is_refused() -> None:
    result = {"allocated": 100, "exceeded": True, "hard_cap": 5000, "used": 120}
    quota = run(hostnames(Api(good(result))).quota())
    assert (quota, quota.is_used_up) == (Quota(120, 5000), False)


def test_the_delegation_is_asked_once() -> None:
    api = Api(good({"uuid": "0123456789abcdef"}))
    authority = hostnames(api)
    for _ in range(2):
        assert run(authority.delegation()) == "0123456789abcdef.dcv.cloudflare.com"
    assert api.asked == [("GET", f"{ZONE}/dcv_delegation/uuid", None)]
    assert run(hostnames(Api(refused(404, 1000))).delegation()) is None


def create(fetch: Any) -> CustomHostname:
    return run(hostnames(fetch).create("a.b", "http"))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refused(409, 1406, "Duplicate custom hostname found."), ConflictingHostnameError),
        (refused(403, 1405, "quota exceeded"), QuotaExhaustedError),
        (refused(400, 1407, "Invalid custom hostname."), RefusedError),
        (refused(403, 10000, "Authentication error"), RefusedError),
        (refused(429, 971), RateLimitedError),
        (refused(503, 1), UnavailableError),
        ((200, {"success": False}), RefusedError),
        ((200, b"<html>"), UnavailableError),
        ((502, b""), UnavailableError),
    ],
)
def test_a_refusal_is_told_in_the_ports_terms(
    answer: tuple[int, Any], error: type[HostnameAuthorityError]
) -> None:
    with pytest.raises(error) as caught:
        create(Api(answer))
    assert type(caught.value) is error
    assert "a-token" not in str(caught.value)


@pytest.mark.parametrize(("said", "seconds"), [("17", 17), ("0", 1), ("soon", 300), (None, 300)])
def test_a_429_says_how_long_to_wait(said: str | None, seconds: int) -> None:
    api = Api(refused(429, 971), headers={} if said is None else {"retry-after": said})
    with pytest.raises(RateLimitedError) as caught:
        create(api)
    assert caught.value.retry_after_seconds == seconds


def test_no_answer_is_a_failure_that_may_pass() -> None:
    async def away(request: FetchRequest) -> Response:
        raise FetchError("reset")

    with pytest.raises(UnavailableError, match="reset"):
        create(away)
