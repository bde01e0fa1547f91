"""Cloudflare's own SDK from PyPI on the REST face: every call that is emulated."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cloudflare import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    Cloudflare,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
)

from local.provider.account_kinds import CACHE_PURGE_GROUP, CERTIFICATES_GROUP
from tests.local.provider_calls import ACCOUNT, ZONE
from tests.local.test_daemon_faces import Daemon, start

NAME = "apt.releases.example.com"
ORIGIN = "fallback.stowage.test"
CERTIFICATE: Any = {
    "method": "http",
    "type": "dv",
    "settings": {"min_tls_version": "1.2", "http2": "on", "tls_1_3": "on"},
}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, types_file: Any) -> Iterator[Daemon]:
    yield from start(tmp_path_factory.mktemp("sdk"), types_file)


def client_of(daemon: Daemon, token: str) -> Cloudflare:
    return Cloudflare(
        api_token=token, base_url=f"{daemon.home.urls()['rest']}/client/v4", max_retries=0
    )


@pytest.fixture
def sdk(daemon: Daemon) -> Iterator[Cloudflare]:
    with client_of(daemon, daemon.home.credentials().api_token) as client:
        yield client
        simulate(daemon, quota=100, rate_limited_calls=0, blocked=[])
        for one in client.custom_hostnames.list(zone_id=ZONE):
            client.custom_hostnames.delete(one.id, zone_id=ZONE)
        daemon.client.delete("/_dns/records", params={"name": NAME}, headers=daemon.control)


def simulate(daemon: Daemon, **changes: Any) -> None:
    answer = daemon.client.patch("/_hostnames", json=changes, headers=daemon.control)
    assert answer.status_code == 200, answer.text


def point(daemon: Daemon) -> None:
    body = {"name": NAME, "type": "CNAME", "values": [ORIGIN]}
    assert daemon.client.put("/_dns/records", json=body, headers=daemon.control).is_success


def made(sdk: Cloudflare, name: str = NAME) -> Any:
    return sdk.custom_hostnames.create(zone_id=ZONE, hostname=name, ssl=CERTIFICATE)


def test_a_custom_hostname_goes_from_made_to_active_to_deleted(
    daemon: Daemon, sdk: Cloudflare
) -> None:
    sdk.custom_hostnames.fallback_origin.update(zone_id=ZONE, origin=ORIGIN)
    created = made(sdk)
    assert (created.hostname, created.status, created.ssl.status) == (
        NAME,
        "pending",
        "initializing",
    )
    assert created.ownership_verification.name == f"_cf-custom-hostname.{NAME}"
    assert created.ssl.settings.tls_1_3 == "on"
    waiting: Any = sdk.custom_hostnames.get(created.id, zone_id=ZONE)
    assert waiting.ssl.status == "pending_validation"
    (record,) = waiting.ssl.validation_records
    assert record.http_url.startswith(f"http://{NAME}/.well-known/")
    assert waiting.verification_errors
    point(daemon)
    active: Any = sdk.custom_hostnames.get(created.id, zone_id=ZONE)
    assert (active.status, active.ssl.status, active.verification_errors) == (
        "active",
        "active",
        [],
    )
    deleted = sdk.custom_hostnames.delete(created.id, zone_id=ZONE)
    assert deleted.id == created.id
    with pytest.raises(NotFoundError):
        sdk.custom_hostnames.get(created.id, zone_id=ZONE)
    with pytest.raises(NotFoundError):
        sdk.custom_hostnames.delete(created.id, zone_id=ZONE)


def test_editing_with_the_same_ssl_begins_the_validation_anew(
    daemon: Daemon, sdk: Cloudflare
) -> None:
    created = made(sdk)
    first: Any = sdk.custom_hostnames.get(created.id, zone_id=ZONE)
    edited: Any = sdk.custom_hostnames.edit(created.id, zone_id=ZONE, ssl=CERTIFICATE)
    assert edited.ssl.status == "initializing"
    again: Any = sdk.custom_hostnames.get(created.id, zone_id=ZONE)
    bodies = [one.ssl.validation_records[0].http_body for one in (first, again)]
    assert bodies[0] != bodies[1]


def test_a_change_without_ssl_leaves_the_validation_alone(daemon: Daemon, sdk: Cloudflare) -> None:
    created = made(sdk)
    first: Any = sdk.custom_hostnames.get(created.id, zone_id=ZONE)
    sdk.custom_hostnames.edit(created.id, zone_id=ZONE, custom_metadata={"a": "b"})
    again: Any = sdk.custom_hostnames.get(created.id, zone_id=ZONE)
    assert again.ssl == first.ssl
    assert again.custom_metadata == {"a": "b"}


def test_lists_are_paged_and_filtered(sdk: Cloudflare) -> None:
    names = [f"n{number}.example.com" for number in range(7)]
    for name in names:
        made(sdk, name)
    pages = sdk.custom_hostnames.list(zone_id=ZONE, per_page=3)
    assert len(pages.result) == 3
    assert [one.hostname for one in pages] == names

    def found(**query: Any) -> list[str]:
        return [one.hostname for one in sdk.custom_hostnames.list(zone_id=ZONE, **query)]

    assert found(hostname={"exact": "n3.example.com"}) == ["n3.example.com"]
    assert found(hostname={"contain": "n3"}) == ["n3.example.com"]
    assert found(hostname={"starts_with": "n3.exa"}) == ["n3.example.com"]
    assert found(extra_query={"hostname": "n4.example.com"}) == ["n4.example.com"]
    assert found(hostname_status="pending", ssl_status="pending_validation", ssl=1) == names
    assert found(hostname_status="active") == []
    assert found(ssl=0) == []


def test_refusals_carry_the_codes_of_the_api_and_change_nothing(
    daemon: Daemon, sdk: Cloudflare
) -> None:
    def code(error: APIStatusError) -> int:
        return json.loads(error.response.text)["errors"][0]["code"]

    made(sdk)
    with pytest.raises(ConflictError) as duplicate:
        made(sdk)
    assert code(duplicate.value) == 1406
    with pytest.raises(BadRequestError) as nonsense:
        made(sdk, "not a name")
    assert code(nonsense.value) == 1407
    simulate(daemon, quota=1)
    with pytest.raises(PermissionDeniedError) as full:
        made(sdk, "second.example.com")
    assert code(full.value) == 1405
    assert len(list(sdk.custom_hostnames.list(zone_id=ZONE))) == 1


def test_the_quota_is_told(daemon: Daemon, sdk: Cloudflare) -> None:
    made(sdk)
    simulate(daemon, quota=5)
    quota: Any = sdk.custom_hostnames.quota.get(zone_id=ZONE)
    assert (quota.used, quota.allocated, quota.hard_cap, quota.exceeded) == (1, 5, 5, False)


def test_a_rate_limit_says_when_to_come_again(daemon: Daemon, sdk: Cloudflare) -> None:
    simulate(daemon, rate_limited_calls=1, retry_after_seconds=7)
    with pytest.raises(RateLimitError) as limited:
        made(sdk)
    assert limited.value.response.headers["retry-after"] == "7"
    assert list(sdk.custom_hostnames.list(zone_id=ZONE)) == []


def test_a_blocked_hostname_says_so(daemon: Daemon, sdk: Cloudflare) -> None:
    simulate(daemon, blocked=[NAME])
    created: Any = sdk.custom_hostnames.get(made(sdk).id, zone_id=ZONE)
    assert created.status == "blocked"


def test_the_fallback_origin_is_set_read_and_deleted(sdk: Cloudflare) -> None:
    origins: Any = sdk.custom_hostnames.fallback_origin
    assert origins.update(zone_id=ZONE, origin="one.stowage.test").origin == "one.stowage.test"
    origins.update(zone_id=ZONE, origin=ORIGIN)
    known = origins.get(zone_id=ZONE)
    assert (known.origin, known.status) == (ORIGIN, "active")
    origins.delete(zone_id=ZONE)
    with pytest.raises(NotFoundError):
        origins.get(zone_id=ZONE)


def test_validations_can_be_delegated_to_the_zone(sdk: Cloudflare) -> None:
    first, again = (sdk.dcv_delegation.get(zone_id=ZONE) for _ in range(2))
    assert first is not None
    assert first.uuid
    assert first == again


def test_hostnames_of_the_engine_and_of_the_api_are_in_one_table(
    daemon: Daemon, sdk: Cloudflare
) -> None:
    made(sdk)
    daemon.create(
        "CustomHostname", zoneId=ZONE, hostname="declared.example.com", ssl={"method": "txt"}
    )
    listed = [one.hostname for one in sdk.custom_hostnames.list(zone_id=ZONE)]
    assert listed == [NAME, "declared.example.com"]
    refused = daemon.engine(
        "create", "CustomHostname", properties={"zoneId": ZONE, "hostname": NAME}, preview=False
    )
    assert (refused.status_code, "1406" in refused.text) == (409, True)


def token_with(daemon: Daemon, group: str) -> Cloudflare:
    policy = {
        "effect": "allow",
        "permissionGroups": [{"id": group}],
        "resources": json.dumps({f"com.cloudflare.api.account.zone.{ZONE}": "*"}),
    }
    answer = daemon.engine(
        "create",
        "AccountToken",
        properties={"accountId": ACCOUNT, "name": group, "policies": [policy]},
        preview=False,
    )
    return client_of(daemon, answer.json()["properties"]["value"]["value"])


def test_a_token_for_certificates_may_do_all_of_this_and_nothing_else(
    daemon: Daemon, sdk: Cloudflare
) -> None:
    with token_with(daemon, CERTIFICATES_GROUP) as narrow:
        created = made(narrow)
        narrow.custom_hostnames.edit(created.id, zone_id=ZONE, ssl=CERTIFICATE)
        assert len(list(narrow.custom_hostnames.list(zone_id=ZONE))) == 1
        assert narrow.custom_hostnames.quota.get(zone_id=ZONE)
        assert narrow.dcv_delegation.get(zone_id=ZONE)
        narrow.custom_hostnames.delete(created.id, zone_id=ZONE)
        with pytest.raises(PermissionDeniedError):
            narrow.custom_hostnames.list(zone_id=ACCOUNT)
        with pytest.raises(PermissionDeniedError):
            narrow.dns.records.list(zone_id=ZONE)
    with token_with(daemon, CACHE_PURGE_GROUP) as other, pytest.raises(PermissionDeniedError):
        made(other)
    with (
        client_of(daemon, "nobody") as nobody,
        pytest.raises((AuthenticationError, PermissionDeniedError)),
    ):
        made(nobody)


def _resources(daemon: Daemon) -> dict[str, str]:
    daemon.deploy("sample")
    webhook = daemon.create(
        "NotificationPolicyWebhooks", accountId=ACCOUNT, name="w", url="https://hooks.example"
    )
    queue = daemon.create("Queue", accountId=ACCOUNT, queueName="work")
    database = daemon.create("D1Database", accountId=ACCOUNT, name="records")
    daemon.create("R2Bucket", accountId=ACCOUNT, name="objects")
    consumer = daemon.engine(
        "create",
        "QueueConsumer",
        properties={
            "accountId": ACCOUNT,
            "queueId": queue,
            "type": "worker",
            "scriptName": "sample",
        },
        preview=False,
    )
    return {
        "queue": queue,
        "database": database,
        "webhook": webhook,
        "consumer": consumer.json()["properties"]["consumerId"],
        "route": daemon.create("WorkersRoute", zoneId=ZONE, pattern="*/*", script="sample"),
        "record": daemon.create(
            "DnsRecord", zoneId=ZONE, name="c.test", type="AAAA", content="100::", ttl=1
        ),
        "ruleset": daemon.create(
            "Ruleset",
            zoneId=ZONE,
            name="r",
            kind="zone",
            phase="http_request_firewall_custom",
            rules=[],
        ),
        "policy": daemon.create(
            "NotificationPolicy",
            accountId=ACCOUNT,
            name="p",
            alertType="incident_alert",
            mechanisms={"webhooks": [{"id": webhook}]},
        ),
    }


def test_what_a_stack_is_made_of_is_listed_read_and_deleted(
    daemon: Daemon, sdk: Cloudflare
) -> None:
    ids = _resources(daemon)
    tokens = [one.id for one in sdk.accounts.tokens.list(account_id=ACCOUNT)]
    account: Any = {"account_id": ACCOUNT}
    zone: Any = {"zone_id": ZONE}
    (worker,) = sdk.workers.beta.workers.list(**account)
    for id_, calls, scope in [
        (ids["consumer"], sdk.queues.consumers, account | {"queue_id": ids["queue"]}),
        (ids["route"], sdk.workers.routes, zone),
        (ids["record"], sdk.dns.records, zone),
        (ids["ruleset"], sdk.rulesets, zone),
        (ids["policy"], sdk.alerting.policies, account),
        (ids["webhook"], sdk.alerting.destinations.webhooks, account),
        (worker.id, sdk.workers.beta.workers, account),
        (ids["queue"], sdk.queues, account),
        (ids["database"], sdk.d1.database, account),
        *((token, sdk.accounts.tokens, account) for token in tokens),
    ]:
        api: Any = calls
        listed = list(api.list(**scope))
        assert listed, api
        assert api.get(id_, **scope), api
        api.delete(id_, **scope)
        assert len(list(api.list(**scope))) == len(listed) - 1, api
        with pytest.raises(NotFoundError):
            api.get(id_, **scope)
    buckets: Any = sdk.r2.buckets
    # Another test's bucket may be there.
    assert "objects" in [one.name for one in buckets.list(**account).buckets]
    assert buckets.get("objects", **account).name == "objects"
    buckets.delete("objects", **account)
    assert "objects" not in [one.name for one in buckets.list(**account).buckets]


def test_the_data_of_a_stack_is_reached_too(daemon: Daemon, sdk: Cloudflare) -> None:
    database = daemon.create("D1Database", accountId=ACCOUNT, name="data")
    daemon.create("R2Bucket", accountId=ACCOUNT, name="full")
    api: Any = sdk
    (rows,) = api.d1.database.query(database, account_id=ACCOUNT, sql="SELECT 1 AS one")
    assert rows.results == [{"one": 1}]
    scope = {"account_id": ACCOUNT, "bucket_name": "full"}
    assert [one.key for one in api.r2.buckets.objects.list(**scope)] == ["a b/c", "d"]
    assert api.r2.buckets.objects.get("d", **scope).read() == b"d"
    api.r2.buckets.objects.delete("d", **scope)
    assert [one.key for one in api.r2.buckets.objects.list(**scope)] == ["a b/c"]
    assert api.cache.purge(zone_id=ZONE, tags=["one"]).id == ZONE
    exported = api.d1.database.export(database, account_id=ACCOUNT, output_format="polling")
    done = api.d1.database.export(
        database,
        account_id=ACCOUNT,
        output_format="polling",
        current_bookmark=exported.at_bookmark,
    )
    assert done.status == "complete"
    text = daemon.client.get(done.result.signed_url).content
    etag = hashlib.md5(text, usedforsecurity=False).hexdigest()
    begun = api.d1.database.import_(database, account_id=ACCOUNT, action="init", etag=etag)
    assert daemon.client.put(begun.upload_url, content=text).is_success
    api.d1.database.import_(
        database, account_id=ACCOUNT, action="ingest", etag=etag, filename=begun.filename
    )
