"""Tenants' repositories: the same paths under two hostnames, and apt for real."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.e2e import debian
from tests.e2e.packages import a_developer, a_package
from tests.e2e.stack import Stack


@dataclass(frozen=True)
class Tenant:
    tenant_id: str
    key: str
    repository: dict[str, Any]
    folder: Path


def a_tenant(stack: Stack, folder: Path, hostname: str, words: str) -> Tenant:
    tenant = stack.made("/v1/tenants", {"name": words})
    repository = stack.made(
        "/v1/repositories",
        {"tenant_id": tenant["tenant_id"], "hostname": hostname, "distribution": "stable"},
    )["repository"]
    debian.build(folder, "hello", "1.0+b1~2", words)
    debian.upload(stack, folder, repository["s3_bucket"], repository["s3_prefix"])
    return Tenant(tenant["tenant_id"], tenant["key"], repository, folder)


@pytest.fixture(scope="module")
def tenants(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tenant]:
    folder = tmp_path_factory.mktemp("repositories")
    return {
        hostname: a_tenant(stack, folder / hostname, hostname, f"words of {hostname}")
        for hostname in ("apt.alpha.example", "apt.beta.example")
    }


def apt_downloads(stack: Stack, root: Path, hostname: str) -> bytes:
    apt = debian.Apt(root / hostname, stack.outputs["edge_url"])
    apt.setup(hostname)
    apt.get("update")
    return apt.downloaded("hello")


def test_two_tenants_on_the_same_paths_each_get_their_own_bytes_with_apt(
    stack: Stack, tenants: dict[str, Tenant], tmp_path: Path
) -> None:
    got = {hostname: apt_downloads(stack, tmp_path, hostname) for hostname in tenants}
    for hostname, tenant in tenants.items():
        (deb,) = tenant.folder.glob("pool/main/*.deb")
        assert got[hostname] == deb.read_bytes()
    assert len(set(got.values())) == 2
    prefixes = {tenant.repository["s3_prefix"] for tenant in tenants.values()}
    assert len(prefixes) == 2
    assert "" not in prefixes


def test_a_single_tenant_stack_serves_the_same_repository_from_an_empty_prefix(
    single_tenant_stack: Stack, tmp_path: Path
) -> None:
    stack = single_tenant_stack
    tenant = a_tenant(stack, tmp_path / "one", "apt.only.example", "the only words")
    assert tenant.repository["s3_prefix"] == ""
    assert tenant.repository["s3_bucket"] == stack.outputs["buckets"]["repositories"]
    (deb,) = tenant.folder.glob("pool/main/*.deb")
    assert apt_downloads(stack, tmp_path, "apt.only.example") == deb.read_bytes()
    second = stack.made("/v1/tenants", {"name": "a second"})
    refused = stack.api(
        "POST",
        "/v1/repositories",
        {
            "tenant_id": second["tenant_id"],
            "hostname": "apt.second.example",
            "distribution": "stable",
        },
        key=stack.operator,
    )
    assert refused.status_code == 409


def test_the_edge_answers_head_ranges_and_conditions_for_a_repository(
    stack: Stack, tenants: dict[str, Tenant]
) -> None:
    path = "/dists/stable/Release"
    body = (tenants["apt.alpha.example"].folder / path[1:]).read_bytes()
    whole = stack.edge("apt.alpha.example", path)
    assert (whole.status_code, whole.content) == (200, body)
    etag = whole.headers["etag"]
    head = stack.edge("apt.alpha.example", path, method="HEAD")
    assert head.headers["content-length"] == str(len(body))
    part = stack.edge("apt.alpha.example", path, headers={"range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, body[:4])
    fresh = stack.edge("apt.alpha.example", path, headers={"if-none-match": etag})
    assert fresh.status_code == 304
    posted = stack.edge("apt.alpha.example", path, method="POST")
    assert posted.status_code == 405
    assert posted.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "path",
    [
        "/../{other}dists/stable/Release",
        "/%2e%2e/{other}dists/stable/Release",
        "/..%2f{other}dists/stable/Release",
        "/dists/..%2f..%2f..%2f{other}dists/stable/Release",
        "/dists%5c..%5c..%5c{other}dists/stable/Release",
        "/dists/%00/Release",
        "/{other}dists/stable/Release",
    ],
)
def test_no_path_leaves_its_prefix(stack: Stack, tenants: dict[str, Tenant], path: str) -> None:
    other = tenants["apt.beta.example"].repository["s3_prefix"]
    answer = stack.edge("apt.alpha.example", path.format(other=other))
    assert answer.status_code in (400, 404)
    assert b"beta" not in answer.content


def test_an_unknown_host_is_told_nothing(stack: Stack, tenants: dict[str, Tenant]) -> None:
    for host in ("nobody.example", "fallback.stowage.test", "stowage.test", "127.0.0.1"):
        answer = stack.edge(host, "/dists/stable/Release")
        assert answer.status_code == 404
        for told in ("alpha", "beta", "stowage-", "repositor"):
            assert told not in answer.text


@pytest.mark.parametrize("host", ["apt.alpha.example", "cdn.stowage.test", "nobody.example"])
@pytest.mark.parametrize("path", ["/packages/x/y/1/package.mosis", "/temp/x/package.mosis"])
def test_packages_and_uploads_are_readable_on_no_host_without_a_token(
    stack: Stack, tenants: dict[str, Tenant], host: str, path: str
) -> None:
    assert stack.edge(host, path).status_code in (403, 404)


def test_a_row_planted_in_the_database_that_names_another_bucket_is_not_served(
    stack: Stack, tenants: dict[str, Tenant]
) -> None:
    developer = a_developer(stack, "org.example.planted")
    package = developer.published(a_package(developer.app_id, 1))
    planted = stack.made("/v1/tenants", {"name": "planted"})["tenant_id"]
    bucket = stack.outputs["buckets"]["packages"]
    location, hostname = "0" * 36, "apt.planted.example"
    stack.query(
        "INSERT INTO location (id, tenant_id, s3_bucket, s3_prefix, created_at, revision)"
        " VALUES (?, ?, ?, '', 1, 1)",
        *(location, planted, bucket),
    )
    stack.query(
        "INSERT INTO hostname"
        " (id, name, tenant_id, location_id, state, proven_at, created_at, revision)"
        " VALUES (?, ?, ?, ?, 'active', 1, 1, 1)",
        *(location, hostname, planted, location),
    )
    key = f"/packages/{developer.developer_id}/{developer.app_id}/1/package.mosis"
    assert package["status"] == "published"
    assert stack.edge(hostname, key).status_code == 404
    stack.query("UPDATE location SET s3_bucket = ? WHERE id = ?", planted, location)
    assert stack.edge(hostname, key).status_code == 404


class TestWhatTheControlPlaneRefuses:
    """Nothing of a refused request is kept: the rows are counted before and after."""

    @pytest.fixture(autouse=True)
    def nothing_kept(self, stack: Stack, tenants: dict[str, Tenant]) -> Any:
        tables = ("location", "hostname", "debian_repository")

        def counts() -> list[Any]:
            return [stack.query(f"SELECT count(*) AS n FROM {table}") for table in tables]  # noqa: S608

        before = counts()
        yield
        assert counts() == before

    def refused(self, stack: Stack, tenant: Tenant, **changes: str) -> int:
        body = {
            "tenant_id": tenant.tenant_id,
            "hostname": "apt.new.example",
            "distribution": "stable",
        } | changes
        answer = stack.api("POST", "/v1/repositories", body, key=stack.operator)
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.status_code

    def test_the_same_row_twice(self, stack: Stack, tenants: dict[str, Tenant]) -> None:
        alpha = tenants["apt.alpha.example"]
        assert self.refused(stack, alpha, hostname="apt.alpha.example") == 409

    def test_another_tenants_hostname(self, stack: Stack, tenants: dict[str, Tenant]) -> None:
        alpha = tenants["apt.alpha.example"]
        assert self.refused(stack, alpha, hostname="apt.beta.example") == 409

    def test_another_tenants_location(self, stack: Stack, tenants: dict[str, Tenant]) -> None:
        alpha, beta = tenants.values()
        assert self.refused(stack, alpha, s3_prefix=beta.repository["s3_prefix"]) == 409

    def test_a_bucket_that_is_not_a_repository_bucket(
        self, stack: Stack, tenants: dict[str, Tenant]
    ) -> None:
        packages = stack.outputs["buckets"]["packages"]
        assert self.refused(stack, tenants["apt.alpha.example"], s3_bucket=packages) == 422

    @pytest.mark.parametrize("prefix", ["", "../", "packages/", "a", "/", "00000000/"])
    def test_a_prefix_of_ones_own_making(
        self, stack: Stack, tenants: dict[str, Tenant], prefix: str
    ) -> None:
        assert self.refused(stack, tenants["apt.alpha.example"], s3_prefix=prefix) == 422

    @pytest.mark.parametrize(
        "hostname",
        [
            "api.stowage.test",
            "cdn.stowage.test",
            "fallback.stowage.test",
            "stowage.test",
            "*.example.org",
            "localhost",
            "10.0.0.1",
            "apt_x.example.org",
            "münchen.example",
            "apt.example.org:80",
            "",
        ],
    )
    def test_a_hostname_that_is_none_of_the_tenants(
        self, stack: Stack, tenants: dict[str, Tenant], hostname: str
    ) -> None:
        assert self.refused(stack, tenants["apt.alpha.example"], hostname=hostname) == 422


def test_another_distribution_on_the_same_hostname_shares_the_location(
    stack: Stack, tenants: dict[str, Tenant]
) -> None:
    beta = tenants["apt.beta.example"]
    second = stack.made(
        "/v1/repositories",
        {
            "tenant_id": beta.tenant_id,
            "hostname": "apt.beta.example",
            "distribution": "testing",
        },
    )["repository"]
    assert second["s3_prefix"] == beta.repository["s3_prefix"]
    assert second["s3_bucket"] == beta.repository["s3_bucket"]


def test_the_publisher_token_reaches_the_repository_buckets_only(
    stack: Stack, tenants: dict[str, Tenant]
) -> None:
    for role in ("uploads", "packages", "assets", "backups"):
        with pytest.raises(ClientError) as refused:
            stack.s3.put_object(Bucket=stack.outputs["buckets"][role], Key="x", Body=b"x")
        assert refused.value.response.get("Error", {}).get("Code") == "AccessDenied"
