"""What people use: apt-get, curl and pip, over the real Worker in workerd, with a recorder between
that shows what they asked."""

import hashlib
import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.contracts.proxy import Fault, Proxy
from tests.e2e.debian import Apt
from tests.edge import repository, site
from tests.edge.repository import Maintainer
from tests.edge.workerd import WorkerdEdge

pytestmark = pytest.mark.cloud

ONE, TWO = "deb.one.example", "deb.two.example"
LOCATIONS = {host: f"019ce0b8-0000-7000-8000-0000000000b{n}" for n, host in enumerate((ONE, TWO))}
BYTES = 3_000_000


@dataclass(frozen=True)
class Repositories:
    edge: WorkerdEdge
    debs: dict[str, Path]
    keyrings: dict[str, Path]


def upload(edge: WorkerdEdge, host: str, folder: Path) -> None:
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            path = file.relative_to(folder).as_posix()
            edge.put(site.REPOSITORIES, f"{LOCATIONS[host]}/{path}", file.read_bytes())


@pytest.fixture(scope="module")
def repositories(
    workerd_edge: WorkerdEdge, tmp_path_factory: pytest.TempPathFactory
) -> Repositories:
    folder = tmp_path_factory.mktemp("clients")
    made = Repositories(workerd_edge, {}, {})
    tenants = (site.TENANT_ONE, site.TENANT_TWO)
    for tenant, (host, location) in zip(tenants, LOCATIONS.items(), strict=True):
        for row in (site.location_row(tenant, location), site.hostname(host, tenant, location)):
            workerd_edge.query(row.sql, *row.parameters)
        maintainer = Maintainer.make(folder / host[4:7])
        content = random.Random(host).randbytes(BYTES)  # noqa: S311
        made.debs[host] = repository.build(folder / host, "hello", content, maintainer)
        made.keyrings[host] = maintainer.keyring(maintainer.home)
        maintainer.close()
        upload(workerd_edge, host, folder / host)
    return made


@pytest.fixture
def recorder(workerd_edge: WorkerdEdge) -> Iterator[Proxy]:
    proxy = Proxy(f"http://127.0.0.1:{workerd_edge.host.ports['edge']}")
    yield proxy
    proxy.close()


def apt(repositories: Repositories, root: Path, host: str, recorder: Proxy) -> Apt:
    made = Apt(root / host, recorder.endpoint)
    made.setup(host, options=f"signed-by={repositories.keyrings[host]}")
    return made


def asked(recorder: Proxy) -> list[str]:
    """Paths, as they were sent."""
    return [head.target.partition("://")[2].partition("/")[2] for head in recorder.heads]


def test_two_tenants_on_the_same_paths_are_verified_each_by_their_own_key(
    repositories: Repositories, recorder: Proxy, tmp_path: Path
) -> None:
    for host in LOCATIONS:
        client = apt(repositories, tmp_path, host, recorder)
        client.get("update")
        assert client.downloaded("hello") == repositories.debs[host].read_bytes()
    wrong = Apt(tmp_path / "wrong", recorder.endpoint)
    wrong.setup(ONE, options=f"signed-by={repositories.keyrings[TWO]}")
    with pytest.raises(AssertionError, match=r"NO_PUBKEY|couldn't be verified"):
        wrong.get("update", "-o", "APT::Update::Error-Mode=any")


def test_a_second_update_is_a_hit(
    repositories: Repositories, recorder: Proxy, tmp_path: Path
) -> None:
    client = apt(repositories, tmp_path, ONE, recorder)
    assert "Get:1" in client.get("update")
    before = len(recorder.heads)
    said = client.get("update")
    assert f"Hit:1 http://{ONE} stable InRelease" in said
    assert "Get:" not in said
    assert asked(recorder)[before:] == ["dists/stable/InRelease"]
    assert "if-modified-since" in recorder.heads[-1].headers


def test_index_files_are_asked_for_by_their_digests(
    repositories: Repositories, recorder: Proxy, tmp_path: Path
) -> None:
    apt(repositories, tmp_path, ONE, recorder).get("update")
    first, *indexes = asked(recorder)
    assert first == "dists/stable/InRelease"
    assert indexes
    assert all("/by-hash/SHA512/" in path for path in indexes)


def test_a_detached_signature_serves_where_there_is_no_inrelease(
    repositories: Repositories, recorder: Proxy, tmp_path: Path
) -> None:
    edge = repositories.edge
    key = f"{LOCATIONS[ONE]}/dists/stable/InRelease"
    content = (repositories.debs[ONE].parents[2] / "dists/stable/InRelease").read_bytes()
    edge.delete(site.REPOSITORIES, key)
    edge.purge(tags=[f"location:{LOCATIONS[ONE]}"])
    try:
        client = apt(repositories, tmp_path, ONE, recorder)
        client.get("update")
        assert {"dists/stable/Release", "dists/stable/Release.gpg"} <= set(asked(recorder))
        assert client.downloaded("hello") == repositories.debs[ONE].read_bytes()
    finally:
        edge.put(site.REPOSITORIES, key, content)


