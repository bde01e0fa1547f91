"""No secret travels in a plain-text binding: those are shown in the dashboard, in the API and to
every Worker's logs.

Two looks: at the names and texts themselves, and over the whole stack for a text that is a secret
somewhere else.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

from pulumi_policy import ResourceValidationPolicy, StackValidationPolicy

from .resource import Resource, of_all, of_each, read, read_list

WORKERS = frozenset({"WorkerVersion", "WorkersScript"})
PLAIN_TYPES = frozenset({"plain_text", "json"})

# Shorter texts are words that may well be equal by chance.
MIN_SECRET_LENGTH = 16

_SECRET_WORDS = frozenset(
    {
        *("SECRET", "TOKEN", "PASSWORD", "PASSPHRASE", "CREDENTIAL", "CREDENTIALS"),
        *("PRIVATE", "SEED", "HMAC", "KEY", "KEYS"),
    }
)
_SECRET_MEMBERS = frozenset({"secret_access_key", "seed"})
# `_KEY_ID` names a key without being one; these hold public keys.
_PUBLIC_NAME = re.compile(r"(^|_)KEY_IDS?$|(^|_)PUBLIC_KEYS?$|^PLATFORM_KEYS$")

_SECRET_TEXT = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\bstw_[A-Za-z0-9_-]{20,}"
    r'|"(seed|secret|secret_access_key|private_key|password)"\s*:'
    r"|\b[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s@]+@"
)


def problems(resource: Resource) -> Iterator[str]:
    """Plain bindings whose name or text says that they hold a secret."""
    for name, text in _plain(resource):
        if _names_a_secret(name):
            reason = "its name says that it holds a secret"
        elif _SECRET_TEXT.search(text):
            reason = "its text looks like a secret"
        else:
            continue
        yield (
            f"The binding {name} is plain text, but {reason}. Make it a secret_text binding whose "
            "text is a Pulumi secret, or give it another name."
        )


def stack_problems(resources: Sequence[Resource]) -> Iterator[tuple[str, str]]:
    """Plain bindings that hold what is a secret elsewhere in the stack, as pairs of problem and
    URN."""
    secrets = {
        secret
        for resource in resources
        for secret in _secrets(resource)
        if len(secret) >= MIN_SECRET_LENGTH
    }
    for resource in resources:
        for name, text in _plain(resource):
            if any(secret in text for secret in secrets):
                yield (
                    f"The plain-text binding {name} holds a text that is a secret elsewhere in the "
                    "stack. Make it a secret_text binding, and make the secret anew if this was "
                    "ever deployed.",
                    resource.urn,
                )


def _names_a_secret(name: str) -> bool:
    return bool(_SECRET_WORDS.intersection(name.upper().split("_"))) and not _PUBLIC_NAME.search(
        name
    )


def _plain(resource: Resource) -> Iterator[tuple[str, str]]:
    if resource.kind not in WORKERS:
        return
    for binding in read_list(resource.props, "bindings"):
        if read(binding, "type") in PLAIN_TYPES:
            text = read(binding, "text") or read(binding, "json")
            yield str(read(binding, "name")), text if isinstance(text, str) else ""


def _secrets(resource: Resource) -> Iterator[str]:
    candidates: list[object] = []
    if resource.kind in WORKERS:
        texts = [
            read(binding, "text")
            for binding in read_list(resource.props, "bindings")
            if read(binding, "type") == "secret_text"
        ]
        candidates += [*texts, *(member for text in texts for member in _members(text))]
    elif resource.kind in {"AccountToken", "ApiToken"}:
        value = resource.read("value")
        candidates.append(value)
        if isinstance(value, str):
            candidates.append(hashlib.sha256(value.encode()).hexdigest())
    elif resource.kind == "NotificationPolicyWebhooks":
        candidates += [resource.read("url"), resource.read("secret")]
    yield from (one for one in candidates if isinstance(one, str))


def _members(text: object) -> Iterator[object]:
    """The secret parts of a secret that is JSON; its other parts, like the ids of keys, may be
    public."""
    try:
        waiting: list[Any] = [json.loads(text)] if isinstance(text, str) else []
    except ValueError:
        return
    while waiting:
        value: Any = waiting.pop()
        if isinstance(value, dict):
            members = cast("dict[str, Any]", value)
            waiting += members.values()
            yield from (members[name] for name in _SECRET_MEMBERS & members.keys())


POLICIES = (
    ResourceValidationPolicy(
        name="no-secret-in-plain-text",
        description="Secrets of a Worker are secret_text bindings.",
        validate=of_each(problems),
    ),
    StackValidationPolicy(
        name="no-shared-secret-in-plain-text",
        description="No plain-text binding holds what is a secret elsewhere in the stack.",
        validate=of_all(stack_problems),
    ),
)
