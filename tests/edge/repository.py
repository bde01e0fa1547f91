"""A signed Debian repository with by-hash files, as its maintainer makes it."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.e2e import debian

VERSION = "1.0+b1~2"
SUITE = Path("dists/stable")


@dataclass(frozen=True)
class Maintainer:
    """A key of gpg's, in a folder of its own."""

    home: Path

    @classmethod
    def make(cls, home: Path) -> "Maintainer":
        home.mkdir(mode=0o700)
        made = cls(home)
        made.gpg(
            *("--passphrase", "", "--quick-gen-key", "Test <test@example.org>"),
            *("ed25519", "sign", "never"),
        )
        return made

    def gpg(self, *arguments: str) -> bytes:
        done = subprocess.run(
            [
                *("gpg", "--homedir", str(self.home), "--batch", "--pinentry-mode", "loopback"),
                *arguments,
            ],
            check=True,
            capture_output=True,
        )
        return done.stdout

    def keyring(self, folder: Path) -> Path:
        file = folder / "maintainer.gpg"
        file.write_bytes(self.gpg("--export"))
        return file

    def close(self) -> None:
        subprocess.run(
            ["gpgconf", "--homedir", str(self.home), "--kill", "all"],
            check=True,
            capture_output=True,
        )


def build(folder: Path, package: str, content: bytes, maintainer: Maintainer) -> Path:
    """The repository in `folder`; its only package."""
    debian.build(folder, package, VERSION, "a package", content=content, by_hash=True)
    release = folder / SUITE / "Release"
    sign = ("--yes", "--output")
    maintainer.gpg(*sign, str(release.with_name("InRelease")), "--clear-sign", str(release))
    maintainer.gpg(*sign, str(release.with_suffix(".gpg")), "-b", "--armor", str(release))
    (deb,) = folder.glob("pool/main/*.deb")
    return deb
