"""Methods, paths, hosts and types: what is found where, and what never."""

from tests.edge import site
from tests.edge.case import BRIEF, GET, HEAD, NONE, PROBLEM, TEXT, Case, Headers
from tests.edge.site import APP, DIGITS, FILES, ICON, INDEX

NEGATIVE = "public, max-age=5"
OTHER = '"other"'

HEAD_SAYS: Headers = {
    "content-length": "10",
    "content-type": TEXT,
    "etag": "{etag}",
    "last-modified": "{date}",
    "accept-ranges": "bytes",
    "content-range": None,
}

METHODS = (
    Case("HEAD", 200, {}, HEAD_SAYS, b"", HEAD, "HEAD"),
    Case("HEAD with a range", 200, {"range": "bytes=2-4"}, HEAD_SAYS, b"", HEAD, "HEAD"),
    Case("HEAD past the end", 200, {"range": "bytes=99-"}, HEAD_SAYS, b"", HEAD, "HEAD"),
    Case("HEAD not changed", 304, {"if-none-match": "{etag}"}, {}, b"", HEAD, "HEAD"),
    Case("HEAD not expected", 412, {"if-match": OTHER}, {}, b"", HEAD, "HEAD"),
    Case(
        "HEAD of nothing", 404, {}, {"cache-control": "public, max-age=5"}, b"", HEAD, "HEAD", "/no"
    ),
    *(
        Case(method, 405, {}, {"allow": "GET, HEAD", "content-type": PROBLEM}, None, NONE, method)
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND")
    ),
)


def found(path: str, content: str, content_type: str, *, immutable: bool = False) -> Case:
    says: Headers = {
        "content-type": content_type,
        "content-encoding": None,
        "x-content-type-options": "nosniff",
        "vary": None,
        "cache-control": "public, max-age=86400, immutable, no-transform" if immutable else BRIEF,
    }
    return Case(f"the file {path}", 200, {}, says, FILES[content], path=path)


DEB = "pool/main/libstdc++_1:2~rc1+3_amd64.deb"
DEBIAN = "application/vnd.debian.binary-package"
AMD64 = "dists/stable/main/binary-amd64"
BYTES = "application/octet-stream"

PATHS = (
    found(INDEX, INDEX[1:], TEXT),
    found("/dists/stable/Release.gpg", "dists/stable/Release.gpg", "application/pgp-signature"),
    found(f"/{AMD64}/Packages", f"{AMD64}/Packages", TEXT),
    found(f"/{AMD64}/Packages.gz", f"{AMD64}/Packages.gz", "application/gzip"),
    found(f"/{AMD64}/by-hash/SHA256/abc", f"{AMD64}/by-hash/SHA256/abc", BYTES, immutable=True),
    found("/pool/main/libstdc++_1:2~rc1+3_amd64.deb", DEB, DEBIAN, immutable=True),
    found("/pool/main/libstdc%2b%2b_1%3a2%7erc1%2b3_amd64.deb", DEB, DEBIAN, immutable=True),
    found("/pool/main/libstdc%2B%2B_1%3A2%7Erc1%2B3_amd64.deb", DEB, DEBIAN, immutable=True),
    found("/%70ool/main/hello_1.dsc", "pool/main/hello_1.dsc", TEXT, immutable=True),
    found("/a%20b/%C3%BC%20%E2%82%AC.txt", "a b/\u00fc \u20ac.txt", TEXT),
    found("/100%2525.txt", "100%25.txt", TEXT),
    found("/...", "...", BYTES),
    found("/script.js", "script.js", BYTES),
    found("/simple/hello/", "simple/hello/index.html", "text/html; charset=utf-8"),
    found("/simple/hello/index.html?x=1", "simple/hello/index.html", "text/html; charset=utf-8"),
    Case("an empty file", 200, {}, {"content-length": "0"}, b"", path="/empty"),
    Case(
        "pages run nothing",
        200,
        path="/simple/hello/",
        says={
            "content-security-policy": "sandbox allow-downloads; default-src 'none';"
            " style-src 'unsafe-inline'; img-src 'self'"
        },
    ),
    *(
        Case(f"the path {path}", 400, {}, {"content-type": PROBLEM}, None, NONE, path=path)
        for path in (
            "/../secret.txt",
            "/%2e%2e/secret.txt",
            "/%2E%2e/secret.txt",
            "/.%2e/secret.txt",
            "/x/../../secret.txt",
            "/./dists/stable/InRelease",
            "/dists/stable/..",
            "/..%2fsecret.txt",
            "/..%2Fsecret.txt",
            "/dists%2fstable/InRelease",
            "/..%5csecret.txt",
            "/..\\secret.txt",
            f"/..%2f{site.LOCATION_TWO}%2fdists/stable/InRelease",
            f"/../{site.LOCATION_TWO}/dists/stable/InRelease",
            "/secret.txt%00",
            "/%00",
            "/a%0ab",
            "/a%0d%0ax:%20y",
            "/a%7f",
            "/%",
            "/%2",
            "/%zz",
            "/100%.txt",
            "/%ff",
            "/%c0%ae%c0%ae/secret.txt",
            "/%ed%a0%80",
            "/x/../",
        )
    ),
    *(
        Case(
            f"nothing at {path}",
            404,
            {},
            {"content-type": PROBLEM, "cache-control": NEGATIVE, "etag": None},
            None,
            None,
            path=path,
        )
        for path in (
            "/",
            "/no",
            "/dists/stable/InRelease/",
            "//dists/stable/InRelease",
            "/dists//stable/InRelease",
            "/DISTS/stable/InRelease",
            "/secret.txt",
            "/%252e%252e/secret.txt",
            f"/{site.LOCATION_TWO}/dists/stable/InRelease",
            f"/{site.LOCATION_ONE}/dists/stable/InRelease",
            f"/{site.REPOSITORIES}/secret.txt",
            "/pool/main/libstdc%20%20_1:2~rc1%203_amd64.deb",
            ICON,
            f"/{site.PACKAGE_KEY}",
            "/" + "a" * 300,
            "/" + "%61" * 2000,
        )
    ),
    Case("a condition on nothing", 404, {"if-none-match": "*"}, path="/no"),
    Case("a range of nothing", 404, {"range": "bytes=0-1"}, path="/no", store=None),
)

