"""Requests under a custom hostname reach the Workers while it is active, and at no other time."""

from typing import Any

from cloudflare import Cloudflare

from local.client import Cloud
from tests.e2e.stack import Stack
from tests.e2e.test_states import until

NAME = "apt.served.example.com"
FALLBACK = "fallback.stowage.test"


def test_a_name_is_served_while_it_is_an_active_custom_hostname(stack: Stack) -> None:
    def status() -> int:
        return stack.edge(NAME, "/dists/stable/Release").status_code

    cloud, zone = Cloud(stack.home), str(stack.outputs["zone_id"])
    rest = f"{cloud.urls()['rest']}/client/v4"
    with Cloudflare(api_token=stack.api_token, base_url=rest) as sdk:
        assert status() == 403
        certificate: Any = {"method": "http", "type": "dv"}
        made: Any = sdk.custom_hostnames.create(zone_id=zone, hostname=NAME, ssl=certificate)
        try:
            assert status() == 403
            cloud.set_dns(NAME, "CNAME", FALLBACK)
            # The Worker is asked, and knows of no location.
            assert status() == 404
            cloud.delete_dns(NAME)
            until(lambda: status() == 403, "the name is not served any more")
        finally:
            cloud.delete_dns(NAME)
            sdk.custom_hostnames.delete(made.id, zone_id=zone)
