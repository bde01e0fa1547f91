"""Hostnames that a stack declares beside those that tenants made by the API, with the real
engine."""

from collections.abc import Iterator
from typing import Any

import pytest
from cloudflare import Cloudflare

from tests.local.engine_program import DECLARED, ORIGIN, TENANTS, ZONE, Project

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("names")
    one = Project(folder / "project", folder / "home")
    try:
        one.cloud.start()
        yield one
    finally:
        one.remove()


def changes(project: Project, operation: str, variant: str = "naming") -> dict[str, int]:
    done = project.run(operation, variant)
    assert "changes" in done, done
    return {name: count for name, count in done["changes"].items() if name != "same"}


def test_a_deployment_leaves_tenants_hostnames_alone(project: Project) -> None:
    token, url = project.cloud.home.credentials().api_token, project.cloud.urls()["rest"]
    with Cloudflare(api_token=token, base_url=f"{url}/client/v4") as sdk:

        def statuses() -> dict[str, str | None]:
            return {one.hostname: one.status for one in sdk.custom_hostnames.list(zone_id=ZONE)}

        assert changes(project, "up") == {"create": 4}
        certificate: Any = {"method": "http", "type": "dv"}
        sdk.custom_hostnames.create(zone_id=ZONE, hostname=TENANTS, ssl=certificate)
        # Only tenants changed something.
        assert changes(project, "preview") == {}
        # Statuses that moved by themselves are no change either.
        project.cloud.set_dns(DECLARED, "CNAME", ORIGIN)
        project.cloud.set_dns(TENANTS, "CNAME", ORIGIN)
        assert statuses() == {DECLARED: "active", TENANTS: "active"}
        changes(project, "refresh")
        assert changes(project, "preview") == {}
        # A tenant's is not taken over: dropping it from the declaration would delete it.
        refused = project.run("up", "naming-taken")["error"]
        assert "1406" in refused
        assert TENANTS in refused
        assert statuses() == {DECLARED: "active", TENANTS: "active"}
        assert changes(project, "preview") == {}
        changes(project, "destroy")
        # It is still there; what it led to, the fallback origin, went with the stack.
        assert statuses() == {TENANTS: "moved"}
