"""The custom hostnames of the world, brought up to date with the DNS before somebody looks."""

import hashlib
import time
from collections.abc import Callable, Iterable
from typing import Any, cast

from local.dns.records import DnsRecords, Record
from local.saas.simulation import Simulation
from local.saas.validation import Evidence, advanced
from local.world import Item, World

KIND = "CustomHostname"
# The domains by which CAA records name each authority.
_CAA_DOMAINS = {
    "digicert": "digicert.com",
    "google": "pki.goog",
    "lets_encrypt": "letsencrypt.org",
    "ssl_com": "ssl.com",
}
AUTHORITY = "google"
"""The certificate authority where none is named."""


class Hostnames:
    def __init__(
        self, world: World, records: DnsRecords, clock: Callable[[], float] = time.time
    ) -> None:
        self._world = world
        self._records = records
        self._clock = clock
        self.simulation = Simulation.load(world.saas)

    def follow(self) -> None:
        """Brings all of them to what the DNS says now."""
        now = self._clock() + self.simulation.ahead_seconds
        changed = False
        for item in self._world.all(KIND):
            following = advanced(item, self._evidence(item), now, self.simulation.stage_seconds)
            if following is None:
                self._world.remove(KIND, item["_id"])
            elif following != item:
                self._world.put(KIND, item["_id"], following)
            changed = changed or following != item
        if changed:
            self._world.save()

    def keep(self) -> None:
        """Writes the simulation into the world."""
        self._world.saas = self.simulation.document()
        self._world.save()

    def serves(self, name: str) -> bool:
        """Whether requests for this name reach the zone's Workers."""
        if self._world.find("DnsRecord", name=name):
            return True
        self.follow()
        found = self._world.find(KIND, hostname=name)
        return found["status"] == "active" if found else self.simulation.vouches(name)

    def of_zone(self, zone: str) -> list[Item]:
        self.follow()
        return [one for one in self._world.all(KIND) if one["zoneId"] == zone]

    def _evidence(self, item: Item) -> Evidence:
        name = cast("str", item["hostname"])
        progress = cast("Item", item.get("_ssl") or {})
        ssl = cast("Item", item.get("ssl") or {})
        points_here = self._points_here(name, item["zoneId"])
        proof, page = item["ownershipVerification"], item["ownershipVerificationHttp"]
        controlled = points_here or self._has_page(*dcv_page(name, progress))
        if ssl.get("method") != "http":
            controlled = self._has_challenge(name, item["zoneId"], progress)
        return Evidence(
            points_here=points_here,
            is_owned=proof["value"] in self._texts(proof["name"])
            or self._has_page(page["httpUrl"], page["httpBody"]),
            is_controlled=controlled,
            forbidden=self._forbidden(name, ssl.get("certificateAuthority") or AUTHORITY),
            is_blocked=name in self.simulation.blocked,
        )

    def _points_here(self, name: str, zone: str) -> bool:
        origin = self._world.get("CustomHostnameFallbackOrigin", zone)
        own = {
            one["name"]
            for one in self._world.all("DnsRecord")
            if one["zoneId"] == zone and one.get("proxied")
        }
        targets = own | ({origin["origin"]} if origin else set[str]())
        return any(one.value in targets for one in self._cnames(self._look(name, "A")))

    def _has_challenge(self, name: str, zone: str, progress: Item) -> bool:
        challenge = f"_acme-challenge.{name}"
        if progress.get("token") in self._texts(challenge):
            return True
        delegated = f"{name}.{delegation(zone)}"
        return any(one.value == delegated for one in self._cnames(self._look(challenge, "TXT")))

    def _has_page(self, url: str, body: str) -> bool:
        return bool(body) and self.simulation.pages.get(url) == body

    def _forbidden(self, name: str, authority: str) -> str:
        """RFC 8659, 3: the records of the nearest name upwards count."""
        labels = name.split(".")
        for start in range(len(labels)):
            above = ".".join(labels[start:])
            records = self._look(above, "CAA")
            found = [one.value.split(None, 2) for one in records if one.type == "CAA"]
            allowed = [one[2].strip('"').split(";")[0].strip() for one in found if _issues(one)]
            if found:
                domain = _CAA_DOMAINS.get(authority, authority)
                if not allowed or domain in allowed:
                    return ""
                return (
                    f"caa_error: the CAA records of {above} do not allow {domain} to issue "
                    f"certificates for {name}"
                )
        return ""

    def _texts(self, name: str) -> set[str]:
        return {one.value for one in self._look(name, "TXT") if one.type == "TXT"}

    def _look(self, name: str, kind: str) -> tuple[Record, ...]:
        return self._records.resolve(name, kind).records

    def _cnames(self, records: Iterable[Record]) -> Iterable[Record]:
        return (one for one in records if one.type == "CNAME")


def _issues(fields: list[str]) -> bool:
    return len(fields) == 3 and fields[1] == "issue"


def delegation(zone: str) -> str:
    """Under what name certificate validations are delegated to this zone."""
    return f"{delegation_id(zone)}.dcv.cloudflare.com"


def delegation_id(zone: str) -> str:
    return hashlib.sha256(zone.encode()).hexdigest()[:16]


def dcv_page(name: str, progress: dict[str, Any]) -> tuple[str, str]:
    """URL and body of the page by which the certificate's validation is done."""
    token = str(progress.get("token") or "")
    return f"http://{name}/.well-known/pki-validation/ca3-{token[:32]}.txt", token
