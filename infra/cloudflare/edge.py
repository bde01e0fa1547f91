"""How requests reach the Workers: DNS names, routes and the fallback origin of tenants'
hostnames."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

# The discard prefix of RFC 6666: a proxied name needs an address, and no request ever goes to it,
# because a route answers first.
# https://developers.cloudflare.com/cloudflare-for-platforms/cloudflare-for-saas/start/advanced-settings/worker-as-origin/
ORIGINLESS = "100::"

# Also matches tenants' hostnames; `zone/*` would not.
EVERYTHING = "*/*"


@dataclass(frozen=True, kw_only=True)
class EdgeArgs:
    zone_id: pulumi.Input[str]
    api_host: str
    cdn_host: str
    fallback_host: str
    passthrough_hosts: Sequence[str]
    """Names of the zone that keep their own origin: a route without a script takes them out of
    `*/*`."""
    edge_script: pulumi.Input[str]
    api_script: pulumi.Input[str]
    edge_deployment: pulumi.Resource
    api_deployment: pulumi.Resource


class Edge(pulumi.ComponentResource):
    """`stowage:cloudflare:Edge`: three DnsRecords, a WorkersRoute for everything, one for the api,
    one for each name that passes through, and the CustomHostnameFallbackOrigin.

    The zone is dedicated to the platform, since `*/*` catches every proxied name in it. Settings of
    the zone as a whole are left alone.
    """

    fallback_origin: cloudflare.CustomHostnameFallbackOrigin
    cname_target: pulumi.Output[str]
    """What a tenant points its hostname to."""

    def __init__(
        self, name: str, args: EdgeArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("stowage:cloudflare:Edge", name, None, opts)
        self._name = name
        self._zone_id = args.zone_id
        passing = [
            self._route(f"pass-{host}", f"{host}/*", None, []) for host in args.passthrough_hosts
        ]
        api = self._route("api", f"{args.api_host}/*", args.api_script, [args.api_deployment])
        # Last to come and first to go, so that no name is ever caught that should not be.
        everything = self._route(
            "edge", EVERYTHING, args.edge_script, [args.edge_deployment, api, *passing]
        )
        # A name is published once something answers under it.
        self._record("api", args.api_host, [api])
        self._record("cdn", args.cdn_host, [everything])
        fallback = self._record("fallback", args.fallback_host, [everything])
        self.fallback_origin = cloudflare.CustomHostnameFallbackOrigin(
            f"{name}-fallback-origin",
            zone_id=args.zone_id,
            origin=fallback.name,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.cname_target = fallback.name
        self.register_outputs({"cname_target": self.cname_target})

    def _route(
        self,
        role: str,
        pattern: str,
        script: pulumi.Input[str] | None,
        after: Sequence[pulumi.Resource],
    ) -> cloudflare.WorkersRoute:
        return cloudflare.WorkersRoute(
            f"{self._name}-route-{role}",
            zone_id=self._zone_id,
            pattern=pattern,
            script=script,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )

    def _record(
        self, role: str, host: str, after: Sequence[pulumi.Resource]
    ) -> cloudflare.DnsRecord:
        return cloudflare.DnsRecord(
            f"{self._name}-{role}",
            zone_id=self._zone_id,
            name=host,
            type="AAAA",
            content=ORIGINLESS,
            proxied=True,
            # 1 means automatic, which is all that a proxied record takes.
            ttl=1,
            comment=f"stowage {role}: answered by a Worker",
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )
