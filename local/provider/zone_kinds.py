"""What lives in a zone: DNS records, custom hostnames, settings."""

# A kind that needs less than its base class gives still has its signature.
# ruff: noqa: ARG002
import re
import secrets
import uuid
from typing import ClassVar

from local.provider.kind import Kind, Refusal, Scene
from local.provider.schema import Item
from local.saas.validation import certificate

_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?"
_HOSTNAME = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})+")


class DnsRecord(Kind):
    name = "DnsRecord"
    replaces = frozenset({"zoneId"})
    defaults: ClassVar[Item] = {"proxied": False, "tags": [], "settings": {}}

    def create(self, scene: Scene, inputs: Item) -> Item:
        self._checked(scene, inputs, None)
        now = scene.now()
        return self.filled(inputs) | {
            "_id": uuid.uuid4().hex,
            "createdOn": now,
            "modifiedOn": now,
            "proxiable": inputs["type"] in {"A", "AAAA", "CNAME"},
            "meta": "{}",
        }

    def update(self, scene: Scene, item: Item, inputs: Item) -> Item:
        self._checked(scene, inputs, item["_id"])
        return self.merged(scene, item, inputs) | {"modifiedOn": scene.now()}

    def _checked(self, scene: Scene, inputs: Item, own: str | None) -> None:
        if inputs.get("proxied") and inputs["ttl"] != 1:
            raise Refusal("ttl must be set to 1 when `proxied` is true.", 400, 9003)
        if inputs.get("content") is None and inputs.get("data") is None:
            raise Refusal("A DNS record needs content or data.", 400, 9000)
        same = scene.world.find(
            self.name,
            zoneId=inputs["zoneId"],
            name=inputs["name"],
            type=inputs["type"],
            content=inputs.get("content"),
        )
        if same is not None and same["_id"] != own:
            raise Refusal(
                f"An identical record already exists: {inputs['type']} {inputs['name']}.",
                400,
                81058,
            )


class CustomHostname(Kind):
    name = "CustomHostname"
    replaces = frozenset({"zoneId", "hostname"})
    defaults: ClassVar[Item] = {"ssl": {"bundleMethod": "ubiquitous"}}
    reported: ClassVar[Item] = {"ssl": {"wildcard": False}}

    def create(self, scene: Scene, inputs: Item) -> Item:
        hostname = str(inputs["hostname"])
        if len(hostname) > 255 or not _HOSTNAME.fullmatch(hostname):
            raise Refusal(f"{hostname!r} is no hostname in lower case.", 400, 1407)
        # The ownership proof belongs to the name, whatever the zone.
        if scene.world.find(self.name, hostname=hostname):
            raise Refusal(f"Duplicate custom hostname found: {hostname}.", 409, 1406)
        token = str(uuid.uuid4())
        return (
            self.filled(inputs)
            | _certificate_of(inputs)
            | {
                "_id": str(uuid.uuid4()),
                "createdAt": scene.now(),
                "status": "pending",
                "_pointed": False,
                "verificationErrors": [],
                "ownershipVerification": {
                    "name": f"_cf-custom-hostname.{hostname}",
                    "type": "txt",
                    "value": token,
                },
                "ownershipVerificationHttp": {
                    "httpUrl": f"http://{hostname}/.well-known/cf-custom-hostname-challenge/{token}",
                    "httpBody": token,
                },
            }
        )

    def update(self, scene: Scene, item: Item, inputs: Item) -> Item:
        changed = self.merged(scene, item, inputs) | _certificate_of(inputs)
        # A changed or an identical `ssl` begins both validations anew.
        return changed | ({} if item["status"] == "active" else {"status": "pending"})


def _certificate_of(inputs: Item) -> Item:
    asked = inputs.get("ssl") is not None
    return {"_ssl": certificate(str(uuid.uuid4()), secrets.token_urlsafe(32)) if asked else None}


class CustomHostnameFallbackOrigin(Kind):
    name = "CustomHostnameFallbackOrigin"
    replaces = frozenset({"zoneId"})
    key_property = "zoneId"
    id_property = "zoneId"

    def create(self, scene: Scene, inputs: Item) -> Item:
        return self.update(scene, {"createdAt": scene.now()}, inputs)

    def update(self, scene: Scene, item: Item, inputs: Item) -> Item:
        return self.merged(scene, item, inputs) | {
            "updatedAt": scene.now(),
            "status": "active",
            "errors": [],
        }


class ZoneSetting(Kind):
    name = "ZoneSetting"
    replaces = frozenset({"zoneId", "settingId"})
    id_property = "settingId"
    delete_warning = "This resource cannot be destroyed from Pulumi; the setting stays as set."

    def create(self, scene: Scene, inputs: Item) -> Item:
        return self.update(scene, {"_id": f"{inputs['zoneId']}/{inputs['settingId']}"}, inputs)

    def update(self, scene: Scene, item: Item, inputs: Item) -> Item:
        return self.merged(scene, item, inputs) | {"editable": True, "modifiedOn": scene.now()}

    def state_key(self, resource_id: str, state: Item) -> str:
        return f"{state['zoneId']}/{state['settingId']}"

    def import_key(self, resource_id: str) -> str:
        return resource_id
