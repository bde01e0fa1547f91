"""How custom hostnames get on in the local cloud, by the DNS and the clock."""

from collections.abc import Callable
from typing import Any

import pytest

from local.dns.records import DnsRecords
from local.saas.hostnames import Hostnames, delegation
from local.saas.validation import BLOCKED, DAY, NOT_HERE
from tests.local.provider_calls import ZONE, Calls

NAME = "apt.releases.example.com"
FALLBACK = "fallback.stowage.test"
Item = dict[str, Any]


class Scene:
    """One custom hostname, the DNS, and a clock that stands still."""

    def __init__(self, calls: Calls, method: str = "http", **ssl: Any) -> None:
        self.calls = calls
        self.now = 1_000_000.0
        self.dns = DnsRecords(calls.folder / "dns.json")
        self.hostnames = Hostnames(calls.world, self.dns, lambda: self.now)
        calls.create("CustomHostnameFallbackOrigin", zoneId=ZONE, origin=FALLBACK)
        self.made = calls.create(
            "CustomHostname",
            zoneId=ZONE,
            hostname=NAME,
            ssl={"method": method, "type": "dv", "wildcard": False, **ssl},
        )

    def item(self) -> Item:
        (item,) = self.hostnames.of_zone(ZONE)
        return item

    def statuses(self) -> tuple[str, str]:
        item = self.item()
        return item["status"], item["_ssl"]["status"]

    def point(self) -> None:
        self.dns.put(NAME, "CNAME", [FALLBACK])


@pytest.fixture
def scene(calls: Calls) -> Scene:
    return Scene(calls)


def test_without_records_nothing_goes_on_and_the_reason_is_said(scene: Scene) -> None:
    assert scene.statuses() == ("pending", "pending_validation")
    assert scene.item()["verificationErrors"] == [NOT_HERE]


def test_a_cname_to_the_fallback_origin_makes_both_active(scene: Scene) -> None:
    scene.point()
    assert scene.statuses() == ("active", "active")
    assert not scene.item()["verificationErrors"]


def test_a_chain_of_cnames_and_a_proxied_name_of_the_zone_are_good_too(scene: Scene) -> None:
    scene.calls.create(
        "DnsRecord", zoneId=ZONE, name="c.stowage.test", type="AAAA", content="100::", ttl=1,
        proxied=True,
    )  # fmt: skip
    scene.dns.put(NAME, "CNAME", ["between.example.com"])
    scene.dns.put("between.example.com", "CNAME", ["c.stowage.test"])
    assert scene.statuses()[0] == "active"


def test_each_stage_of_a_certificate_takes_its_time(scene: Scene) -> None:
    scene.hostnames.simulation.stage_seconds = 10
    scene.point()
    seen: list[str] = []
    for _ in range(5):
        seen.append(scene.statuses()[1])
        scene.now += 10
    assert seen == [
        "initializing",
        "pending_validation",
        "pending_issuance",
        "pending_deployment",
        "active",
    ]


def test_the_ownership_text_makes_a_hostname_active_before_it_leads_here(scene: Scene) -> None:
    proof = scene.item()["ownershipVerification"]
    scene.dns.put(proof["name"], "TXT", [proof["value"]])
    assert scene.statuses() == ("active", "pending_validation")
    assert scene.hostnames.serves(NAME)
    # It has never led here, so it has not moved away.
    scene.dns.delete(proof["name"])
    assert scene.statuses()[0] == "active"


def test_the_ownership_page_does_so_too(scene: Scene) -> None:
    page = scene.item()["ownershipVerificationHttp"]
    scene.hostnames.simulation.pages = {page["httpUrl"]: "wrong"}
    assert scene.statuses()[0] == "pending"
    scene.hostnames.simulation.pages = {page["httpUrl"]: page["httpBody"]}
    assert scene.statuses()[0] == "active"


def _text(scene: Scene) -> None:
    scene.dns.put(f"_acme-challenge.{NAME}", "TXT", ["other", scene.item()["_ssl"]["token"]])


def _delegated(scene: Scene) -> None:
    scene.dns.put(f"_acme-challenge.{NAME}", "CNAME", [f"{NAME}.{delegation(ZONE)}"])


@pytest.mark.parametrize("prove", [_text, _delegated])
def test_a_certificate_by_txt_needs_the_text_or_the_delegation(
    calls: Calls, prove: Callable[[Scene], None]
) -> None:
    scene = Scene(calls, "txt")
    scene.point()
    assert scene.statuses() == ("active", "pending_validation")
    prove(scene)
    assert scene.statuses() == ("active", "active")


@pytest.mark.parametrize(
    ("name", "record", "is_allowed"),
    [
        ("releases.example.com", '0 issue "letsencrypt.org"', False),
        ("example.com", '0 issue "letsencrypt.org"', False),
        ("example.com", '0 issue ";"', False),
        ("example.com", '0 issue "pki.goog; cansignhttpexchanges=yes"', True),
        ("example.com", '0 iodef "mailto:x@example.com"', True),
    ],
)
def test_caa_records_that_forbid_stop_the_certificate_and_only_it(
    scene: Scene, name: str, record: str, is_allowed: bool
) -> None:
    scene.point()
    scene.dns.put(name, "CAA", [record])
    assert scene.statuses() == ("active", "active" if is_allowed else "pending_validation")
    assert bool(scene.item()["_ssl"]["errors"]) is not is_allowed
    scene.dns.delete(name)
    assert scene.statuses() == ("active", "active")
    assert not scene.item()["_ssl"]["errors"]


def test_one_that_leads_elsewhere_is_moved_and_deleted_seven_days_later(scene: Scene) -> None:
    scene.point()
    assert scene.hostnames.serves(NAME)
    scene.dns.put(NAME, "CNAME", ["elsewhere.example.com"])
    assert scene.statuses() == ("moved", "active")
    assert not scene.hostnames.serves(NAME)
    scene.now += 7 * DAY - 1
    assert scene.statuses()[0] == "moved"
    scene.hostnames.simulation.ahead_seconds = 1
    assert scene.hostnames.of_zone(ZONE) == []
    assert not scene.hostnames.serves(NAME)
    assert scene.calls.read(scene.made) is None


def test_a_moved_one_comes_back_by_a_new_validation_and_not_by_itself(scene: Scene) -> None:
    scene.point()
    scene.statuses()
    scene.dns.delete(NAME)
    scene.statuses()
    scene.point()
    assert scene.statuses()[0] == "moved"
    scene.calls.update(scene.made)
    assert scene.statuses() == ("active", "active")


def test_a_blocked_one_says_so_and_its_certificate_waits(scene: Scene) -> None:
    scene.hostnames.simulation.blocked = [NAME]
    scene.point()
    assert scene.item()["status"] == "blocked"
    assert scene.item()["verificationErrors"] == [BLOCKED]
    assert scene.item()["_ssl"]["status"] == "initializing"
    scene.hostnames.simulation.blocked = []
    assert scene.statuses() == ("active", "active")


def test_nobody_waits_for_a_validation_for_ever(scene: Scene) -> None:
    scene.statuses()
    scene.now += 7 * DAY
    assert scene.statuses()[1] == "validation_timed_out"
    scene.point()
    assert scene.statuses()[1] == "validation_timed_out"


def test_examples_and_names_of_the_zone_are_served_and_no_others(scene: Scene) -> None:
    scene.calls.create(
        "DnsRecord", zoneId=ZONE, name="api.stowage.test", type="AAAA", content="100::", ttl=1,
        proxied=True,
    )  # fmt: skip
    served = [
        name
        for name in ("api.stowage.test", "apt.acme.example", NAME, "apt.example.com")
        if scene.hostnames.serves(name)
    ]
    assert served == ["api.stowage.test", "apt.acme.example"]


def test_a_custom_hostname_is_not_served_because_somebody_vouches_for_its_name(
    scene: Scene,
) -> None:
    scene.hostnames.simulation.vouched = [NAME]
    assert not scene.hostnames.serves(NAME)


def test_what_is_simulated_outlives_the_daemon_and_nonsense_changes_nothing(scene: Scene) -> None:
    simulation = scene.hostnames.simulation
    for wrong in ({"nothing": 1}, {"quota": -1}, {"quota": 5, "blocked": [1]}, {"pages": {"a": 1}}):
        with pytest.raises(ValueError, match=r"there is no|cannot be"):
            simulation.change(wrong)
    assert simulation.quota == 100
    simulation.change({"quota": 5})
    scene.hostnames.keep()
    assert Hostnames(scene.calls.world, scene.dns).simulation.quota == 5
