"""The bucket resource in the real engine: planned, made, mended, refused, deleted."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.s3_endpoint import Endpoint, an_endpoint
from tests.infra.s3_engine_program import Project

pytestmark = pytest.mark.cloud

NAME = "stowage-test-uploads"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with an_endpoint() as running:
        yield running


def test_the_life_of_a_bucket(endpoint: Endpoint, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: stowage\nruntime: python\n")
    keys = {
        "STOWAGE_B2_ACCESS_KEY_ID": secrets.token_hex(12),
        "STOWAGE_B2_SECRET_ACCESS_KEY": secrets.token_hex(20),
    }
    origin_secret = secrets.token_urlsafe(30)
    project = Project(tmp_path, endpoint.url, keys, origin_secret)

    unable = Project(tmp_path, endpoint.url, {}, origin_secret).run("preview")["error"]
    assert "STOWAGE_B2_ACCESS_KEY_ID and STOWAGE_B2_SECRET_ACCESS_KEY are not set" in unable
    assert endpoint.requests == [], "a plan asks the server nothing"

    done = project.run("up")
    assert done.get("changes") == {"create": 2}, done["error"]
    assert set(endpoint.buckets[NAME].settings) == {"lifecycle"}
    # The engine gives a provider the stack's configuration, so no state holds the secret for it.
    assert all(one["x-stowage-origin"] == origin_secret for one in endpoint.headers)
    for secret in (*keys.values(), origin_secret, str(tmp_path.parent)):
        assert secret not in done["state"]
    assert project.changed("preview") == {}

    # Somebody changes it; a refresh sees it, the next deployment mends it, the next plan is empty.
    endpoint.buckets[NAME].settings.clear()
    assert project.changed("refresh") == {"update": 1}
    assert project.changed("up") == {"update": 1}
    assert set(endpoint.buckets[NAME].settings) == {"lifecycle"}
    assert project.changed("preview") == {}

    # It is in use: refused in one sentence, and everything stays.
    endpoint.buckets[NAME].versions.append("kept")
    refused = project.run("destroy")["error"]
    assert "is not deleted, because it is not empty: it holds 'kept'" in refused
    assert 'File "' not in refused, "without a trace"
    assert endpoint.buckets[NAME].settings

    endpoint.buckets[NAME].versions.clear()
    assert project.changed("destroy") == {"delete": 2}
    assert endpoint.buckets == {}
