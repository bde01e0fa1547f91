"""A versitygw of the tests' own: the S3 server that none of us wrote, on a free port of
127.0.0.1."""

import hashlib
import os
import secrets
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from cli import versitygw
from functions.core import sigv4
from tests.local.workerd_host import CHECKOUT, free_ports

REGION = "us-east-1"
GUARD = CHECKOUT / "local" / "workerd" / "guard.sh"
START_SECONDS = 30
ENABLE_VERSIONS = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"


class Versitygw:
    """One server with its own folder and root keys. It ends with `close`, and with this process
    whatever ends that."""

    def __init__(self, folder: Path) -> None:
        data, versions, accounts = folder / "data", folder / "versions", folder / "accounts"
        data.mkdir(parents=True)
        versions.mkdir()
        accounts.mkdir()
        self.credentials = sigv4.Credentials(secrets.token_hex(10), secrets.token_hex(20))
        (port,) = free_ports(1)
        self.endpoint = f"http://127.0.0.1:{port}"
        self._log = (folder / "log").open("wb")
        self._executable = versitygw.find(CHECKOUT, lambda text: print(text, flush=True))
        self.process = subprocess.Popen(
            [
                "sh",
                str(GUARD),
                *("--port", f"127.0.0.1:{port}", "--region", REGION, "--health", "/health"),
                *("--keep-alive", "--quiet", "--iam-dir", str(accounts)),
                *("posix", "--versioning-dir", str(versions), str(data)),
            ],
            env={
                "PATH": os.environ["PATH"],
                "STOWAGE_WORKERD": str(self._executable),
                "ROOT_ACCESS_KEY": self.credentials.access_key_id,
                "ROOT_SECRET_KEY": self.credentials.secret_access_key,
            },
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        self._names = 0
        try:
            self._wait_until_healthy(folder / "log")
        except BaseException:
            self.close()
            raise

    def _wait_until_healthy(self, log: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        with httpx.Client(trust_env=False) as client:
            while True:
                try:
                    if client.get(f"{self.endpoint}/health").status_code == 200:
                        return
                except httpx.TransportError:
                    assert self.process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.02)

    def new_bucket(self, *, versions: bool = False) -> str:
        """An empty bucket of its own for each test; it goes with the server."""
        self._names += 1
        name = f"bucket-{self._names}"
        assert self.request("PUT", f"/{name}").status_code == 200
        if versions:
            answer = self.request("PUT", f"/{name}", (("versioning", ""),), ENABLE_VERSIONS)
            assert answer.status_code == 200, answer.text
        return name

    def new_user(self, role: str = "user") -> sigv4.Credentials:
        """A key of its own: a `user` may do what buckets say, an `admin` may do everything."""
        made = sigv4.Credentials(secrets.token_hex(8), secrets.token_hex(20))
        command = [
            *(str(self._executable), "admin", "create-user", "--role", role),
            *("--access", made.access_key_id, "--secret", made.secret_access_key),
        ]
        administrator = {
            "ADMIN_ENDPOINT_URL": self.endpoint,
            "ADMIN_ACCESS_KEY_ID": self.credentials.access_key_id,
            "ADMIN_SECRET_ACCESS_KEY": self.credentials.secret_access_key,
        }
        subprocess.run(command, env=administrator, check=True, capture_output=True)
        return made

    def request(
        self,
        method: str,
        path: str,
        query: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request of the root user, past the adapter that is tested."""
        host = urlsplit(self.endpoint).netloc
        signable = sigv4.SignableRequest(method, path, query, {**(headers or {}), "host": host})
        digest = hashlib.sha256(body).hexdigest()
        now_ms = time.time_ns() // 1_000_000
        signed = sigv4.sign_headers(signable, digest, self.credentials, REGION, now_ms)
        url = f"{self.endpoint}{path}?{sigv4.canonical_query(query)}"
        return httpx.request(method, url, headers=signed, content=body, trust_env=False)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._log.close()
