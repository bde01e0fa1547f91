"""S3 credentials: API tokens of the account that reach a few buckets and nothing else."""

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
        groups = cloudflare.get_account_api_token_permission_groups_list_output(
            account_id=args.account_id,
            name=quoted(ITEM_WRITE),
            scope=quoted(BUCKET_SCOPE),
            opts=pulumi.InvokeOutputOptions(parent=self),
        )

        def resources(buckets: Sequence[str]) -> str:
            return bucket_resources(args.account_id, args.jurisdiction, buckets)

        token = cloudflare.AccountToken(
            name,
            account_id=args.account_id,
            name=args.token_name,
            policies=[
                cloudflare.AccountTokenPolicyArgs(
                    effect="allow",
                    permission_groups=[
                        cloudflare.AccountTokenPolicyPermissionGroupArgs(
                            id=groups.apply(item_write_id)
                        )
                    ],
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


class _PermissionGroup(Protocol):
    """What is read of the SDK's result, whose own properties are untyped."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


class PermissionGroupError(Exception):
    """The account offers no permission group of the name that a token needs."""


def quoted(text: str) -> str:
    """For the lookup of permission groups: the provider puts what it is given into the URL as it
    is."""
    return quote(text)


def bucket_resources(account_id: str, jurisdiction: str, buckets: Sequence[str]) -> str:
    """A token policy's resources. Compact and sorted, as the API gives it back: other text would be
    a change."""
    names = {f"{BUCKET_SCOPE}.{account_id}_{jurisdiction}_{bucket}": "*" for bucket in buckets}
    return json.dumps(names, sort_keys=True, separators=(",", ":"))


def secret_access_key(token_value: str) -> str:
    return hashlib.sha256(token_value.encode()).hexdigest()


def item_write_id(groups: cloudflare.GetAccountApiTokenPermissionGroupsListResult) -> str:
    """Raises: PermissionGroupError."""
    return group_id(groups, ITEM_WRITE, "Is R2 turned on for the account")


def group_id(
    groups: cloudflare.GetAccountApiTokenPermissionGroupsListResult, name: str, question: str
) -> str:
    """The id of the group by its name: ids are Cloudflare's to choose, the name is documented.

    Raises: PermissionGroupError, which asks the question.
    """
    for group in cast("Iterable[_PermissionGroup]", groups.results or ()):
        if group.name == name:
            return group.id
    raise PermissionGroupError(
        f"The account offers no permission group {name!r}, so no token can be made with it. "
        f"{question}, and does CLOUDFLARE_API_TOKEN carry `Account API Tokens: Edit`?"
    )