TWO_SAYS: Headers = {"content-length": str(len(site.of_two(DIGITS)))}

HOSTS = (
    Case("another tenant's file", 200, {}, TWO_SAYS, site.of_two(DIGITS), host=site.TWO),
    Case("the second hostname", 200, {}, {}, DIGITS, host=site.ONE_AGAIN),
    Case("a host in capitals with a dot", 200, {}, {}, DIGITS, host="APT.One.Example."),
    Case("a host with a port", 200, {}, {}, DIGITS, host=f"{site.ONE}:8080"),
    *(
        Case(
            f"the host {host}",
            404,
            {},
            {"cache-control": "public, max-age=5"},
            None,
            NONE,
            host=host,
        )
        for host in (
            site.UNKNOWN,
            site.ZONE,
            f"api.{site.ZONE}",
            f"fallback.{site.ZONE}",
            "127.0.0.1",
        )
    ),
)

OPEN: Headers = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "Accept-Ranges, Content-Length, Content-Range, ETag",
    "access-control-allow-credentials": None,
    "cross-origin-resource-policy": "cross-origin",
    "vary": None,
}
CLOSED: Headers = {"access-control-allow-origin": None}
PREFLIGHT: Headers = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, HEAD",
    "access-control-allow-headers": "If-Match, If-Modified-Since, If-None-Match, If-Range,"
    " If-Unmodified-Since, Range",
    "access-control-max-age": "86400",
    "allow": "GET, HEAD, OPTIONS",
    "content-type": None,
}
ORIGIN = {"origin": "https://store.example"}
PNG: Headers = {"content-type": "image/png", "cache-control": "public, max-age=604800"}
SHOT = f"/assets/{APP}/screenshots/1.png"
MISSING = f"/assets/{APP}.no/icon-64.png"


def asset(name: str, status: int, says: Headers, path: str = ICON, **more: str) -> Case:
    method = more.pop("method", "GET")
    asked = ORIGIN | {name.replace("_", "-"): value for name, value in more.items()}
    calls = {"GET": GET, "HEAD": HEAD}.get(method, NONE)
    return Case(name, status, asked, says, None, calls, method, path, site.CDN)


ASSETS = (
    asset("an icon", 200, {**OPEN, **PNG}),
    asset("a screenshot", 200, {**OPEN, **PNG}, SHOT),
    asset("an icon, HEAD", 200, {**OPEN, **PNG}, method="HEAD"),
    asset("a part of an icon", 206, {**OPEN, "content-range": "bytes 0-1/7"}, range="bytes=0-1"),
    asset("an icon not changed", 304, OPEN, if_none_match="*"),
    asset("an icon not expected", 412, OPEN, if_match=OTHER),
    asset("no such icon", 404, OPEN, MISSING),
    asset("a preflight", 204, PREFLIGHT, method="OPTIONS", access_control_request_method="GET"),
    asset("a preflight for nothing", 204, PREFLIGHT, MISSING, method="OPTIONS"),
    asset("an icon, POST", 405, {**OPEN, "allow": "GET, HEAD, OPTIONS"}, method="POST"),
    asset("no asset, OPTIONS", 405, {**CLOSED, "allow": "GET, HEAD"}, "/x", method="OPTIONS"),
    Case(
        "a package without a token", 403, {}, CLOSED, None, NONE,
        path=f"/{site.PACKAGE_KEY}", host=site.CDN,
    ),
    Case(
        "a package, OPTIONS", 405, ORIGIN, {**CLOSED, "allow": "GET, HEAD"}, None, NONE,
        "OPTIONS", f"/{site.PACKAGE_KEY}", site.CDN,
    ),
    *(
        Case(f"no asset at {path}", 404, {}, CLOSED, None, NONE, path=path, host=site.CDN)
        for path in (
            "/",
            INDEX,
            f"/assets/{APP}/secret.txt",
            f"/assets/{APP}/icon-65.png",
            f"/{site.PACKAGE_KEY.replace('package.mosis', 'manifest.json')}",
            "/temp/x/package.mosis",
        )
    ),
    Case("a dot segment on the cdn", 400, {}, {}, None, NONE,
         path=f"/assets/{APP}/../{APP}/icon-64.png", host=site.CDN),
)  # fmt: skip
