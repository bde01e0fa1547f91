"""Tenants' hostnames that an operator declares in the stack (Cloudflare for SaaS)."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare


@dataclass(frozen=True, kw_only=True)
class HostnamesArgs:
    zone_id: pulumi.Input[str]
    hostnames: Sequence[str]
    fallback_origin: pulumi.Resource


class Hostnames(pulumi.ComponentResource):
    """`stowage:cloudflare:Hostnames`: a CustomHostname for each declared name.

    The resource reports no state of the certificate, so a deployment does not wait for one: it
    comes when the tenant has pointed the name here.
    """

    def __init__(
        self, name: str, args: HostnamesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("stowage:cloudflare:Hostnames", name, None, opts)
        for hostname in args.hostnames:
            cloudflare.CustomHostname(
                f"{name}-{hostname}",
                zone_id=args.zone_id,
                hostname=hostname,
                # Every field that has a default of Cloudflare's is written, or a refresh brings it
                # back as a change.
                ssl=cloudflare.CustomHostnameSslArgs(
                    # Validated by Cloudflare itself over the tenant's CNAME, at renewals too.
                    method="http",
                    type="dv",
                    bundle_method="ubiquitous",
                    wildcard=False,
                    settings=cloudflare.CustomHostnameSslSettingsArgs(
                        min_tls_version="1.2", http2="on", tls13="on"
                    ),
                ),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[args.fallback_origin]),
            )
        self.register_outputs({})
