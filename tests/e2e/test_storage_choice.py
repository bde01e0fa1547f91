"""What an operator does with the choice of a storage: protect its origin, leave it, destroy it."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.home import STORAGE_PORTS, STORAGE_REGIONS, CloudHome
from tests.e2e.conftest import deployed
from tests.e2e.packages import a_developer, a_package, put
from tests.e2e.stack import Stack
from tests.e2e.test_packages import a_download
from tests.e2e.test_repositories import a_tenant

HOSTNAME = "apt.moving.example"


def a_protected_server(home: CloudHome) -> str:
    """The local server's setting, with an origin behind the zone's proxy."""
    home.ensure()
    server: dict[str, Any] = {
        "endpoint": home.urls()[STORAGE_PORTS["minio"]],
        "region": STORAGE_REGIONS["minio"],
        "origin": {"type": "A", "content": "192.0.2.1"},
    }
    return json.dumps({"minio": server})


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with tempfile.TemporaryDirectory(prefix="stowage-e2e-") as folder:
        home = Path(folder) / "cloud"
        servers = a_protected_server(CloudHome(home))
        options = ("-c", "storage=minio", "-c", f"storageServers={servers}")
        with deployed(Stack(home), *options) as protected:
            yield protected


@pytest.mark.timeout(600)
def test_a_protected_storage_is_used_left_and_destroyed(stack: Stack, tmp_path: Path) -> None:
    only_who_shows_the_secret_reaches_it(stack)
    a_package_goes_through(stack)
    tenant = a_tenant(stack, tmp_path / "moving", HOSTNAME, "the moving words")
    it_is_not_left_while_it_holds_data(stack)
    it_is_read_from_while_another_one_is_active(stack, tenant.folder)
    it_is_destroyed_only_with_its_data(stack)


def only_who_shows_the_secret_reaches_it(stack: Stack) -> None:
    url = stack.outputs["s3_url"]
    blocked = httpx.get(f"{url}/{stack.outputs['buckets']['packages']}/x")
    assert (blocked.status_code, "firewall" in blocked.text) == (403, True)
    secret = json.loads((stack.home / "credentials.json").read_text())["storage_origin_secret"]
    let_in = httpx.get(url, headers={"x-stowage-origin": secret})
    assert (let_in.status_code, "AccessDenied" in let_in.text) == (403, True)
    # The publisher has a signature, and no secret.
    stack.s3.list_objects_v2(Bucket=stack.outputs["buckets"]["repositories"])


def a_package_goes_through(stack: Stack) -> None:
    developer = a_developer(stack, "org.example.protected")
    package = a_package(developer.app_id)
    developer.published(package)
    download = a_download(stack, developer.app_id)
    assert httpx.get(download["download_url"]).content == package.data
    again = developer.create(a_package(developer.app_id, 2))
    elsewhere = again["upload"]["url"].replace("/temp/", "/other/")
    refused = put(again["upload"], package.data, url=elsewhere)
    assert (refused.status_code, "firewall" in refused.text) == (403, True)


def it_is_not_left_while_it_holds_data(stack: Stack) -> None:
    refused = stack.run("up", "-c", "storage=r2", expect=3)
    for expected in (
        f"{stack.outputs['buckets']['packages']} (minio)",
        "-c fallbackStorage=minio",
        "stowage storage copy --to r2",
    ):
        assert expected in refused.stderr
    # It is not remembered either.
    stack.run("preview", "--expect-no-changes")


def it_is_read_from_while_another_one_is_active(stack: Stack, folder: Path) -> None:
    moved = stack.run("up", "-c", "storage=r2", "-c", "fallbackStorage=minio")
    assert "Cloudflare R2 (r2), and minio for what it lacks" in moved.stdout
    stack.forget()
    (deb,) = folder.glob("pool/main/*.deb")
    answer = stack.edge(HOSTNAME, f"/{deb.relative_to(folder).as_posix()}")
    assert (answer.status_code, answer.content) == (200, deb.read_bytes())
    download = a_download(stack, "org.example.protected")
    assert httpx.get(download["download_url"]).status_code == 200
    developer = a_developer(stack, "org.example.later")
    assert developer.drafted(a_package(developer.app_id))["status"] == "draft"


def it_is_destroyed_only_with_its_data(stack: Stack) -> None:
    packages = stack.outputs["buckets"]["packages"]
    root = stack.storage_root("minio")
    root.create_multipart_upload(Bucket=packages, Key="never-completed")
    refused = stack.run("destroy", expect=3)
    # R2 holds one of its own, the server the other.
    assert f"{packages}, " in refused.stderr
    assert f"{packages} (minio)" in refused.stderr
    stack.run("destroy", "--delete-data")
    assert root.list_buckets()["Buckets"] == []
    assert stack.read("status")["resources"] == {}
    stack.run("up", "-c", "storage=", "-c", "fallbackStorage=", "-c", "storageServers=")
    assert stack.read("status")["storage"] == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(root.meta.endpoint_url)
