"""Where Cloudflare sends its own alerts, and which. What it has no alert type for is the work of
`jobs`."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare


@dataclass(frozen=True, kw_only=True)
class UsageAlertArgs:
    product: str
    limit: int


@dataclass(frozen=True, kw_only=True)
class AlertsArgs:
    account_id: pulumi.Input[str]
    names_prefix: str
    webhook_url: pulumi.Input[str]
    webhook_secret: pulumi.Input[str] | None
    usage: UsageAlertArgs | None


class Alerts(pulumi.ComponentResource):
    """`stowage:cloudflare:Alerts`: a NotificationPolicyWebhooks destination, a NotificationPolicy
    for certificate events of custom hostnames and, when a limit is given, one for usage billing.

    Cloudflare sends a test POST to the destination when it is made, which must answer 2xx; it
    carries the secret in the header `cf-webhook-auth`.
    """

    def __init__(
        self, name: str, args: AlertsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("stowage:cloudflare:Alerts", name, None, opts)
        webhook = cloudflare.NotificationPolicyWebhooks(
            f"{name}-webhook",
            account_id=args.account_id,
            name=f"{args.names_prefix}-webhook",
            url=pulumi.Output.secret(args.webhook_url),
            secret=None
            if args.webhook_secret is None
            else pulumi.Output.secret(args.webhook_secret),
            opts=pulumi.ResourceOptions(parent=self),
        )

        def policy(
            role: str,
            alert_type: str,
            description: str,
            filters: cloudflare.NotificationPolicyFiltersArgs | None,
        ) -> None:
            cloudflare.NotificationPolicy(
                f"{name}-{role}",
                account_id=args.account_id,
                name=f"{args.names_prefix}-{role}",
                alert_type=alert_type,
                # Written, or the empty text that Cloudflare keeps comes back as a change at a
                # refresh.
                description=description,
                enabled=True,
                filters=filters,
                # Unused mechanisms are left out: as empty lists they come back as changes.
                mechanisms=cloudflare.NotificationPolicyMechanismsArgs(
                    webhooks=[cloudflare.NotificationPolicyMechanismsWebhookArgs(id=webhook.id)]
                ),
                opts=pulumi.ResourceOptions(parent=self),
            )

        policy(
            "certificates",
            "custom_ssl_certificate_event_type",
            "Certificates of tenants' hostnames: issued, renewed, failed",
            None,
        )
        if args.usage is not None:
            policy(
                "usage",
                "billing_usage_alert",
                f"{args.usage.product} above {args.usage.limit} in a billing period",
                usage_filters([args.usage]),
            )
        self.register_outputs({})


def usage_filters(alerts: Sequence[UsageAlertArgs]) -> cloudflare.NotificationPolicyFiltersArgs:
    """Products and limits pair up by position; Cloudflare takes the limits as text."""
    return cloudflare.NotificationPolicyFiltersArgs(
        products=[alert.product for alert in alerts],
        limits=[str(alert.limit) for alert in alerts],
    )
