"""The way to a storage server behind Cloudflare's proxy, closed to all but the Workers.

The server's name is proxied like any other of the zone, so anybody could send requests there. One
WAF rule lets through what carries the shared secret in a header (the Workers and the deployment
send it), what developers and browsers upload with a presigned URL, and what is signed with the
publisher's key; the server itself verifies those signatures. Why a header: docs/adr/0009.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from infra.keys import STORAGE_ORIGIN_HEADER

PHASE = "http_request_firewall_custom"
RULE_REF = "stowage-storage-origin"


@dataclass(frozen=True, kw_only=True)
class StorageRecord:
    """Where the proxied name leads: an address, or the name of a tunnel."""

    type: str
    content: str


@dataclass(frozen=True, kw_only=True)
class StorageOriginArgs:
    zone_id: pulumi.Input[str]
    host: str
    """The host of the server's endpoint, without a port: so it stands in `http.host`."""
    record: StorageRecord | None
    """None where the endpoint is an address of this machine: the local cloud plays the proxy under
    it, and there is no name to publish."""
    secrets: pulumi.Input[Sequence[str]]
    """What the header may hold; two while one is rotated. They hold no quotes."""
    upload_paths: Sequence[str]
    """`/{physical bucket}/{prefix}`: where presigned uploads go."""
    publisher_key_id: str | None


class StorageOrigin(pulumi.ComponentResource):
    """`stowage:cloudflare:StorageOrigin`: a Ruleset of WAF custom rules with one rule, a
    WorkersRoute without a script, which takes the host out of `*/*`, and the proxied DnsRecord.

    A zone has one such ruleset only, so this is made for a server with an `origin` alone, and its
    deletion takes every custom rule of the zone with it.
    """

    ready: Sequence[pulumi.Resource]
    """What must be there before anything is asked of the server under its public name."""

    def __init__(
        self, name: str, args: StorageOriginArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("stowage:cloudflare:StorageOrigin", name, None, opts)
        # The expression holds the secrets; one that is marked encrypts the list of rules.
        guard = pulumi.Output.secret(args.secrets).apply(lambda found: expression(args, found))
        rules = cloudflare.Ruleset(
            f"{name}-rules",
            zone_id=args.zone_id,
            kind="zone",
            name="stowage storage origin",
            description="What may reach the storage server behind the proxy",
            phase=PHASE,
            rules=[
                cloudflare.RulesetRuleArgs(
                    # Without it every plan would give the rule another id.
                    ref=RULE_REF,
                    action="block",
                    description="Only Workers, presigned uploads and the publisher's signature",
                    enabled=True,
                    expression=guard,
                )
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.ready = [rules]
        if args.record is not None:
            self.ready = [rules, self._publish(name, args, args.record, rules)]
        self.register_outputs({})

    def _publish(
        self, name: str, args: StorageOriginArgs, to: StorageRecord, rules: cloudflare.Ruleset
    ) -> cloudflare.DnsRecord:
        # A Worker without a zone (jobs) reaches the name like any visitor, so `*/*` would answer
        # it.
        route = cloudflare.WorkersRoute(
            f"{name}-route",
            zone_id=args.zone_id,
            pattern=f"{args.host}/*",
            opts=pulumi.ResourceOptions(parent=self),
        )
        return cloudflare.DnsRecord(
            f"{name}-record",
            zone_id=args.zone_id,
            name=args.host,
            type=to.type,
            content=to.content,
            proxied=True,
            # 1 means automatic, which is all that a proxied record takes.
            ttl=1,
            comment="stowage storage: the server behind the proxy",
            # The name is published once it is guarded.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[rules, route]),
        )


def expression(args: StorageOriginArgs, secrets: Sequence[str]) -> str:
    """Which requests the rule blocks: those to the host that nothing lets through.

    Names of headers stand in lower case, as the rule language holds them:
    https://developers.cloudflare.com/waf/custom-rules/use-cases/require-specific-headers/
    All texts come from grammars without quotes and backslashes, so none can end its literal.
    """
    places = " or ".join(
        f'starts_with(http.request.uri.path, "{path}")' for path in args.upload_paths
    )
    let_through = [
        *(f'any(http.request.headers["{STORAGE_ORIGIN_HEADER}"][*] eq "{one}")' for one in secrets),
        '(http.request.method in {"PUT" "OPTIONS"}'
        f" and ({places})"
        ' and http.request.uri.query contains "X-Amz-Signature=")',
    ]
    if args.publisher_key_id is not None:
        claim = f"Credential={args.publisher_key_id}/"
        let_through.append(f'any(http.request.headers["authorization"][*] contains "{claim}")')
    return f'(http.host eq "{args.host}" and not ({" or ".join(let_through)}))'
