"""Small Debian packages and the indexes over them, made quickly."""

import io
import subprocess
import tarfile
from pathlib import Path

SUITE = "dists/stable"


def package(name: str, version: str) -> bytes:
    """A package that installs nothing but what names it."""
    control = (
        f"Package: {name}\nVersion: {version}\nArchitecture: all\n"
        "Maintainer: Bench <bench@example.org>\nDescription: one of many\n"
    )
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.gz": _tar("./control", control.encode()),
        "data.tar.gz": _tar(f"./usr/share/doc/{name}/version", version.encode() * 100),
    }
    parts = [b"!<arch>\n"]
    for member, content in members.items():
        parts.append(f"{member:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode())
        parts.append(content + b"\n" * (len(content) % 2))
    return b"".join(parts)


def write(folder: Path, count: int) -> None:
    pool = folder / "pool" / "main"
    pool.mkdir(parents=True)
    for number in range(count):
        _write(pool, f"bench{number:04}", "1.0")
    index(folder)


def change_one(folder: Path) -> Path:
    """A new version in the place of one package's old one; gives the new file."""
    pool = folder / "pool" / "main"
    (pool / "bench0000_1.0_all.deb").unlink()
    made = _write(pool, "bench0000", "2.0")
    index(folder)
    return made


def index(folder: Path) -> None:
    binary = folder / SUITE / "main" / "binary-all"
    binary.mkdir(parents=True, exist_ok=True)
    (binary / "Packages").write_bytes(_ftparchive(folder, "packages", "pool"))
    options = [
        f"-oAPT::FTPArchive::Release::{name}={value}"
        for name, value in (("Suite", "stable"), ("Components", "main"), ("Architectures", "all"))
    ]
    (folder / SUITE / "Release").write_bytes(_ftparchive(folder, *options, "release", SUITE))


def _write(pool: Path, name: str, version: str) -> Path:
    made = pool / f"{name}_{version}_all.deb"
    made.write_bytes(package(name, version))
    return made


def _tar(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def _ftparchive(folder: Path, *arguments: str) -> bytes:
    done = subprocess.run(
        ["apt-ftparchive", *arguments],  # noqa: S607
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return done.stdout
