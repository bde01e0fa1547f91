import pulumi_cloudflare as cloudflare

from infra.cloudflare.hostnames import Hostnames, HostnamesArgs
from tests.infra.engine import Engine

ZONE = "c0" * 16


def some_hostnames(engine: Engine, *hostnames: str) -> Engine:
    def build() -> None:
        origin = cloudflare.CustomHostnameFallbackOrigin("origin", zone_id=ZONE, origin="f.test")
        args = HostnamesArgs(zone_id=ZONE, hostnames=hostnames, fallback_origin=origin)
        Hostnames("hostnames", args)

    return engine.run(build)


def test_each_declared_name_becomes_a_custom_hostname(engine: Engine) -> None:
    some_hostnames(engine, "apt.one.org", "apt.two.org")
    assert [one.inputs["hostname"] for one in engine.of("CustomHostname")] == [
        "apt.one.org",
        "apt.two.org",
    ]


def test_every_field_that_a_refresh_would_bring_back_is_stated(engine: Engine) -> None:
    hostname = some_hostnames(engine, "apt.one.org").one("CustomHostname")
    assert hostname.inputs == {
        "zoneId": ZONE,
        "hostname": "apt.one.org",
        "ssl": {
            "method": "http",
            "type": "dv",
            "bundleMethod": "ubiquitous",
            "wildcard": False,
            "settings": {"minTlsVersion": "1.2", "http2": "on", "tls13": "on"},
        },
    }


def test_a_name_is_attached_once_there_is_somewhere_to_fall_back_to(engine: Engine) -> None:
    assert "origin" in some_hostnames(engine, "apt.one.org").one("CustomHostname").depends_on


def test_without_names_nothing_is_made(engine: Engine) -> None:
    assert not some_hostnames(engine).of("CustomHostname")
