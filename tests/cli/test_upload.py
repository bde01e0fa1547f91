"""A package is sent with exactly the signed headers, and one sees how far it is, in a pipe too."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import httpx
import pytest

from cli.console import Terminal
from cli.failures import Failure, UsageFailure
from cli.package_file import read_package
from cli.push import version_request
from cli.upload import send

URL = "http://127.0.0.1:1/uploads/temp/1/package.mosis?X-Amz-Signature=0"


def a_package(tmp_path: Path, manifest: object | None = None, size: int = 0) -> Path:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        if manifest is not None:
            archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr("data", b"x" * size)
    path = tmp_path / "app.mosis"
    path.write_bytes(buffer.getvalue())
    return path


def test_the_body_has_its_length_and_only_the_signed_headers(tmp_path: Path) -> None:
    path = a_package(tmp_path, size=1_000_000)
    size = path.stat().st_size
    seen: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        assert request.read() == path.read_bytes()
        return httpx.Response(200)

    headers = {
        "content-length": str(size),
        "content-type": "application/zip",
        "if-none-match": "*",
        "x-amz-checksum-sha256": "abc",
    }
    assert send(Terminal(), path, size, URL, headers, httpx.MockTransport(take))
    sent = seen[0]
    assert sent.method == "PUT"
    assert {name: sent.headers[name] for name in headers} == headers
    assert "transfer-encoding" not in sent.headers


def test_progress_in_a_pipe_is_a_few_lines_that_end_at_100_percent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = a_package(tmp_path, size=5_000_000)
    size = path.stat().st_size

    def take(request: httpx.Request) -> httpx.Response:
        request.read()
        return httpx.Response(200)

    headers = {"content-length": str(size)}
    send(Terminal(), path, size, URL, headers, httpx.MockTransport(take))
    lines = capsys.readouterr().err.splitlines()
    assert 2 <= len(lines) <= 10
    assert "100 %" in lines[-1]


def test_an_upload_that_had_arrived_before_is_no_failure(tmp_path: Path) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(412))
    path = a_package(tmp_path)
    assert not send(Terminal(), path, path.stat().st_size, URL, {}, transport)


def test_a_refused_upload_tells_what_the_storage_said(tmp_path: Path) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(403, text="SignatureDoesNotMatch"))
    path = a_package(tmp_path)
    with pytest.raises(Failure, match=r"403.*SignatureDoesNotMatch"):
        send(Terminal(), path, path.stat().st_size, URL, {}, transport)


def test_a_broken_connection_says_how_to_go_on(tmp_path: Path) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    path = a_package(tmp_path)
    with pytest.raises(Failure, match="Run the same command again"):
        send(Terminal(), path, 1, URL, {}, httpx.MockTransport(refuse))


def test_the_manifest_gives_what_the_options_leave_out(tmp_path: Path) -> None:
    path = a_package(tmp_path, {"id": "org.hello", "version": "1.2", "version_code": 7})
    request = version_request(read_package(path), None, None, "1.2-beta")
    assert request == {
        "app_id": "org.hello",
        "version_code": 7,
        "version_name": "1.2-beta",
        "size": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


@pytest.mark.parametrize("manifest", [None, [], {"id": 7}])
def test_what_is_neither_in_manifest_nor_options_is_asked_for(
    tmp_path: Path, manifest: object
) -> None:
    package = read_package(a_package(tmp_path, manifest))
    with pytest.raises(UsageFailure, match="--version-code"):
        version_request(package, "org.hello", None, "1")


def test_a_file_that_is_no_archive_is_still_sent_when_the_options_say_all(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"not a zip")
    assert version_request(read_package(path), "org.hello", 1, "1")["size"] == 9


def test_an_empty_or_missing_file_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for name in ("empty", "missing"):
        with pytest.raises(UsageFailure, match=name):
            read_package(tmp_path / name)
