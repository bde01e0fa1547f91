"""What is said after a deployment: what changed, where everything is reached, and what to try."""

from collections.abc import Mapping
from typing import cast

from cli.engine import Output, Run
from cli.options import Scope
from cli.target import Target
from functions.core.storages import PROFILES, shortcomings

SECRET = "[secret]"  # noqa: S105  (stands in the place of one)

_WORDS = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "replace": "replaced",
    "import": "adopted",
}


def counted(run: Run) -> str:
    """`3 created, 1 updated`, or that nothing changed."""
    parts = [f"{count} {_WORDS.get(op, op)}" for op, count in run.counts.items() if op != "same"]
    return ", ".join(parts) if parts else "nothing changed"


def changes(scope: Scope, run: Run, *, done: str) -> None:
    """The result of a plan or a refresh."""
    terminal = scope.terminal
    terminal.document({"changed": run.changed, "changes": run.counts, "steps": run.steps})
    if not run.changed:
        terminal.result(f"Stack {scope.stack}: no changes ({run.counts.get('same', 0)} resources).")
        return
    terminal.result(f"Stack {scope.stack}: {run.changed} resources {done} ({counted(run)}).")


def deployed(scope: Scope, target: Target, run: Run, seconds: float) -> None:
    """The result of `up`."""
    outputs = target.engine.outputs()
    terminal = scope.terminal
    terminal.document(
        {
            "stack": scope.stack,
            "changed": run.changed,
            "changes": run.counts,
            "steps": run.steps,
            "outputs": visible(outputs, show_secrets=False),
        }
    )
    if run.changed:
        terminal.result(f"Stack {scope.stack} is deployed: {counted(run)} ({seconds:.0f} s).")
    else:
        terminal.result(f"Stack {scope.stack}: no changes ({seconds:.0f} s).")
    _addresses(scope, outputs)
    _storage(scope, outputs)
    if target.local:
        _keys(scope, outputs, target.local.credentials().root_operator_key)
        _things_to_try(scope, outputs, target.local.credentials().root_operator_key)


def visible(outputs: Mapping[str, Output], *, show_secrets: bool) -> dict[str, object]:
    """The outputs' values, the secret ones masked unless asked for."""
    return {
        name: one.value if show_secrets or not one.secret else SECRET
        for name, one in sorted(outputs.items())
    }


def _addresses(scope: Scope, outputs: Mapping[str, Output]) -> None:
    scope.terminal.result("")
    for name in ("api_url", "cdn_url", "edge_url", "s3_url"):
        if name in outputs:
            scope.terminal.result(f"  {name:<24} {outputs[name].value}")


def _storage(scope: Scope, outputs: Mapping[str, Output]) -> None:
    """Where the objects are, and what that storage does in another way: nothing is silently
    weaker."""
    active, fallback = _text(outputs, "storage"), _text(outputs, "fallback_storage")
    if not active:
        return
    also = f", and {fallback} for what it lacks" if fallback else ""
    scope.terminal.result(f"  {'storage':<24} {PROFILES[active].title} ({active}){also}")
    for one in filter(None, (active, fallback)):
        # R2 has all that the platform rests on.
        for sentence in shortcomings(one) if one != "r2" else ():
            scope.terminal.result(f"    - {sentence}")


def _keys(scope: Scope, outputs: Mapping[str, Output], root_key: str) -> None:
    scope.terminal.result(f"  {'root operator key':<24} {root_key}")
    for name in ("s3_access_key_id", "s3_secret_access_key"):
        if name in outputs and outputs[name].value:
            scope.terminal.result(f"  {name:<24} {outputs[name].value}")


def _things_to_try(scope: Scope, outputs: Mapping[str, Output], root_key: str) -> None:
    api = _text(outputs, "api_url")
    lines = [
        "",
        "Three things to try:",
        "  1. Register a developer; the answer holds a key for `stowage push`:",
        f"     curl -sS {api}/v1/developers -H 'authorization: Bearer {root_key}' "
        """-H 'content-type: application/json' -d '{"name": "Ada"}'""",
        "  2. Read what the API offers, and the keys by which packages are verified:",
        f"     curl -sS {api}/openapi.json; curl -sS {api}/v1/keys",
    ]
    third = ["  3. Follow what the Workers write:", "     .venv/bin/stowage logs --follow"]
    bucket = _repository_bucket(outputs)
    if bucket and _text(outputs, "s3_access_key_id"):
        user = f"{_text(outputs, 's3_access_key_id')}:{_text(outputs, 's3_secret_access_key')}"
        target = f"{_text(outputs, 's3_url')}/{bucket}/try/README.md"
        third = [
            "  3. Put a file into a repository bucket, and read it back:",
            f'     S3="curl -sS --aws-sigv4 aws:amz:{_region(outputs)}:s3 --user {user} '
            f'-H x-amz-content-sha256:UNSIGNED-PAYLOAD"; $S3 -T README.md {target} && $S3 {target}',
        ]
    for line in lines + third:
        scope.terminal.result(line)


def _repository_bucket(outputs: Mapping[str, Output]) -> str:
    buckets = outputs["buckets"].value if "buckets" in outputs else None
    if not isinstance(buckets, Mapping):
        return ""
    own = {"uploads", "packages", "assets", "backups"}
    return next((str(name) for role, name in buckets.items() if role not in own), "")  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType, reportUnknownMemberType]


def _region(outputs: Mapping[str, Output]) -> str:
    """The active storage's region, which every signature names."""
    places = outputs["storages"].value if "storages" in outputs else None
    found = cast("dict[str, dict[str, object]]", places or {})
    return str(found.get(_text(outputs, "storage"), {}).get("region") or "auto")


def _text(outputs: Mapping[str, Output], name: str) -> str:
    return str(outputs[name].value) if name in outputs and outputs[name].value else ""
