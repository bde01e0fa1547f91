import hashlib
import json
from types import SimpleNamespace

import pulumi
import pytest
from pulumi_cloudflare import GetAccountApiTokenPermissionGroupsListResult

from infra.cloudflare.tokens import (
    ACCOUNT_SCOPE,
    CACHE_PURGE,
    D1_READ,
    ITEM_WRITE,
    ZONE_SCOPE,
    ApiToken,
    ApiTokenArgs,
    PermissionGroupError,
    S3Token,
    S3TokenArgs,
    bucket_resources,
    group_id,
)
from tests.infra.engine import CACHE_PURGE_ID, D1_READ_ID, ITEM_WRITE_ID, Engine

ACCOUNT = "7a" * 16


def a_token(engine: Engine, *buckets: str, jurisdiction: str = "default") -> Engine:
    def build() -> None:
        token = S3Token(
            "presign",
            S3TokenArgs(
                account_id=ACCOUNT,
                token_name="stowage-dev-presign",
                buckets=buckets,
                jurisdiction=jurisdiction,
            ),
        )
        pulumi.export("access_key_id", token.access_key_id)
        pulumi.export("secret_access_key", token.secret_access_key)

    return engine.run(build)


def test_a_token_reaches_its_buckets_and_nothing_else(engine: Engine) -> None:
    (policy,) = a_token(engine, "uploads").one("AccountToken").inputs["policies"]
    assert policy["effect"] == "allow"
    assert policy["permissionGroups"] == [{"id": ITEM_WRITE_ID}]
    assert json.loads(policy["resources"]) == {
        f"com.cloudflare.edge.r2.bucket.{ACCOUNT}_default_uploads": "*"
    }


def test_the_name_of_a_bucket_follows_the_jurisdiction(engine: Engine) -> None:
    token = a_token(engine, "uploads", jurisdiction="eu").one("AccountToken")
    assert token.inputs["policies"][0]["resources"] == (
        f'{{"com.cloudflare.edge.r2.bucket.{ACCOUNT}_eu_uploads":"*"}}'
    )


def test_resources_are_compact_and_sorted() -> None:
    text = bucket_resources("a", "default", ["two", "one"])
    assert text == (
        '{"com.cloudflare.edge.r2.bucket.a_default_one":"*",'
        '"com.cloudflare.edge.r2.bucket.a_default_two":"*"}'
    )


def test_the_id_is_the_access_key_and_the_hash_of_the_value_the_secret(engine: Engine) -> None:
    a_token(engine, "uploads")
    assert engine.exports["access_key_id"] == "presign-id"
    assert engine.exports["secret_access_key"] == hashlib.sha256(b"value-of-presign").hexdigest()
    assert engine.secret_exports == {"secret_access_key"}


def test_the_permission_group_is_looked_up_by_its_name(engine: Engine) -> None:
    a_token(engine, "uploads")
    (call,) = engine.calls
    assert call.token.endswith(":getAccountApiTokenPermissionGroupsList")
    assert call.args["accountId"] == ACCOUNT
    assert call.args["name"] == "Workers%20R2%20Storage%20Bucket%20Item%20Write"


@pytest.mark.parametrize("groups", [[], None, [{"id": "1", "name": "Workers R2 Storage Write"}]])
def test_an_account_without_the_group_is_told_what_to_look_at(
    groups: list[dict[str, str]] | None,
) -> None:
    found = groups and [SimpleNamespace(**group) for group in groups]
    answer = GetAccountApiTokenPermissionGroupsListResult(ACCOUNT, None, None, found, None)
    with pytest.raises(PermissionGroupError, match="Is R2 turned on for the account"):
        group_id(answer, ITEM_WRITE)


@pytest.mark.parametrize(
    ("permission", "scope", "group"),
    [(CACHE_PURGE, ZONE_SCOPE, CACHE_PURGE_ID), (D1_READ, ACCOUNT_SCOPE, D1_READ_ID)],
)
def test_an_api_token_has_one_permission_on_one_owner_and_is_secret(
    engine: Engine, permission: str, scope: str, group: str
) -> None:
    def build() -> None:
        args = ApiTokenArgs(
            account_id=ACCOUNT,
            token_name="stowage-dev-x",
            permission=permission,
            scope=scope,
            owner_id="9c" * 16,
        )
        pulumi.export("value", ApiToken("x", args).value)

    (policy,) = engine.run(build).one("AccountToken").inputs["policies"]
    assert policy["effect"] == "allow"
    assert policy["permissionGroups"] == [{"id": group}]
    assert policy["resources"] == f'{{"{scope}.{"9c" * 16}":"*"}}'
    assert engine.secret_exports == {"value"}
