"""Random lives of hostnames: two tenants, one name, whatever the DNS, Cloudflare and the network
do."""

import random
from contextlib import suppress
from dataclasses import replace
from typing import cast

import pytest

from functions.core import hostname_claims
from functions.core.hostname_runs import run_hostnames
from functions.core.hostname_states import CERTIFICATE_STATUSES, HOSTNAME_STATUSES
from functions.core.problems import ProblemError
from functions.ports.hostname_authority import HostnameAuthority, RateLimitedError, UnavailableError
from functions.ports.name_resolver import DnsAnswer
from functions.ports.records import Records, RecordsError
from tests.contracts.object_store import run
from tests.functions.core.faulty import Fault, Faults
from tests.functions.core.hostnames.world import HOUR, NAME, HostnameWorld

STEPS = 40
CHALLENGE = f"_stowage-challenge.{NAME}"
OTHER_STATUSES = ("a_new_status",)


class History:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311  (repeatable on purpose)
        self.world = HostnameWorld()
        self.faults = Faults()
        self.published = set[str]()
        """Every challenge that ever stood in the DNS."""

    async def begin(self) -> None:
        self.owners = [await self.world.owner(name) for name in ("One", "Two")]

    async def claim(self) -> None:
        try:
            await self.world.claim(self.random.choice(self.owners))
        except ProblemError as error:
            assert error.problem.slug in ("hostname-taken", "hostname-exists")  # noqa: PT017

    async def challenge(self) -> None:
        rows = await self.world.rows(
            "SELECT challenge_token FROM hostname WHERE deleted_at IS NULL"
        )
        values = [f"stowage-challenge={row['challenge_token']}" for row in rows]
        count = self.random.randint(0, min(len(values), 2))
        self.publish(self.random.sample(values, count))

    def publish(self, values: list[str]) -> None:
        self.published.update(values)
        self.world.resolver.set(CHALLENGE, "TXT", *values)

    async def route(self) -> None:
        target = self.random.choice(("here", "elsewhere", "nowhere"))
        if target == "here":
            self.world.point_here()
        else:
            self.world.resolver.set(NAME, "CNAME", *(["x.example"] if target != "nowhere" else []))

    async def confuse(self) -> None:
        name = self.random.choice((NAME, CHALLENGE))
        outcome = self.random.choice(("disagree", "unavailable"))
        self.world.resolver.unclear[name] = DnsAnswer(outcome)

    async def clear(self) -> None:
        self.world.resolver.unclear.clear()

    async def status(self) -> None:
        hostname = self.random.choice((*HOSTNAME_STATUSES, *OTHER_STATUSES, "active", "active"))
        certificate = self.random.choice((*CERTIFICATE_STATUSES, *OTHER_STATUSES, "active"))
        self.world.authority.set(NAME, hostname, certificate)

    async def lose(self) -> None:
        self.world.authority.hostnames.clear()

    async def remove(self) -> None:
        rows = await self.world.rows("SELECT id, tenant_id FROM hostname WHERE deleted_at IS NULL")
        if rows:
            row = self.random.choice(list(rows))
            (caller,) = (one for one, _ in self.owners if one.subject_id == row["tenant_id"])
            await hostname_claims.remove_claim(
                self.world.records, self.world.clock, caller, str(row["id"])
            )

    async def look(self) -> None:
        self.world.clock.advance(seconds=self.random.choice((60, HOUR, 7 * HOUR, 48 * HOUR)))
        self.arm()
        if self.random.random() < 0.1:
            self.world.authority.most = self.random.choice((0, 100))
        wrap = self.faults.wrap
        deps = replace(
            self.world.hostname_deps,
            authority=cast("HostnameAuthority", wrap(self.world.authority, self.error)),
            records=cast("Records", wrap(self.world.records, lambda: RecordsError("cut off"))),
        )
        with suppress(RecordsError):
            await run_hostnames(deps)
        self.faults.arm(None)

    def arm(self) -> None:
        is_faulty, after = self.random.random() < 0.5, self.random.random() < 0.5
        self.faults.arm(Fault(self.random.randint(1, 14), after=after) if is_faulty else None)

    def error(self) -> Exception:
        if self.random.random() < 0.3:
            return RateLimitedError("too many", 120)
        return UnavailableError("cut off")

    async def hold(self) -> None:
        """What holds at any moment."""
        live = await self.world.rows(
            "SELECT * FROM hostname WHERE proven_at IS NOT NULL AND deleted_at IS NULL"
        )
        assert len(live) <= 1
        assert all(f"stowage-challenge={row['challenge_token']}" in self.published for row in live)
        ever = await self.world.rows("SELECT subject_id FROM event WHERE reason = 'proven'")
        created = [call for call in self.world.authority.calls if call.startswith("create")]
        assert ever or not created
        for row in await self.world.rows("SELECT * FROM hostname WHERE authority_id IS NOT NULL"):
            assert row["id"] in {one["subject_id"] for one in ever}
        served = await self.world.served()
        owners = {row["tenant_id"] for row in live if row["state"] in ("validating", "active")}
        assert ({served} if served else set()) == owners

    async def tell(self) -> None:
        """What is told is what happened."""
        happened = await self.world.rows(
            "SELECT subject_id, at, to_state, reason FROM event WHERE subject_kind = 'hostname'"
            " AND (reason = 'certificate-failing' OR from_state <> to_state)"
        )
        told = await self.world.rows("SELECT subject, created_at, kind FROM notice")
        kinds = {state: f"hostname.{state}" for state in ("active", "moved", "blocked", "removed")}
        news = [
            (
                row["subject_id"],
                row["at"],
                "hostname.certificate_failing"
                if row["reason"] == "certificate-failing"
                else kinds.get(str(row["to_state"])),
            )
            for row in happened
        ]
        assert sorted((row["subject"], row["created_at"], row["kind"]) for row in told) == sorted(
            one for one in news if one[2] is not None
        )

    async def calm_down(self) -> None:
        """Whoever is right in the DNS wins, when everybody answers again."""
        world = self.world
        world.resolver.unclear.clear()
        world.authority.most = 100
        world.point_here()
        rows = await world.rows("SELECT challenge_token FROM hostname WHERE deleted_at IS NULL")
        self.publish([f"stowage-challenge={row['challenge_token']}" for row in rows])
        for _ in range(12):
            await world.look(seconds=25 * HOUR)
            for known in list(world.authority.hostnames.values()):
                if known.hostname_status != "moved":
                    world.authority.set(NAME, "active")
        live = await world.rows("SELECT state FROM hostname WHERE deleted_at IS NULL")
        states = sorted(str(row["state"]) for row in live)
        assert states in ([], ["active"], ["active", "awaiting_dns"], ["active", "moved"]), states
        gone = await world.rows(
            "SELECT id FROM hostname WHERE deleted_at IS NOT NULL AND due_at IS NOT NULL"
        )
        assert gone == []
        assert len(world.authority.hostnames) == (1 if states else 0)


async def live(seed: int) -> None:
    history = History(seed)
    await history.begin()
    steps = [
        history.claim, history.challenge, history.route, history.confuse, history.clear,
        history.status, history.lose, history.remove,
    ]  # fmt: skip
    weights = [4, 5, 4, 1, 3, 5, 1, 1]
    try:
        for _ in range(STEPS):
            (step,) = history.random.choices(steps, weights)
            await step()
            await history.hold()
            await history.tell()
            await history.look()
            await history.hold()
            await history.tell()
        await history.calm_down()
    finally:
        history.world.close()


@pytest.mark.parametrize("seed", range(30))
def test_at_most_one_claim_is_proven_and_every_hostname_converges(seed: int) -> None:
    run(live(seed))


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(1000, 1400))
def test_more_lives_of_hostnames_converge(seed: int) -> None:
    run(live(seed))