def test_a_download_that_was_cut_goes_on_where_it_ended(
    repositories: Repositories, recorder: Proxy, tmp_path: Path
) -> None:
    client = apt(repositories, tmp_path, ONE, recorder)
    client.get("update")
    recorder.script = [Fault.CUT_BODY]
    with pytest.raises(AssertionError):
        client.get("-d", "-y", "install", "hello")
    partial = client.root / "var/cache/apt/archives/partial"
    (begun,) = [file for file in partial.iterdir() if file.name.startswith("hello")]
    had = begun.stat().st_size
    whole = repositories.debs[ONE].read_bytes()
    assert 0 < had < len(whole)
    client.get("-d", "-y", "install", "hello")
    last = recorder.heads[-1]
    assert last.headers["range"] == f"bytes={had}-"
    assert "if-range" in last.headers
    # The name of the version has a plus sign and a tilde, which apt sends encoded.
    assert "%2b" in last.target.lower()
    (file,) = (client.root / "var/cache/apt/archives").glob("hello*.deb")
    assert file.read_bytes() == whole


def test_a_download_that_was_cut_begins_anew_where_the_file_has_changed(
    repositories: Repositories, recorder: Proxy, tmp_path: Path
) -> None:
    client = apt(repositories, tmp_path, ONE, recorder)
    client.get("update")
    whole = repositories.debs[ONE].read_bytes()
    partial = client.root / "var/cache/apt/archives/partial" / "hello_1.0+b1~2_all.deb"
    partial.write_bytes(b"x" * 1000)
    os.utime(partial, (1_000_000_000, 1_000_000_000))
    client.get("-d", "-y", "install", "hello")
    assert recorder.heads[-1].headers["range"] == "bytes=1000-"
    (file,) = (client.root / "var/cache/apt/archives").glob("hello*.deb")
    assert file.read_bytes() == whole


def curl(*arguments: str) -> bytes:
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--fail", "--noproxy", "*", *arguments],
        check=True,
        capture_output=True,
    )
    return done.stdout


def test_curl_goes_on_and_asks_only_for_what_is_newer(
    repositories: Repositories, recorder: Proxy, tmp_path: Path
) -> None:
    whole = repositories.debs[ONE].read_bytes()
    url = f"{recorder.endpoint}/pool/main/{repositories.debs[ONE].name}"
    file = tmp_path / "hello.deb"
    file.write_bytes(whole[:1000])
    common = ("--header", f"host: {ONE}", "--output", str(file), url)
    curl("--continue-at", "-", *common)
    assert file.read_bytes() == whole
    assert recorder.heads[-1].headers["range"] == "bytes=1000-"
    curl("--remote-time", *common)
    said = curl("--time-cond", str(file), "--write-out", "%{http_code}", *common)
    assert said == b"304"
    tags = tmp_path / "etag"
    curl("--etag-save", str(tags), *common)
    said = curl("--etag-compare", str(tags), "--write-out", "%{http_code}", *common)
    assert said == b"304"


def a_wheel(file: Path) -> None:
    """The smallest that pip installs."""
    info = "stowage_sample-1.0.dist-info"
    texts = {
        "stowage_sample.py": "WORDS = 'of a wheel'\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: stowage-sample\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*texts, f"{info}/RECORD"])
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in {**texts, f"{info}/RECORD": record}.items():
            archive.writestr(name, text)


def test_pip_installs_from_a_static_simple_index(
    repositories: Repositories, recorder: Proxy, tmp_path: Path
) -> None:
    wheel = tmp_path / "stowage_sample-1.0-py3-none-any.whl"
    a_wheel(wheel)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    link = f'<a href="../../files/{wheel.name}#sha256={digest}">{wheel.name}</a>'
    page = f"<!DOCTYPE html><html><body>{link}</body></html>".encode()
    files = {"simple/stowage-sample/index.html": page, f"files/{wheel.name}": wheel.read_bytes()}
    for path, content in files.items():
        repositories.edge.put(site.REPOSITORIES, f"{LOCATIONS[ONE]}/{path}", content)
    target = tmp_path / "installed"
    # pip asks for the tenant's real hostname, with the edge as its proxy.
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--isolated", "--proxy", recorder.endpoint, "install"),
            *("--no-cache-dir", "--no-deps", "--disable-pip-version-check", "--trusted-host", ONE),
            *("--index-url", f"http://{ONE}/simple/", "--target", str(target), "stowage-sample"),
        ],
        check=True,
        capture_output=True,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
    )
    assert (target / "stowage_sample.py").read_text() == "WORDS = 'of a wheel'\n"
    assert asked(recorder) == ["simple/stowage-sample/", f"files/{wheel.name}"]
