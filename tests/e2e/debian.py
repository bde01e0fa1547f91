"""Real Debian repositories made with dpkg-deb and apt-ftparchive, and a real rootless apt-get to
read them."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.stack import Stack


def build(
    folder: Path,
    package: str,
    version: str,
    words: str,
    suite: str = "stable",
    *,
    content: bytes | None = None,
    by_hash: bool = False,
) -> None:
    """A repository in `folder` with one architecture-independent package, whose only file holds
    `content`, or else `words`. `by_hash` adds index files that are named by their digests."""
    tree = folder.parent / f"{folder.name}-tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(
        f"Package: {package}\nVersion: {version}\nArchitecture: all\n"
        f"Maintainer: Test <test@example.org>\nDescription: {words}\n"
    )
    (tree / "usr/share" / package).mkdir(parents=True)
    (tree / "usr/share" / package / "words").write_bytes(content or words.encode())
    pool = folder / "pool" / "main"
    binary = folder / "dists" / suite / "main" / "binary-all"
    pool.mkdir(parents=True)
    binary.mkdir(parents=True)
    deb = pool / f"{package}_{version}_all.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "--build", str(tree), str(deb)],
        check=True,
        capture_output=True,
    )
    packages = subprocess.run(
        ["apt-ftparchive", "packages", "pool"], cwd=folder, check=True, capture_output=True
    ).stdout
    (binary / "Packages").write_bytes(packages)
    release = subprocess.run(
        ["apt-ftparchive"]
        + [f"-oAPT::FTPArchive::Release::{name}={value}" for name, value in _RELEASE.items()]
        + (["-oAPT::FTPArchive::DoByHash=yes"] if by_hash else [])
        + [f"-oAPT::FTPArchive::Release::Suite={suite}", "release", f"dists/{suite}"],
        cwd=folder,
        check=True,
        capture_output=True,
    ).stdout
    (folder / "dists" / suite / "Release").write_bytes(release)


_RELEASE = {"Components": "main", "Architectures": "all amd64"}


def upload(stack: Stack, folder: Path, bucket: str, prefix: str) -> None:
    """Every file of the repository, put through the S3 face with boto3."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            stack.s3.put_object(
                Bucket=bucket,
                Key=prefix + file.relative_to(folder).as_posix(),
                Body=file.read_bytes(),
            )


@dataclass
class Apt:
    """apt-get with everything it writes under `root`, and the edge as its HTTP proxy, so that it
    asks for the
    tenant's real hostname."""

    root: Path
    proxy: str

    def setup(self, hostname: str, suite: str = "stable", options: str = "trusted=yes") -> None:
        for folder in (
            "etc/apt/apt.conf.d",
            "etc/apt/preferences.d",
            "etc/apt/trusted.gpg.d",
            "var/lib/apt/lists/partial",
            "var/cache/apt/archives/partial",
            "var/lib/dpkg",
        ):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        (self.root / "var/lib/dpkg/status").touch()
        (self.root / "etc/apt/sources.list").write_text(
            f"deb [{options}] http://{hostname} {suite} main\n"
        )
        (self.root / "apt.conf").write_text(
            f'Dir "{self.root}";\n'
            f'Dir::State::status "{self.root}/var/lib/dpkg/status";\n'
            f'Acquire::http::Proxy "{self.proxy}";\n'
            'Acquire::Retries "0";\nAcquire::Languages "none";\n'
            'Acquire::http::Pipeline-Depth "0";\n'
            f'APT::Sandbox::User "{os.environ.get("USER", "root")}";\n'
            'Debug::NoLocking "true";\n'
        )

    def get(self, *arguments: str) -> str:
        done = subprocess.run(
            ["apt-get", "-q", *arguments],
            cwd=self.root,
            env={
                "PATH": os.environ["PATH"],
                "APT_CONFIG": str(self.root / "apt.conf"),
                "LC_ALL": "C",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def downloaded(self, package: str) -> bytes:
        self.get("download", package)
        (file,) = self.root.glob(f"{package}_*.deb")
        return file.read_bytes()
