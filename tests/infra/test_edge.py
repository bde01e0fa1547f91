from collections.abc import Sequence

import pulumi_cloudflare as cloudflare

from infra.cloudflare.edge import Edge, EdgeArgs
from tests.infra.engine import Engine

ZONE = "c0" * 16


def an_edge(engine: Engine, passthrough: Sequence[str] = ()) -> Engine:
    def deployment(name: str) -> cloudflare.WorkersDeployment:
        return cloudflare.WorkersDeployment(
            name, account_id="7a" * 16, script_name=name, strategy="percentage", versions=[]
        )

    def build() -> None:
        Edge(
            "edge",
            EdgeArgs(
                zone_id=ZONE,
                api_host="api.example.com",
                cdn_host="cdn.example.com",
                fallback_host="fallback.example.com",
                passthrough_hosts=passthrough,
                edge_script="stowage-edge",
                api_script="stowage-api",
                edge_deployment=deployment("edge-deployment"),
                api_deployment=deployment("api-deployment"),
            ),
        )

    return engine.run(build)


def routes(engine: Engine) -> dict[str, str | None]:
    return {one.inputs["pattern"]: one.inputs.get("script") for one in engine.of("WorkersRoute")}


def test_everything_goes_to_edge_but_the_api(engine: Engine) -> None:
    assert routes(an_edge(engine)) == {"*/*": "stowage-edge", "api.example.com/*": "stowage-api"}


def test_names_that_pass_through_have_a_route_without_a_script(engine: Engine) -> None:
    found = routes(an_edge(engine, ["www.example.com"]))
    assert found["www.example.com/*"] is None
    assert len(found) == 3


def test_routes_wait_for_the_code(engine: Engine) -> None:
    an_edge(engine)
    assert "edge-deployment" in engine.one("WorkersRoute", "edge-route-edge").depends_on
    assert "api-deployment" in engine.one("WorkersRoute", "edge-route-api").depends_on


def test_the_route_that_catches_everything_comes_after_its_exceptions(engine: Engine) -> None:
    an_edge(engine, ["www.example.com"])
    waits = engine.one("WorkersRoute", "edge-route-edge").depends_on
    assert {"edge-route-api", "edge-route-pass-www.example.com"} <= set(waits)


def test_names_are_proxied_and_have_no_origin(engine: Engine) -> None:
    an_edge(engine)
    records = {one.inputs["name"]: one.inputs for one in engine.of("DnsRecord")}
    assert set(records) == {"api.example.com", "cdn.example.com", "fallback.example.com"}
    for record in records.values():
        assert record["type"] == "AAAA"
        assert record["content"] == "100::"
        assert record["proxied"] is True
        assert record["ttl"] == 1
        assert record["comment"]


def test_a_name_is_published_after_its_route(engine: Engine) -> None:
    an_edge(engine)
    waits = {one.name: one.depends_on for one in engine.of("DnsRecord")}
    assert "edge-route-api" in waits["edge-api"]
    assert "edge-route-edge" in waits["edge-cdn"]
    assert "edge-route-edge" in waits["edge-fallback"]


def test_tenants_hostnames_fall_back_to_a_name_that_exists(engine: Engine) -> None:
    origin = an_edge(engine).one("CustomHostnameFallbackOrigin")
    assert origin.inputs == {"zoneId": ZONE, "origin": "fallback.example.com"}
    assert "edge-fallback" in origin.depends_on


def test_settings_of_the_zone_are_left_alone(engine: Engine) -> None:
    an_edge(engine)
    kinds = {one.typ.rpartition(":")[2] for one in engine.resources}
    assert kinds == {
        "Edge",
        "WorkersDeployment",
        "WorkersRoute",
        "DnsRecord",
        "CustomHostnameFallbackOrigin",
    }
