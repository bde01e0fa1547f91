"""Content types of repository files, by their names; Debian's among them. Never guessed from what
the store holds."""

HTML = "text/html; charset=utf-8"
PAGE_POLICY = (
    "sandbox allow-downloads; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'"
)
"""The Content-Security-Policy of pages: a static index has links, and nothing of it runs."""

_BY_NAME = {
    "InRelease": "text/plain; charset=utf-8",
    "Release": "text/plain; charset=utf-8",
    "Packages": "text/plain; charset=utf-8",
    "Sources": "text/plain; charset=utf-8",
}
_BY_EXTENSION = {
    "deb": "application/vnd.debian.binary-package",
    "udeb": "application/vnd.debian.binary-package",
    "ddeb": "application/vnd.debian.binary-package",
    "dsc": "text/plain; charset=utf-8",
    "changes": "text/plain; charset=utf-8",
    "buildinfo": "text/plain; charset=utf-8",
    "gpg": "application/pgp-keys",
    "asc": "application/pgp-signature",
    "sig": "application/pgp-signature",
    "gz": "application/gzip",
    "tgz": "application/gzip",
    "xz": "application/x-xz",
    "txz": "application/x-xz",
    "bz2": "application/x-bzip2",
    "zst": "application/zstd",
    "lz4": "application/x-lz4",
    "lzma": "application/x-lzma",
    "tar": "application/x-tar",
    "zip": "application/zip",
    "mosis": "application/zip",
    "json": "application/json",
    "xml": "application/xml",
    "png": "image/png",
    "txt": "text/plain; charset=utf-8",
    "md": "text/plain; charset=utf-8",
    "diff": "text/plain; charset=utf-8",
    "sha256": "text/plain; charset=utf-8",
    "html": HTML,
    "whl": "application/zip",
}
# What a browser would run (SVG, scripts) is left out on purpose. Pages are served with PAGE_POLICY.
DEFAULT = "application/octet-stream"


def content_type_of(path: str) -> str:
    name = path.rpartition("/")[2]
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name.startswith(("Translation-", "Contents-")) and "." not in name:
        return "text/plain; charset=utf-8"
    if name == "Release.gpg":
        return "application/pgp-signature"
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    return _BY_EXTENSION.get(extension, DEFAULT)
