"""API tokens with which a Worker calls Cloudflare's REST API: one permission, one owner each."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from infra.cloudflare.tokens import group_id, quoted

ACCOUNT_SCOPE = "com.cloudflare.api.account"
# https://developers.cloudflare.com/fundamentals/api/reference/permissions/
D1_READ = "D1 Read"


@dataclass(frozen=True, kw_only=True)
class ApiTokenArgs:
    account_id: str
    token_name: str
    group: str
    """The name of a permission group of the account."""


class ApiToken(pulumi.ComponentResource):
    """`stowage:cloudflare:ApiToken`: an AccountToken with one permission on the account."""

    value: pulumi.Output[str]
    """A Pulumi secret."""

    def __init__(
        self, name: str, args: ApiTokenArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("stowage:cloudflare:ApiToken", name, None, opts)
        groups = cloudflare.get_account_api_token_permission_groups_list_output(
            account_id=args.account_id,
            name=quoted(args.group),
            scope=quoted(ACCOUNT_SCOPE),
            opts=pulumi.InvokeOutputOptions(parent=self),
        )

        def named(found: cloudflare.GetAccountApiTokenPermissionGroupsListResult) -> str:
            return group_id(found, args.group, "Does the account's plan have the product")

        token = cloudflare.AccountToken(
            name,
            account_id=args.account_id,
            name=args.token_name,
            policies=[
                cloudflare.AccountTokenPolicyArgs(
                    effect="allow",
                    permission_groups=[
                        cloudflare.AccountTokenPolicyPermissionGroupArgs(id=groups.apply(named))
                    ],
                    resources=account_resources(args.account_id),
                )
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.value = pulumi.Output.secret(token.value)
        self.register_outputs({"value": self.value})


def account_resources(account_id: str) -> str:
    """A token policy's resources, compact as the API gives them back: other text would be a
    change."""
    return json.dumps({f"{ACCOUNT_SCOPE}.{account_id}": "*"}, separators=(",", ":"))
