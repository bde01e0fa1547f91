from jsonschema import Draft202012Validator

from functions.core.manifest_schema import manifest_schema
from tests.contracts.object_store import run
from tests.functions.entrypoints.world import World


def test_the_schema_of_a_manifest_is_served_to_everybody(world: World) -> None:
    answer = run(world.call("GET", "/v1/schemas/manifest.json"))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/schema+json"
    assert answer.json() == manifest_schema()
    Draft202012Validator.check_schema(answer.json())
