"""The only reader of the stack's configuration.

Every mistake is reported at once, each with the command that mends it. Plain values become
`Settings`; secrets become outputs in `Secrets` and never anything else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi.runtime import config as runtime_config
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from infra import keys, storage_consistency
from infra.consistency import CHECKS
from infra.mistake import Mistake
from infra.settings import Settings

NAMESPACE = "stowage"
LOCAL_STACK = "dev"
"""The stack of the local cloud. Its file is made by `stowage`, so `pulumi config` does not mend
it."""
REQUIRED_SECRETS = ("downloadKeys", "tenantLinkKeys", "signingKey", "rootKeyHashes")
OPTIONAL_SECRETS = ("webhookUrl", "webhookSecret", "storageKeys", "storageOriginSecret")
SECRETS = REQUIRED_SECRETS + OPTIONAL_SECRETS

# Stand in for required values that are missing or wrong, so that the checks between the others
# still run.
_PLACEHOLDERS = {"accountId": "0" * 32, "zoneId": "0" * 32, "zone": "placeholder.invalid"}

_EXAMPLES = {
    "accountId": "ACCOUNT_ID",
    "zoneId": "ZONE_ID",
    "zone": "example.com",
    "apiHost": "api.example.com",
    "cdnHost": "cdn.example.com",
    "fallbackHost": "fallback.example.com",
    "namePrefix": "stowage-prod",
    "location": "weur",
    "jurisdiction": "default",
    "storage": "r2",
    "fallbackStorage": "minio",
    "storageServers": (
        """'{"minio": {"endpoint": "https://storage.example.com", "region": "us-east-1", """
        """"origin": {"type": "CNAME", "content": "tunnel-id.cfargotunnel.com"}}}'"""
    ),
    "repositoryBuckets": """'["repositories"]'""",
    "multiTenant": "true",
    "protectData": "true",
    "readReplicas": "true",
    "publisherToken": "false",
    "uploadUrlSeconds": "900",
    "downloadUrlSeconds": "3600",
    "maxPackageBytes": "52428800",
    "multipartThresholdBytes": "16777216",
    "uploadCorsOrigins": """'["https://console.example.com"]'""",
    "passthroughHosts": """'["www.example.com"]'""",
    "customHostnames": """'["apt.customer.org"]'""",
    "dnsResolvers": """'["https://dns.google/dns-query"]'""",
    "requestsPerMinute": """'{"address": 600, "key": 3000}'""",
    "cron": "'*/5 * * * *'",
    "publishing": """'{"keepGenerations": 3, "graceDays": 7}'""",
    "backup": """'{"everyHours": 24, "keepDays": 30}'""",
    "retention": """'{"draftDays": 30, "rejectedDays": 7}'""",
    "loopbackWebhooks": "false",
    "quotas": """'{"openUploads": 50, "storedBytes": 10737418240}'""",
    "usageAlert": """'{"product": "worker_requests", "limit": 10000000}'""",
    "platformKeys": (
        """'[{"id": "KEY_ID", "algorithm": "Ed25519", "public_key": "BASE64", """
        """"not_before": "2026-01-31T00:00:00Z", "not_after": null}]'"""
    ),
    "endpoints": """'{"api": "http://127.0.0.1:8080"}'""",
}


class ConfigError(pulumi.RunError):
    """The configuration is wrong. Pulumi shows the message of a RunError without a stack trace."""

    def __init__(self, mistakes: list[Mistake], stack: str) -> None:
        lines = [
            f"{NAMESPACE}:{one.key}: {one.reason}\n    {mend(one.key, stack)}" for one in mistakes
        ]
        count = "a mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
        super().__init__(
            f"The stack's configuration has {count}; nothing was deployed.\n" + "\n".join(lines)
        )
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """Secret settings as Pulumi secrets; `functions.settings` describes the JSON in them."""

    download_keys: pulumi.Output[str]
    tenant_link_keys: pulumi.Output[str]
    signing_key: pulumi.Output[str]
    root_key_hashes: pulumi.Output[str]
    webhook_url: pulumi.Output[str] | None = None
    webhook_secret: pulumi.Output[str] | None = None
    storage_keys: pulumi.Output[str] | None = None
    storage_key_ids: Mapping[str, Mapping[str, str]] = field(
        default_factory=dict[str, Mapping[str, str]]
    )
    """The public halves of `storage_keys`, by server and role."""
    storage_origin_secret: pulumi.Output[str] | None = None


def mend(key: str, stack: str) -> str:
    """The command that mends a mistake in one key of a stack."""
    if stack == LOCAL_STACK:
        return _mend_local(key)
    name = f"--stack {stack} {NAMESPACE}:{key}"
    if key in SECRETS:
        made = "; stowage init makes one" if key in REQUIRED_SECRETS else ""
        return f"pulumi config set --secret {name}   (the value is asked for{made})"
    if key in _EXAMPLES:
        return f"pulumi config set {name} {_EXAMPLES[key]}"
    return f"pulumi config rm {name}"


