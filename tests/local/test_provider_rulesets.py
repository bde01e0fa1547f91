"""Rulesets and the expressions of their rules: what is enforced is taken, anything else refused."""

from typing import Any

import pytest

from local.provider.kind import Refusal
from local.provider.property_values import SECRET, SIGNATURE, secret
from local.provider.rule_expressions import UnknownExpressionError, parse
from local.storage_proxy import firewall_rules
from tests.local.provider_calls import ACCOUNT, ZONE, Calls, Made

GUARD = 'http.host eq "storage.stowage.test"'


def rule(expression: object = GUARD, **more: object) -> dict[str, object]:
    return {"action": "block", "expression": expression, "description": "guard", **more}


def ruleset(calls: Calls, *rules: dict[str, object], **inputs: Any) -> Made:
    return calls.create("Ruleset", **_inputs(*rules, **inputs))


def _inputs(*rules: dict[str, object], **inputs: Any) -> dict[str, Any]:
    return {
        "zoneId": ZONE,
        "kind": "zone",
        "name": "guard",
        "phase": "http_request_firewall_custom",
        "rules": list(rules or [rule()]),
    } | inputs


def test_a_zones_rules_are_enforced_in_their_order(calls: Calls) -> None:
    made = ruleset(
        calls, rule(), rule('http.request.method eq "PUT"', enabled=False), rule("(" + GUARD + ")")
    )
    assert made.outputs["version"] == "1"
    wanted = {"description": "guard", "tree": ["eq", "http.host", "storage.stowage.test"]}
    assert firewall_rules(calls.world) == [wanted, wanted]
    changed = calls.update(made, rules=[rule('http.host ne "a"')])
    assert changed.outputs["version"] == "2"
    assert [one["tree"] for one in firewall_rules(calls.world)] == [["ne", "http.host", "a"]]
    assert calls.delete(changed) == []
    assert firewall_rules(calls.world) == []


def test_a_zone_has_one_ruleset_of_a_phase(calls: Calls) -> None:
    first = ruleset(calls)
    with pytest.raises(Refusal, match="20217"):
        ruleset(calls)
    ruleset(calls, zoneId=ACCOUNT)
    assert calls.diff(first, zoneId=ACCOUNT) == (["zoneId"], ["zoneId"])
    assert calls.diff(first, name="other") == (["name"], [])
    found = calls.read(first)
    assert found is not None
    assert calls.plan(found, first.inputs) == ([], [])
    assert calls.imported("Ruleset", f"zones/{ZONE}/{first.id}") is not None


def test_a_ruleset_without_a_zone_is_refused(calls: Calls) -> None:
    inputs = _inputs()
    del inputs["zoneId"]
    with pytest.raises(Refusal, match="needs a zone"):
        calls.create("Ruleset", **inputs)


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"phase": "http_ratelimit"}, "phase"),
        ({"kind": "root"}, "kind"),
        ({"accountId": ACCOUNT}, "accountId"),
        ({"rules": [rule(action="log")]}, "rules[0].action"),
        ({"rules": [rule(), rule(logging={"enabled": True})]}, "rules[1].logging"),
        ({"rules": [rule("cf.bot_management.score lt 3")]}, "rules[0].expression"),
    ],
)
def test_what_is_not_enforced_is_refused_before_anything_is_deployed(
    calls: Calls, inputs: dict[str, Any], path: str
) -> None:
    failures = calls.check("Ruleset", **_inputs(**inputs))
    assert list(failures) == [path]
    assert "local/README.md" in failures[path]


def test_an_expression_that_is_known_at_its_creation_only_is_refused_then(calls: Calls) -> None:
    with pytest.raises(Refusal, match=r"rules\[0\]\.expression.*local/README\.md"):
        calls.serve("create", "Ruleset", properties=_inputs(rule("nonsense")), preview=False)
    assert calls.world.all("Ruleset") == []


def test_a_secret_expression_stays_secret_and_is_quoted_by_no_message(calls: Calls) -> None:
    hidden = 'any(http.request.headers["x-stowage-origin"][*] eq "hush-hush")'
    made = ruleset(calls, rule(secret(hidden)))
    assert made.outputs["rules"][0]["expression"][SIGNATURE] == SECRET
    failures = calls.check("Ruleset", **_inputs(rule(secret(f"{hidden} {hidden}"))))
    assert "hush" not in str(failures)
    assert failures


TREES = [
    (GUARD, ["eq", "http.host", "storage.stowage.test"]),
    ("  ((" + GUARD + "))  ", ["eq", "http.host", "storage.stowage.test"]),
    ('http.host in {"a" "b"}', ["in", "http.host", ["a", "b"]]),
    (
        'not http.host eq "a" and http.host eq "b" or http.host eq "c"',
        [
            "or",
            ["and", ["not", ["eq", "http.host", "a"]], ["eq", "http.host", "b"]],
            ["eq", "http.host", "c"],
        ],
    ),
    (
        'any(http.request.headers["X-Name"][*] contains "\\"quoted\\" \\\\")',
        ["header_contains", "x-name", '"quoted" \\'],
    ),
    (
        'starts_with(http.request.uri.path, "/a")and(ends_with(http.request.uri.query,"b"))',
        [
            "and",
            ["starts_with", "http.request.uri.path", "/a"],
            ["ends_with", "http.request.uri.query", "b"],
        ],
    ),
]


@pytest.mark.parametrize(("expression", "tree"), TREES)
def test_an_expression_becomes_a_tree(expression: str, tree: list[object]) -> None:
    assert parse(expression) == tree


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "ends where one of http.host"),
        ("http.host", "ends where one of eq"),
        ('http.host eq "a', "cannot be read from character 12"),
        ("http.host eq a", "`a` at character 13"),
        ('http.host eq "a" "b"', "a text at character 17, not the end"),
        ('http.host eq "a" xor http.host eq "b"', "`xor` at character 17"),
        ('http.host matches "a"', "`matches` at character 10"),
        ('(http.host eq "a"', r"ends where `\)` is needed"),
        ("http.host in {}", "`}` at character 14, not a text"),
        ('http.cookie eq "a"', "`http.cookie` at character 0"),
        ('any(http.request.headers["a"][0] eq "b")', "cannot be read from character 30"),
        ('lower(http.host) eq "a"', "`lower` at character 0"),
        ("(" * 60 + GUARD + ")" * 60, "nested deeper than 50"),
    ],
)
def test_an_expression_outside_the_grammar_is_refused_with_its_place(
    expression: str, reason: str
) -> None:
    with pytest.raises(UnknownExpressionError, match=reason):
        parse(expression)
