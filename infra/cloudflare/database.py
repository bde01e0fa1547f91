"""The D1 database and its schema."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from infra.cloudflare.migrations import D1Migrations
from infra.migrations import Migration


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs:
    account_id: pulumi.Input[str]
    database_name: str
    jurisdiction: str
    location: str | None
    migrations: Sequence[Migration]
    protect: bool
    """A renamed database is a new, empty one. Protection refuses its deletion and so its
    replacement."""
    read_replicas: bool
    """Copies near the readers, from which the edge learns where hosts lead."""


class Database(pulumi.ComponentResource):
    """`stowage:cloudflare:Database`: a D1Database and the D1Migrations that make its schema."""

    database_id: pulumi.Output[str]
    database: cloudflare.D1Database
    migrations: D1Migrations
    """New code is deployed after it."""

    def __init__(
        self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("stowage:cloudflare:Database", name, None, opts)
        restricted = args.jurisdiction != "default"
        self.database = cloudflare.D1Database(
            name,
            account_id=args.account_id,
            name=args.database_name,
            jurisdiction=args.jurisdiction if restricted else None,
            # Cloudflare ignores the hint in a jurisdiction.
            primary_location_hint=None if restricted else args.location,
            # Written in any case, because Cloudflare reports it unasked and a refresh would bring
            # it back as a change.
            read_replication=cloudflare.D1DatabaseReadReplicationArgs(
                mode="auto" if args.read_replicas else "disabled"
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.protect,
                # A hint that counts when the database is made; later it would only replace the
                # database.
                ignore_changes=["primaryLocationHint"],
            ),
        )
        self.database_id = self.database.id
        self.migrations = D1Migrations(
            f"{name}-migrations",
            account_id=args.account_id,
            database_id=self.database_id,
            migrations=args.migrations,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"database_id": self.database_id})
