"""A real package, from the developer's machine to a device."""

import base64
import hashlib
import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.e2e.packages import Developer, Package, a_developer, a_package
from tests.e2e.stack import Stack

FIFTY_MEGABYTES = 50_000_000


@pytest.fixture(scope="module")
def developer(stack: Stack) -> Developer:
    return a_developer(stack, "org.example.big")


@pytest.fixture(scope="module")
def big(developer: Developer) -> Package:
    return a_package(developer.app_id, 1, payload=FIFTY_MEGABYTES)


def a_download(stack: Stack, app_id: str, **query: int) -> dict[str, Any]:
    answer = stack.client.get(f"{stack.outputs['api_url']}/v1/apps/{app_id}/download", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def check_signature(stack: Stack, download: dict[str, Any]) -> None:
    keys = stack.client.get(f"{stack.outputs['api_url']}/v1/keys").json()["keys"]
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(keys[0]["public_key"]))
    public.verify(base64.b64decode(download["signature"]), download["statement"].encode())


def test_fifty_megabytes_go_through_curl_and_come_back_the_same(
    stack: Stack, developer: Developer, big: Package, tmp_path: Path
) -> None:
    created = developer.create(big)
    version, upload = created["version"], created["upload"]
    assert version["status"] == "uploading"
    assert upload["method"] == "PUT"
    (tmp_path / "package").write_bytes(big.data)
    headers = [f"{name}: {value}" for name, value in upload["headers"].items()]
    sent = subprocess.run(
        [
            "curl",
            "-sS",
            "-o",
            "-",
            "-w",
            "%{http_code}",
            "-X",
            "PUT",
            "--data-binary",
            f"@{tmp_path / 'package'}",
            *(part for header in headers for part in ("-H", header)),
            upload["url"],
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert sent.stdout.endswith("200"), sent.stdout

    completed = developer.complete(version["id"])
    assert completed.status_code == 202
    assert completed.json()["version"]["status"] == "validating"
    assert developer.complete(version["id"]).status_code == 202
    drafted = stack.settled(version["id"], developer.key)
    assert (drafted["status"], drafted["problems"]) == ("draft", [])

    published = developer.publish(version["id"])
    assert published.status_code == 200
    assert published.json()["version"]["status"] == "published"

    download = a_download(stack, developer.app_id)
    assert download["version_code"] == 1
    assert download["version_name"] == "1.1"
    assert (download["size"], download["sha256"]) == (len(big.data), big.sha256)
    assert download["statement"].splitlines()[1:] == [
        developer.developer_id,
        developer.app_id,
        "1",
        str(len(big.data)),
        big.sha256,
    ]
    check_signature(stack, download)
    lives = datetime.fromisoformat(download["expires_at"]) - datetime.now(UTC)
    assert 3500 < lives.total_seconds() <= 3600

    fetched = tmp_path / "fetched"
    subprocess.run(["curl", "-sSf", "-o", str(fetched), download["download_url"]], check=True)
    assert hashlib.sha256(fetched.read_bytes()).hexdigest() == big.sha256


def test_the_edge_serves_a_package_as_an_immutable_object_with_ranges(
    stack: Stack, tmp_path: Path
) -> None:
    developer = a_developer(stack, "org.example.ranges")
    package = a_package(developer.app_id, 7)
    developer.published(package)
    url = a_download(stack, developer.app_id, version_code=7)["download_url"]
    whole = httpx.get(url)
    assert whole.content == package.data
    assert whole.headers["cache-control"] == "public, max-age=86400, immutable"
    assert whole.headers["accept-ranges"] == "bytes"
    etag = whole.headers["etag"]
    assert etag.startswith('"')

    part = httpx.get(url, headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, package.data[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(package.data)}"
    tail = httpx.get(url, headers={"range": "bytes=-5"})
    assert (tail.status_code, tail.content) == (206, package.data[-5:])
    past = httpx.get(url, headers={"range": f"bytes={len(package.data)}-"})
    assert past.status_code == 416
    assert past.headers["content-range"] == f"bytes */{len(package.data)}"
    known = httpx.get(url, headers={"if-none-match": etag})
    assert (known.status_code, known.content) == (304, b"")
    head = httpx.head(url)
    assert head.status_code == 200
    assert head.headers["content-length"] == str(len(package.data))
    assert head.headers["etag"] == etag

    again = tmp_path / "resumed"
    again.write_bytes(package.data[:1000])
    subprocess.run(["curl", "-sSf", "-C", "-", "-o", str(again), url], check=True)
    assert again.read_bytes() == package.data


def test_a_download_url_is_good_for_its_object_and_its_time_only(stack: Stack) -> None:
    developer = a_developer(stack, "org.example.tokens")
    developer.published(a_package(developer.app_id, 1))
    url = httpx.URL(a_download(stack, developer.app_id)["download_url"])
    query = dict(url.params)
    bad = {
        "without a token": url.copy_with(query=None),
        "a forged signature": url.copy_merge_params({"sig": "A" * 43}),
        "a later expiry": url.copy_merge_params({"expires": str(int(query["expires"]) + 60)}),
        "an expiry long ago": url.copy_merge_params({"expires": "1"}),
        "an unknown key": url.copy_merge_params({"key": "nobody"}),
        "another version": url.copy_merge_params({"v": "0" * 36}),
        "a parameter twice": httpx.URL(f"{url}&v={query['v']}"),
        "a parameter too many": httpx.URL(f"{url}&x=1"),
        "another object": url.copy_with(path=url.path.replace("package.mosis", "manifest.json")),
    }
    for reason, forged in bad.items():
        assert httpx.get(forged).status_code in (403, 404, 410), reason
    assert httpx.get(url).status_code == 200
    through_edge = stack.edge("cdn.stowage.test", url.raw_path.decode())
    assert through_edge.status_code == 200


def test_fifty_megabytes_go_through_httpx_and_come_back_the_same(stack: Stack) -> None:
    developer = a_developer(stack, "org.example.httpx")
    package = a_package(developer.app_id, 3, payload=FIFTY_MEGABYTES)
    assert developer.published(package)["status"] == "published"
    download = a_download(stack, developer.app_id)
    check_signature(stack, download)
    fetched = httpx.get(download["download_url"], timeout=120)
    assert hashlib.sha256(fetched.content).hexdigest() == package.sha256


def test_push_sends_fifty_megabytes_with_progress_waits_and_publishes(
    stack: Stack, tmp_path: Path
) -> None:
    developer = a_developer(stack, "org.example.push")
    package = a_package(developer.app_id, 12, payload=FIFTY_MEGABYTES)
    file = tmp_path / "app.mosis"
    file.write_bytes(package.data)
    done = stack.run("push", str(file), "--key", developer.key, "--publish", "--json")
    assert json.loads(done.stdout)["version"]["status"] == "published"
    assert re.search(r"\b[1-9][0-9]? ?%", done.stderr), done.stderr
    download = a_download(stack, developer.app_id)
    assert download["sha256"] == package.sha256
    check_signature(stack, download)
    again = stack.run("push", str(file), "--key", developer.key)
    assert "published" in again.stdout + again.stderr
    file.write_bytes(a_package(developer.app_id, 12, payload=1000).data)
    other = stack.run("push", str(file), "--key", developer.key, expect=1)
    assert "12" in other.stderr
    assert "Traceback" not in other.stderr


def test_the_same_version_again_while_uploading_is_the_same_upload_with_a_fresh_url(
    stack: Stack,
) -> None:
    developer = a_developer(stack, "org.example.again")
    package = a_package(developer.app_id, 1)
    path = f"/v1/apps/{developer.app_id}/versions"
    first = developer.create(package)
    again = stack.api("POST", path, package.declared, key=developer.key)
    assert again.status_code == 200
    assert again.json()["upload"]["id"] == first["upload"]["id"]
    assert again.json()["version"]["id"] == first["version"]["id"]
    other = stack.api("POST", path, package.declared | {"size": 5}, key=developer.key)
    assert other.status_code == 409
    unsent = developer.complete(first["version"]["id"])
    assert unsent.status_code == 409


def test_a_failed_version_names_every_problem_and_its_code_can_be_used_again(stack: Stack) -> None:
    developer = a_developer(stack, "org.example.failing")
    wrong = a_package(developer.app_id, 1, id="org.example.other", version_code=9)
    bad = Package(wrong.data, wrong.manifest | {"version_code": 1})
    failed = developer.drafted(bad)
    assert failed["status"] == "failed"
    assert len(failed["problems"]) >= 2
    no_zip = Package(b"this is not a zip archive" * 10, bad.manifest | {"version": "x"})
    assert developer.drafted(no_zip)["status"] == "failed"
    assert developer.publish(failed["id"]).status_code == 409
    assert developer.drafted(a_package(developer.app_id, 1))["status"] == "draft"


def test_the_newest_publication_is_current_and_older_ones_stay_downloadable(stack: Stack) -> None:
    developer = a_developer(stack, "org.example.versions")
    for code in (1, 2):
        developer.published(a_package(developer.app_id, code))
    assert a_download(stack, developer.app_id)["version_code"] == 2
    assert a_download(stack, developer.app_id, version_code=1)["version_code"] == 1


def test_a_private_app_is_downloaded_by_its_developer_only(stack: Stack) -> None:
    developer = a_developer(stack, "org.example.private", visibility="private")
    other = a_developer(stack, "org.example.stranger")
    developer.published(a_package(developer.app_id, 1))
    path = f"/v1/apps/{developer.app_id}/download"
    assert stack.api("GET", path).status_code == 404
    assert stack.api("GET", path, key=other.key).status_code == 404
    assert stack.api("GET", path, key=developer.key).status_code == 200


def test_a_draft_cannot_be_downloaded(stack: Stack) -> None:
    developer = a_developer(stack, "org.example.draft")
    developer.drafted(a_package(developer.app_id, 1))
    assert stack.api("GET", f"/v1/apps/{developer.app_id}/download").status_code == 404
    named = stack.api("GET", f"/v1/apps/{developer.app_id}/download?version_code=1")
    assert named.status_code == 404


def test_the_api_describes_itself(stack: Stack) -> None:
    described = stack.api("GET", "/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    assert "/v1/apps/{app_id}/versions" in described["paths"]
