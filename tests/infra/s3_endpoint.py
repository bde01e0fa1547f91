"""The bucket operations of an S3 server on 127.0.0.1, with the failures that a network brings and
with what Backblaze refuses. Signatures are not checked: that is shown against a real server."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Answer = tuple[int, str]
SETTINGS = {
    "policy": "NoSuchBucketPolicy",
    "cors": "NoSuchCORSConfiguration",
    "lifecycle": "NoSuchLifecycleConfiguration",
}
_CHECKSUMS = ("x-amz-checksum-", "x-amz-sdk-checksum-")


@dataclass
class StoredBucket:
    settings: dict[str, str] = field(default_factory=dict[str, str])
    """`policy`, `cors`, `lifecycle` as they were put."""
    versions: list[str] = field(default_factory=list[str])
    markers: list[str] = field(default_factory=list[str])
    uploads: dict[str, datetime] = field(default_factory=dict[str, datetime])
    """When each unfinished upload began, by its key, which is its id, too."""


@dataclass
class Endpoint:
    """`trouble` is asked before each request, with its method and path: it names what happens to
    it, or nothing."""

    url: str = ""
    buckets: dict[str, StoredBucket] = field(default_factory=dict[str, StoredBucket])
    foreign: set[str] = field(default_factory=set[str])
    """Names that somebody else has."""
    trouble: Callable[[str], str] = field(default=lambda _request: "")
    requests: list[str] = field(default_factory=list[str])
    """`PUT /name?policy`"""
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    def writes(self) -> list[str]:
        return [one for one in self.requests if one.split()[0] in {"PUT", "POST", "DELETE"}]

    def answer(self, method: str, target: str, headers: dict[str, str], body: str) -> Answer:
        path = urlsplit(target).path.strip("/")
        name, _, key = path.partition("/")
        query = dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))
        if any(one.startswith(_CHECKSUMS) for one in headers):
            return 400, error("InvalidArgument", "Unsupported header")
        if name in self.foreign:
            return 403, error("AccessDenied", "Access Denied")
        bucket = self.buckets.get(name)
        if method == "PUT" and not query:
            return self._create(name)
        if bucket is None:
            return 404, error("NoSuchBucket", "The specified bucket does not exist")
        for setting, absent in SETTINGS.items():
            if setting in query:
                return _setting(bucket, setting, absent, method, body)
        if "versions" in query:
            return 200, _listed(bucket)
        if "uploads" in query:
            return 200, _uploads(bucket)
        if "uploadId" in query:
            del bucket.uploads[key]
            return 204, ""
        return self._itself(method, name, bucket)

    def _create(self, name: str) -> Answer:
        if name in self.buckets:
            return 409, error("BucketAlreadyOwnedByYou", "It is yours already")
        self.buckets[name] = StoredBucket()
        return 200, ""

    def _itself(self, method: str, name: str, bucket: StoredBucket) -> Answer:
        if method == "DELETE":
            if bucket.versions or bucket.markers:
                return 409, error("BucketNotEmpty", "The bucket is not empty")
            del self.buckets[name]
            return 204, ""
        return 200, ""


def _setting(bucket: StoredBucket, name: str, absent: str, method: str, body: str) -> Answer:
    match method:
        case "PUT":
            bucket.settings[name] = body
            return 200, ""
        case "DELETE":
            bucket.settings.pop(name, None)
            return 204, ""
        case _ if name in bucket.settings:
            return 200, bucket.settings[name]
        case _:
            return 404, error(absent, "There is none")


def _listed(bucket: StoredBucket) -> str:
    found = [("Version", key) for key in bucket.versions]
    found += [("DeleteMarker", key) for key in bucket.markers]
    rows = "".join(f"<{kind}><Key>{key}</Key></{kind}>" for kind, key in found)
    return f"<ListVersionsResult><IsTruncated>false</IsTruncated>{rows}</ListVersionsResult>"


def _uploads(bucket: StoredBucket) -> str:
    rows = "".join(
        f"<Upload><Key>{key}</Key><UploadId>{key}</UploadId>"
        f"<Initiated>{began.astimezone(UTC):%Y-%m-%dT%H:%M:%S.000Z}</Initiated></Upload>"
        for key, began in bucket.uploads.items()
    )
    return (
        "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>"
        f"{rows}</ListMultipartUploadsResult>"
    )


def error(code: str, message: str) -> str:
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"


@contextmanager
def an_endpoint() -> Generator[Endpoint]:
    endpoint = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None: ...

        def _respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            request = f"{self.command} {self.path}"
            headers = {name.lower(): value for name, value in self.headers.items()}
            endpoint.requests.append(request)
            endpoint.headers.append(headers)
            trouble = endpoint.trouble(request)
            if trouble == "drop before":
                return
            status, text = 500, error("InternalError", "It failed")
            if not trouble.isdigit():
                status, text = endpoint.answer(self.command, self.path, headers, body)
            if trouble == "drop after":
                return
            self.send_response(int(trouble) if trouble.isdigit() else status)
            data = b"" if self.command == "HEAD" or status == 204 else text.encode()
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_HEAD = do_GET = do_PUT = do_POST = do_DELETE = _respond

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    endpoint.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