def _mend_local(key: str) -> str:
    if key in REQUIRED_SECRETS:
        return f"stowage up -c {key}=   (goes back to the one that stowage made)"
    if key in OPTIONAL_SECRETS:
        return f"stowage up -c {key}=@FILE   (or {key}=- for standard input)"
    if key in _EXAMPLES:
        return f"stowage up -c {key}={_EXAMPLES[key]}"
    return f"stowage up -c {key}=   (and take it out of Pulumi.{LOCAL_STACK}.yaml, if it is there)"


def load() -> tuple[Settings, Secrets]:
    """Read the configuration of the stack that is being deployed.

    Raises: ConfigError, naming every mistake.
    """
    declared, marked = _declared()
    settings = check(declared, marked, pulumi.get_stack())
    config = pulumi.Config(NAMESPACE)
    secrets = Secrets(
        download_keys=config.require_secret("downloadKeys"),
        tenant_link_keys=config.require_secret("tenantLinkKeys"),
        signing_key=config.require_secret("signingKey"),
        root_key_hashes=config.require_secret("rootKeyHashes"),
        webhook_url=config.get_secret("webhookUrl"),
        webhook_secret=config.get_secret("webhookSecret"),
        storage_keys=config.get_secret("storageKeys"),
        storage_key_ids=keys.storage_key_ids(declared.get("storageKeys", "{}")),
        storage_origin_secret=config.get_secret("storageOriginSecret"),
    )
    return settings, secrets


def check(declared: Mapping[str, str], marked: frozenset[str], stack: str) -> Settings:
    """Settings from the raw values of the namespace; `marked` are the keys that are stored
    encrypted.

    Raises: ConfigError, naming every mistake.
    """
    plain = {key: value for key, value in declared.items() if key not in SECRETS}
    plain.setdefault("namePrefix", f"stowage-{stack}")
    mistakes = list(_secret_mistakes(declared, marked))
    settings, wrong = _validated(plain)
    mistakes += wrong
    suspect = {one.key for one in mistakes}
    for find, needed in CHECKS.items():
        if not needed & suspect:
            mistakes += find(settings)
    if not {"platformKeys", "signingKey"} & suspect:
        mistakes += _unpublished_key(settings, declared["signingKey"])
    if not storage_consistency.SECRET_KEYS & suspect:
        mistakes += storage_consistency.secret_mistakes(settings, declared)
    if settings.usage_alert is not None and "webhookUrl" not in declared:
        reason = "is needed for usageAlert: an alert that is sent nowhere is refused by Cloudflare"
        mistakes.append(Mistake("webhookUrl", reason))
    if mistakes:
        raise ConfigError(mistakes, stack)
    return settings


def _validated(plain: Mapping[str, str]) -> tuple[Settings, list[Mistake]]:
    """The settings, and what was wrong with single values; those are left out of the settings."""
    try:
        return Settings.model_validate(plain), []
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
    wrong = [
        Mistake(str(one["loc"][0]), _reason(one))
        for one in details
        # A host that would be derived from the zone is not a mistake of its own.
        if one["type"] != "default_factory_not_called"
    ]
    bad = {one.key for one in wrong}
    patched = {key: value for key, value in plain.items() if key not in bad}
    patched |= {key: value for key, value in _PLACEHOLDERS.items() if key in bad}
    patched.setdefault("namePrefix", "placeholder")
    return Settings.model_validate(patched), wrong


def _reason(detail: ErrorDetails) -> str:
    match detail["type"]:
        case "missing":
            reason = "is not set"
        case "extra_forbidden":
            reason = "is not a setting; is it spelled as in Pulumi.example.yaml?"
        case _:
            reason = detail["msg"].removeprefix("Value error, ")
    where = ".".join(map(str, detail["loc"][1:]))
    return f"{where}: {reason}" if where else reason


def _secret_mistakes(declared: Mapping[str, str], marked: frozenset[str]) -> Iterator[Mistake]:
    for key in SECRETS:
        if key not in declared:
            if key in REQUIRED_SECRETS:
                yield Mistake(key, "is not set")
            continue
        if key not in marked:
            yield Mistake(key, "is stored in plain text; it must be encrypted, and made anew")
        elif problem := keys.PROBLEMS[key](declared[key]):
            yield Mistake(key, problem)
    if "webhookSecret" in declared and "webhookUrl" not in declared:
        yield Mistake("webhookUrl", "is not set, but webhookSecret is")


def _unpublished_key(settings: Settings, signing_key: str) -> Iterator[Mistake]:
    key_id = keys.signing_key_id(signing_key)
    if key_id not in {key.id for key in settings.platform_keys}:
        yield Mistake(
            "platformKeys",
            f"holds no key with the id {key_id!r} of signingKey, so nobody could check a "
            "signature; stowage init writes both",
        )


def _declared() -> tuple[dict[str, str], frozenset[str]]:
    """Raw values of the namespace and the keys among them that are secret. `pulumi.Config` cannot
    list keys, and without a list a misspelled one would be passed over."""
    start = f"{NAMESPACE}:"
    everything = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
    declared = {
        key.removeprefix(start): str(value)
        for key, value in everything.items()
        if key.startswith(start)
    }
    hidden = set(runtime_config.get_config_secret_keys_env())
    marked = frozenset(
        key
        for key in declared
        if start + key in hidden or runtime_config.is_config_secret(start + key)
    )
    return declared, marked
