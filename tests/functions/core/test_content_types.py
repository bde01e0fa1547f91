import pytest

from functions.core.content_types import content_type_of


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("dists/stable/InRelease", "text/plain; charset=utf-8"),
        ("dists/stable/Release.gpg", "application/pgp-signature"),
        ("dists/stable/main/binary-all/Packages", "text/plain; charset=utf-8"),
        ("dists/stable/main/binary-all/Packages.xz", "application/x-xz"),
        ("dists/stable/main/i18n/Translation-en", "text/plain; charset=utf-8"),
        ("dists/stable/main/Contents-amd64.gz", "application/gzip"),
        ("pool/a.DEB", "application/vnd.debian.binary-package"),
        ("key.asc", "application/pgp-signature"),
        ("archive-keyring.gpg", "application/pgp-keys"),
        ("index.html", "text/html; charset=utf-8"),
        ("hello-1.0-py3-none-any.whl", "application/zip"),
        ("logo.svg", "application/octet-stream"),
        ("script.js", "application/octet-stream"),
        ("no-extension", "application/octet-stream"),
        ("dir.gz/name", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_the_name_decides_the_type(path: str, content_type: str) -> None:
    assert content_type_of(path) == content_type
