"""Rulesets of a zone: the custom rules of its firewall, as far as the local cloud enforces them."""

# A kind that needs less than its base class gives still has its signature.
# ruff: noqa: ARG002
import uuid
from typing import Any, ClassVar, cast

from local.provider.kind import Kind, Refusal, Scene
from local.provider.property_values import is_unknown
from local.provider.rule_expressions import UnknownExpressionError, parse
from local.provider.schema import Failure, Item

PHASE = "http_request_firewall_custom"
_EMULATED = {"kind": "zone", "phase": PHASE}
_ACTION = "block"
_PROPERTIES = frozenset({"action", "expression", "description", "enabled", "ref"})
_README = "local/README.md says what is emulated"


class Ruleset(Kind):
    name = "Ruleset"
    replaces = frozenset({"accountId", "zoneId", "kind", "phase"})
    defaults: ClassVar[Item] = {"description": "", "rules": []}

    def check(self, scene: Scene, inputs: Item) -> list[Failure]:
        failures = [
            Failure(name, f"the local cloud has rulesets with {name} {wanted} only; {_README}")
            for name, wanted in _EMULATED.items()
            if not is_unknown(inputs[name]) and inputs[name] != wanted
        ]
        if inputs.get("accountId") is not None:
            failures.append(Failure("accountId", f"rulesets of zones only; {_README}"))
        for index, rule in enumerate(_rules(inputs)):
            if not is_unknown(rule):
                failures += _wrong_rule(f"rules[{index}]", cast("Item", rule))
        return failures

    def create(self, scene: Scene, inputs: Item) -> Item:
        if "zoneId" not in inputs:
            raise Refusal("A ruleset needs a zone.", 400, 20000)
        if scene.world.find(self.name, zoneId=inputs["zoneId"], phase=inputs["phase"]):
            # The entry point of a phase exists once in a zone.
            raise Refusal(
                "A similar configuration with rules already exists and overwriting will have "
                f"unintended consequences: the zone has a ruleset of the phase {inputs['phase']}.",
                400,
                20217,
            )
        return self._dated(scene, self.filled(inputs), 1) | {"_id": uuid.uuid4().hex}

    def update(self, scene: Scene, item: Item, inputs: Item) -> Item:
        return self._dated(scene, self.merged(scene, item, inputs), int(item["version"]) + 1)

    def _dated(self, scene: Scene, item: Item, version: int) -> Item:
        # Parsed again: at the check, values may not have been known.
        for index, rule in enumerate(_rules(item)):
            for failure in _wrong_rule(f"rules[{index}]", cast("Item", rule)):
                raise Refusal(f"{failure.property}: {failure.reason}")
        return item | {"lastUpdated": scene.now(), "version": str(version)}


def _rules(inputs: Item) -> list[Any]:
    rules = inputs.get("rules")
    return cast("list[Any]", rules) if isinstance(rules, list) else []


def _wrong_rule(path: str, rule: Item) -> list[Failure]:
    failures = [
        Failure(f"{path}.{name}", f"not emulated; {_README}")
        for name, value in rule.items()
        if name not in _PROPERTIES and value is not None
    ]
    if not is_unknown(rule["action"]) and rule["action"] != _ACTION:
        failures.append(Failure(f"{path}.action", f"only {_ACTION} is enforced here; {_README}"))
    expression = rule["expression"]
    if isinstance(expression, str) and not is_unknown(expression):
        try:
            parse(expression)
        except UnknownExpressionError as error:
            reason = f"the expression {error}; {_README}"
            failures.append(Failure(f"{path}.expression", reason))
    return failures
