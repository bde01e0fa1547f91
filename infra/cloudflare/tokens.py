"""API tokens of the account that may do one thing: S3 credentials, which reach a few buckets, and
the tokens by which the jobs call Cloudflare's own API."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast
from urllib.parse import quote

import pulumi
import pulumi_cloudflare as cloudflare

# Read, write and list objects of single buckets. https://developers.cloudflare.com/r2/api/tokens/
ITEM_WRITE = "Workers R2 Storage Bucket Item Write"
BUCKET_SCOPE = "com.cloudflare.edge.r2.bucket"
# https://developers.cloudflare.com/fundamentals/api/reference/permissions/
CACHE_PURGE = "Cache Purge"
ZONE_SCOPE = "com.cloudflare.api.account.zone"
# Custom hostnames too:
# https://developers.cloudflare.com/api/resources/custom_hostnames/methods/create/
CERTIFICATES_WRITE = "SSL and Certificates Write"
D1_READ = "D1 Read"
ANALYTICS_READ = "Account Analytics Read"
ACCOUNT_SCOPE = "com.cloudflare.api.account"


@dataclass(frozen=True, kw_only=True)
class S3TokenArgs:
    account_id: str
    token_name: str
    buckets: Sequence[pulumi.Input[str]]
    jurisdiction: str


class S3Token(pulumi.ComponentResource):
    """`stowage:cloudflare:S3Token`: an AccountToken that may read, write and list the objects of
    the given buckets.

    R2 takes the token's id as the access key id and the SHA-256 of its value, in hex, as the secret
    access key.
    """

    access_key_id: pulumi.Output[str]
    secret_access_key: pulumi.Output[str]
    """A Pulumi secret."""

    def __init__(
        self, name: str, args: S3TokenArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("stowage:cloudflare:S3Token", name, None, opts)
        group = permission_group(args.account_id, ITEM_WRITE, BUCKET_SCOPE, self)

        def resources(buckets: Sequence[str]) -> str:
            return bucket_resources(args.account_id, args.jurisdiction, buckets)

        token = cloudflare.AccountToken(
            name,
            account_id=args.account_id,
            name=args.token_name,
            policies=[
                cloudflare.AccountTokenPolicyArgs(
                    effect="allow",
                    permission_groups=[cloudflare.AccountTokenPolicyPermissionGroupArgs(id=group)],
                    resources=pulumi.Output.all(*args.buckets).apply(resources),
                )
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.access_key_id = token.id
        self.secret_access_key = pulumi.Output.secret(token.value.apply(secret_access_key))
        self.register_outputs(
            {"access_key_id": self.access_key_id, "secret_access_key": self.secret_access_key}
        )


@dataclass(frozen=True, kw_only=True)
class ApiTokenArgs:
    account_id: str
    token_name: str
    permission: str
    """The name of a permission group."""
    scope: str
    """What the permission is given on: ACCOUNT_SCOPE or ZONE_SCOPE."""
    owner_id: str
    """The account's or the zone's id."""


class ApiToken(pulumi.ComponentResource):
    """`stowage:cloudflare:ApiToken`: an AccountToken with one permission on one account or zone."""

    value: pulumi.Output[str]
    """A Pulumi secret."""

    def __init__(
        self, name: str, args: ApiTokenArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("stowage:cloudflare:ApiToken", name, None, opts)
        group = permission_group(args.account_id, args.permission, args.scope, self)
        token = cloudflare.AccountToken(
            name,
            account_id=args.account_id,
            name=args.token_name,
            policies=[
                cloudflare.AccountTokenPolicyArgs(
                    effect="allow",
                    permission_groups=[cloudflare.AccountTokenPolicyPermissionGroupArgs(id=group)],
                    resources=_resources([f"{args.scope}.{args.owner_id}"]),
                )
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.value = pulumi.Output.secret(token.value)
        self.register_outputs({"value": self.value})


class _PermissionGroup(Protocol):
    """What is read of the SDK's result, whose own properties are untyped."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


class PermissionGroupError(Exception):
    """The account offers no permission group of the name that a token needs."""


def bucket_resources(account_id: str, jurisdiction: str, buckets: Sequence[str]) -> str:
    """A token policy's resources. Compact and sorted, as the API gives it back: other text would be
    a change."""
    return _resources(f"{BUCKET_SCOPE}.{account_id}_{jurisdiction}_{bucket}" for bucket in buckets)


def _resources(names: Iterable[str]) -> str:
    return json.dumps(dict.fromkeys(names, "*"), sort_keys=True, separators=(",", ":"))


def secret_access_key(token_value: str) -> str:
    return hashlib.sha256(token_value.encode()).hexdigest()


def permission_group(
    account_id: str, name: str, scope: str, parent: pulumi.Resource
) -> pulumi.Output[str]:
    """The id of a permission group."""
    groups = cloudflare.get_account_api_token_permission_groups_list_output(
        account_id=account_id,
        # The provider puts both into the URL as they are.
        name=quote(name),
        scope=quote(scope),
        opts=pulumi.InvokeOutputOptions(parent=parent),
    )
    return groups.apply(lambda found: group_id(found, name))


def group_id(groups: cloudflare.GetAccountApiTokenPermissionGroupsListResult, name: str) -> str:
    """The id of the group by its name: ids are Cloudflare's to choose, names are documented.

    Raises: PermissionGroupError.
    """
    for group in cast("Iterable[_PermissionGroup]", groups.results or ()):
        if group.name == name:
            return group.id
    raise PermissionGroupError(
        f"The account offers no permission group {name!r}, so no token with it can be made. "
        "Is R2 turned on for the account, and does CLOUDFLARE_API_TOKEN carry `Account API Tokens: "
        "Edit`?"
    )
