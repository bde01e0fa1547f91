"""What may reach a storage server behind the proxy, and how its name is published."""

from typing import Any

import pulumi
import pytest

from infra.cloudflare.origin import StorageOrigin, StorageOriginArgs, StorageRecord, expression
from tests.infra.engine import Engine, is_secret

SECRET = "s" * 40
RECORD = StorageRecord(type="CNAME", content="0f1e2d.cfargotunnel.com")


def arguments(**changes: Any) -> StorageOriginArgs:
    values: dict[str, Any] = {
        "zone_id": "c0" * 16,
        "host": "storage.stowage.test",
        "record": RECORD,
        "secrets": [SECRET],
        "upload_paths": ["/stowage-dev-uploads/temp/", "/stowage-dev-debian/"],
        "publisher_key_id": None,
    }
    return StorageOriginArgs(**(values | changes))


def an_origin(engine: Engine, **changes: Any) -> Engine:
    return engine.run(lambda: StorageOrigin("origin", arguments(**changes)))


def test_one_rule_blocks_what_nothing_lets_through(engine: Engine) -> None:
    ruleset = an_origin(engine).one("Ruleset").inputs
    assert (ruleset["kind"], ruleset["phase"]) == ("zone", "http_request_firewall_custom")
    (rule,) = ruleset["rules"]
    assert rule["action"] == "block"
    assert rule["enabled"] is True
    # Rules are matched by it from one plan to the next.
    assert rule["ref"] == "stowage-storage-origin"


def test_the_expression_lets_the_secret_and_presigned_uploads_through() -> None:
    assert expression(arguments(), [SECRET]) == (
        '(http.host eq "storage.stowage.test" and not ('
        f'any(http.request.headers["x-stowage-origin"][*] eq "{SECRET}")'
        ' or (http.request.method in {"PUT" "OPTIONS"}'
        ' and (starts_with(http.request.uri.path, "/stowage-dev-uploads/temp/")'
        ' or starts_with(http.request.uri.path, "/stowage-dev-debian/"))'
        ' and http.request.uri.query contains "X-Amz-Signature=")))'
    )


def test_both_secrets_are_let_through_while_one_is_rotated() -> None:
    text = expression(arguments(), ["n" * 40, SECRET])
    assert text.count('http.request.headers["x-stowage-origin"]') == 2


def test_the_publisher_is_let_through_by_the_key_that_signs() -> None:
    text = expression(arguments(publisher_key_id="publisher-1"), [SECRET])
    signed = 'any(http.request.headers["authorization"][*] contains "Credential=publisher-1/")'
    assert text.endswith(f" or {signed}))")


def test_the_expression_is_short_enough_for_cloudflare() -> None:
    longest = arguments(
        host=".".join(["h" * 62] * 4),
        upload_paths=[f"/{'b' * 63}/temp/", *[f"/{'r' * 63}/"] * 20],
        publisher_key_id="k" * 128,
    )
    # https://developers.cloudflare.com/waf/custom-rules/ limits an expression to 4,096 characters.
    assert len(expression(longest, ["s" * 128, "n" * 128])) < 4096


def test_the_rule_is_a_secret_because_its_expression_holds_one(engine: Engine) -> None:
    an_origin(engine, secrets=pulumi.Output.from_input([SECRET]))
    assert is_secret(engine.one("Ruleset").raw["rules"])


def test_the_name_is_proxied_taken_out_of_the_routes_and_published_last(engine: Engine) -> None:
    an_origin(engine)
    route = engine.one("WorkersRoute").inputs
    assert route["pattern"] == "storage.stowage.test/*"
    assert "script" not in route
    record = engine.one("DnsRecord")
    assert record.inputs["name"] == "storage.stowage.test"
    assert (record.inputs["type"], record.inputs["content"]) == ("CNAME", RECORD.content)
    assert record.inputs["proxied"] is True
    assert {"origin-rules", "origin-route"} <= set(record.depends_on)


def test_an_address_of_this_machine_has_a_rule_and_no_name(engine: Engine) -> None:
    an_origin(engine, host="127.0.0.1", record=None)
    assert 'http.host eq "127.0.0.1"' in engine.one("Ruleset").inputs["rules"][0]["expression"]
    assert not engine.of("DnsRecord")
    assert not engine.of("WorkersRoute")


@pytest.mark.parametrize("record", [RECORD, None])
def test_what_must_be_there_first_is_said(engine: Engine, record: StorageRecord | None) -> None:
    made: list[StorageOrigin] = []
    engine.run(lambda: made.append(StorageOrigin("origin", arguments(record=record))))
    assert len(made[0].ready) == (1 if record is None else 2)
