"""What the edge notes of its requests, from the request to the owner's report."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from functions.core.usage import column
from local.client import Cloud
from tests.e2e.packages import a_developer, a_package
from tests.e2e.stack import Stack
from tests.e2e.test_states import download, until

LARGE = b"words" * 2000
FILES = {"dists/stable/InRelease": b"index", "pool/main/hello_1.0_all.deb": LARGE}
DEB = "/pool/main/hello_1.0_all.deb"


@dataclass(frozen=True)
class Tenant:
    hostname: str
    key: str
    repository: dict[str, Any]


def a_tenant(stack: Stack, hostname: str) -> Tenant:
    tenant = stack.made("/v1/tenants", {"name": hostname})
    body = {"tenant_id": tenant["tenant_id"], "hostname": hostname, "distribution": "stable"}
    repository = stack.made("/v1/repositories", body)["repository"]
    for path, content in FILES.items():
        key = repository["s3_prefix"] + path
        stack.s3.put_object(Bucket=repository["s3_bucket"], Key=key, Body=content)
    return Tenant(hostname, tenant["key"], repository)


def ask(stack: Stack, sql: str, token: str | None = None) -> list[dict[str, Any]]:
    """The SQL endpoint, as the account's operator has it."""
    answer = stack.client.post(
        f"{stack.account_url}/analytics_engine/sql",
        content=sql.encode(),
        headers={"authorization": f"Bearer {token or stack.api_token}"},
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def dataset(stack: Stack) -> str:
    (name,) = [str(row["dataset"]) for row in ask(stack, "SHOW TABLES")]
    return name


def noted(stack: Stack, **members: str) -> int:
    """How many points there are with these members."""
    where = " AND ".join(f"{column(name)} = '{value}'" for name, value in members.items())
    counting = f"SELECT SUM(_sample_interval) AS n FROM {dataset(stack)}"  # noqa: S608
    (row,) = ask(stack, f"{counting} WHERE {where}")
    return int(row["n"] or 0)


def until_noted(stack: Stack, count: int, **members: str) -> None:
    until(lambda: noted(stack, **members) == count, f"{count} points have {members}")


def warm(stack: Stack, url: str, hostname: str, **members: str) -> int:
    """Asks until the cache has it, which takes a moment behind the first answer; how often."""
    for asked in range(1, 20):
        assert stack.client.get(url, headers={"host": hostname}).status_code == 200
        until_noted(stack, asked, **members)
        if noted(stack, cache="hit", **members):
            return asked
    return pytest.fail("the cache does not get warm")


def test_what_devices_download_is_counted_once_and_shown_to_the_developer(
    faulty_stack: Stack,
) -> None:
    stack = faulty_stack
    developer = a_developer(stack, "org.example.counted")
    package = a_package(developer.app_id, payload=50_000)
    version_id = developer.published(package)["id"]
    url = download(stack, developer.app_id)["download_url"]
    asked = warm(stack, url, str(httpx.URL(url).netloc, "ascii"), version_id=version_id)
    assert stack.client.head(url).status_code == 200
    for part in ("bytes=0-99", "bytes=100-"):
        assert stack.client.get(url, headers={"range": part}).status_code == 206
    until_noted(stack, asked + 3, version_id=version_id, kind="package")
    until_noted(stack, asked + 1, version_id=version_id, part="start")
    for _ in range(2):
        stack.run("trigger", "cron")
        usage = stack.read("usage", "app", developer.app_id, "--key", developer.key)
        assert usage["downloads"] == asked + 1
        assert usage["sent_bytes"] == (asked + 1) * len(package.data)
        (version,) = usage["versions"]
        assert (version["version_id"], version["downloads"]) == (version_id, asked + 1)
    stranger = a_developer(stack, "org.example.curious")
    path = f"/v1/apps/{developer.app_id}/usage"
    assert stack.api("GET", path, key=stranger.key).status_code == 404


def test_each_tenant_sees_the_requests_of_its_own_hostname(faulty_stack: Stack) -> None:
    stack = faulty_stack
    one, two = (a_tenant(stack, f"apt.{name}.example") for name in ("counting", "quiet"))
    edge_url = stack.outputs["edge_url"]
    asked = warm(stack, f"{edge_url}{DEB}", one.hostname, host=one.hostname)
    assert stack.edge(one.hostname, "/nothing").status_code == 404
    assert stack.edge(one.hostname, "/a%2Fb").status_code == 400
    assert stack.edge(two.hostname, DEB).status_code == 200
    assert stack.edge("apt.unknown.example", DEB).status_code == 404
    until_noted(stack, asked + 2, host=one.hostname)
    until_noted(stack, 1, host=two.hostname)
    until_noted(stack, 1, host=one.hostname, cache="hit")
    until_noted(stack, 1, host=one.hostname, kind="refused", status_class="4xx")
    assert noted(stack, host="apt.unknown.example") == 0
    stack.run("trigger", "cron")
    path = f"/v1/repositories/{one.repository['id']}/usage"
    (day,) = stack.api("GET", path, key=one.key).json()["days"]
    assert (day["requests"], day["client_errors"], day["server_errors"]) == (asked + 2, 2, 0)
    assert day["hits"] == 1
    assert day["hit_ratio"] == round(1 / (asked + 2), 4)
    assert asked * len(LARGE) < day["sent_bytes"] < asked * len(LARGE) + 2000
    assert stack.api("GET", path, key=two.key).status_code == 404
    seen = stack.read("usage", "repository", two.repository["id"])
    assert seen["requests"] == 1


def test_a_dataset_that_fails_delays_and_breaks_no_download(faulty_stack: Stack) -> None:
    stack, cloud = faulty_stack, Cloud(faulty_stack.home, faults=True)
    tenant = a_tenant(stack, "apt.unwritten.example")
    edge = stack.outputs["workers"]["edge"]
    try:
        for action in ("fail", "hold"):
            cloud.add_fault(
                worker=edge, binding="USAGE", method="writeDataPoint", action=action, count=100
            )
            for _ in range(3):
                assert stack.edge(tenant.hostname, DEB).content == LARGE
            until(lambda: cloud.list_faults()["faults"][-1]["met"] > 0, "the fault was met")
    finally:
        cloud.clear_faults()
    # Behind the fault it is counted again.
    assert stack.edge(tenant.hostname, DEB).content == LARGE
    until(lambda: noted(stack, host=tenant.hostname) > 0, "points are written again")
