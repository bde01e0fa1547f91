"""`stowage publish` for real: apt reads while generations come and go, publishes are killed and
race, and nobody sees half of one."""

import hashlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from functions.core import publication_lists
from functions.core.publication_lists import ListedFile
from functions.core.release_check import said
from tests.e2e import debian
from tests.e2e.stack import Stack
from tests.edge.repository import Maintainer

HOST = "apt.publish.example"
FOLDER = "dists/stable"
INDEX = f"{FOLDER}/InRelease"
PACKAGES = "main/binary-all/Packages"


@dataclass(frozen=True)
class Site:
    stack: Stack
    tenant_key: str
    repository: dict[str, Any]
    one: Path
    two: Path

    @property
    def path(self) -> str:
        return f"/v1/repositories/{self.repository['id']}"

    @property
    def environment(self) -> dict[str, str]:
        return self.stack.environment | {"STOWAGE_KEY": self.tenant_key}

    def command(self, folder: Path, *options: str) -> list[str]:
        return self.stack.command("publish", str(folder), "-r", self.repository["id"], *options)

    def publish(self, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(folder, *options),
            cwd=self.stack.project,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def published(self, folder: Path) -> None:
        done = self.publish(folder)
        assert done.returncode == 0, done.stderr
        self.wait_for(folder)

    def generation(self) -> int | None:
        answer = self.stack.api("GET", self.path, key=self.tenant_key)
        return answer.json()["repository"]["generation"]

    def get(self, path: str) -> httpx.Response:
        return self.stack.edge(HOST, f"/{path}")

    def wait_for(self, folder: Path) -> None:
        """Until the edge has followed, which it does within half a minute."""
        deadline = time.monotonic() + 60
        while self.get(INDEX).content != (folder / INDEX).read_bytes():
            assert time.monotonic() < deadline
            time.sleep(0.2)

    def assert_serves(self, folder: Path) -> None:
        """Every file, byte for byte as its maintainer made it."""
        for path, content in files_of(folder).items():
            assert self.get(path).content == content, path


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def build(folder: Path, version: str, maintainer: Maintainer, extra: int = 0) -> Path:
    """A signed repository with one package, and with `extra` files beside it in its pool."""
    debian.build(folder, "hello", version, f"words of {version}", by_hash=True)
    release = folder / FOLDER / "Release"
    maintainer.gpg("--yes", "--output", str(folder / INDEX), "--clear-sign", str(release))
    for number in range(extra):
        (folder / "pool/main" / f"extra-{version}-{number}").write_bytes(os.urandom(2000))
    return folder


@pytest.fixture(scope="module")
def site(stack: Stack, maintainer: Maintainer, tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("publish")
    tenant = stack.made("/v1/tenants", {"name": "publisher"})
    body = {"tenant_id": tenant["tenant_id"], "hostname": HOST, "distribution": "stable"}
    made = Site(
        stack,
        tenant["key"],
        stack.made("/v1/repositories", body)["repository"],
        build(folder / "one", "1.0", maintainer),
        build(folder / "two", "2.0", maintainer),
    )
    made.published(made.one)
    return made


@pytest.fixture(scope="module")
def maintainer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Maintainer]:
    made = Maintainer.make(tmp_path_factory.mktemp("k") / "gpg")
    yield made
    made.close()


@dataclass
class Reader:
    """Reads InRelease and Packages again and again, as clients with and without by-hash do."""

    site: Site
    wrong: list[str] = field(default_factory=list[str])
    rounds: int = 0
    seen: set[bytes] = field(default_factory=set[bytes])

    def read(self) -> None:
        release = self.site.get(INDEX)
        listed = {one.path: one.sha256 for one in said(release.content)}
        folder, _, name = PACKAGES.rpartition("/")
        for path in (f"{folder}/by-hash/SHA256/{listed[PACKAGES]}", f"{folder}/{name}"):
            answer = self.site.get(f"{FOLDER}/{path}")
            digest = hashlib.sha256(answer.content).hexdigest()
            # Between two generations a client that goes by name alone asks again.
            same = "by-hash" in path or self.site.get(INDEX).content == release.content
            if same and (answer.status_code, digest) != (200, listed[PACKAGES]):
                self.wrong.append(f"{path}: {answer.status_code} {digest}")
        self.seen.add(release.content)
        self.rounds += 1


@contextmanager
def reading(site: Site) -> Generator[Reader]:
    reader, over = Reader(site), threading.Event()

    def work() -> None:
        while not over.is_set():
            try:
                reader.read()
            except Exception as error:
                reader.wrong.append(repr(error))
                return

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield reader
    finally:
        over.set()
        thread.join()
    assert reader.wrong == []
    assert reader.rounds > 2


def test_apt_reads_generations_whole_while_they_are_published_and_rolled_back(
    site: Site, tmp_path: Path
) -> None:
    site.published(site.one)
    first = site.generation()
    apt = debian.Apt(tmp_path / "apt", site.stack.outputs["edge_url"])
    apt.setup(HOST, options="by-hash=force trusted=yes")
    apt.get("update")
    (deb,) = site.one.glob("pool/main/*.deb")
    assert apt.downloaded("hello") == deb.read_bytes()
    with reading(site) as reader:
        site.published(site.two)
        apt.get("update")
        site.stack.run("rollback", "-r", site.repository["id"], "--to", str(first))
        site.wait_for(site.one)
        site.published(site.two)
    assert reader.seen == {(folder / INDEX).read_bytes() for folder in (site.one, site.two)}
    site.assert_serves(site.two)
    # What only the first generation's index names is still there for clients that hold it.
    assert site.get(deb.relative_to(site.one).as_posix()).content == deb.read_bytes()


def test_a_publish_that_is_killed_shows_nothing_and_completes_when_it_is_run_again(
    site: Site, maintainer: Maintainer, tmp_path: Path
) -> None:
    before = site.generation()
    shown = site.get(INDEX).content
    folder = build(tmp_path / "big", "3.0", maintainer, extra=40)
    with reading(site) as reader:
        for lines in (1, 3, 6):
            kill_after(site, folder, lines)
            assert site.generation() == before
            assert site.get(INDEX).content == shown
        done = site.publish(folder, "--json")
        assert done.returncode == 0, done.stderr
        site.wait_for(folder)
    assert reader.seen == {shown, (folder / INDEX).read_bytes()}
    site.assert_serves(folder)


def kill_after(site: Site, folder: Path, lines: int) -> None:
    """Behind so many lines of progress."""
    process = subprocess.Popen(
        site.command(folder, "--threads", "1"),
        cwd=site.stack.project,
        env=site.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        lines -= "sending" in line
        if not lines:
            break
    process.send_signal(signal.SIGKILL)
    process.stderr.close()
    assert process.wait() == -signal.SIGKILL


def test_a_publish_that_another_one_overtook_is_refused_and_nothing_of_it_shows(
    site: Site,
) -> None:
    contents = {f"{FOLDER}/Release": b"Suite: overtaken\n", "pool/main/overtaken": b"late"}
    files = sorted(
        (
            ListedFile(path, len(body), hashlib.sha256(body).hexdigest())
            for path, body in contents.items()
        ),
        key=lambda file: file.order,
    )
    summary = {"files_sha256": publication_lists.digest(files), "file_count": 2, "bytes": 21}
    begun = site.stack.made(f"{site.path}/publications", summary, site.tenant_key)["publication"]
    path = f"{site.path}/publications/{begun['id']}"
    page = {
        "page": 0,
        "files": [{"path": f.path, "size": f.size, "sha256": f.sha256} for f in files],
    }
    post: Callable[..., httpx.Response] = site.stack.api
    missing = post("POST", f"{path}/files", page, key=site.tenant_key).json()["missing"]
    for put in missing:
        assert refused_puts(site, put) == [400, 403]
        sent = site.stack.client.put(
            put["url"], content=contents[put["path"]], headers=put["headers"]
        )
        assert sent.status_code == 200, sent.text
    assert post("POST", f"{path}/files", page, key=site.tenant_key).json() == {"missing": []}
    other = site.one if site.get(INDEX).content != (site.one / INDEX).read_bytes() else site.two
    site.published(other)
    expected = {"expected_generation": begun["base_generation"]}
    answer = post("POST", f"{path}/publish", expected, key=site.tenant_key)
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:stowage:problem:publication-overtaken"
    site.assert_serves(other)


def refused_puts(site: Site, put: dict[str, Any]) -> list[int]:
    """Of other bytes of the same length, and to another place of the bucket."""
    length = int(put["headers"]["content-length"])
    elsewhere = put["url"].replace(site.repository["s3_prefix"], "0" * 36 + "/")
    return [
        site.stack.client.put(url, content=b"x" * length, headers=put["headers"]).status_code
        for url in (put["url"], elsewhere)
    ]


@pytest.mark.parametrize(
    "path",
    [
        ".stowage/generations/1/manifest.json",
        ".stowage/generations/1/files/dists/stable/InRelease",
        "%2Estowage/generations/1/manifest.json",
        "dists/../.stowage/generations/1/manifest.json",
    ],
)
def test_the_platforms_own_folder_is_reached_by_no_path(site: Site, path: str) -> None:
    listed = site.stack.s3.list_objects_v2(
        Bucket=site.repository["s3_bucket"], Prefix=site.repository["s3_prefix"] + ".stowage/"
    )
    assert listed["KeyCount"] > 3
    assert site.get(path).status_code in (400, 404)
