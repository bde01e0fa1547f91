"""The access table (tests/access_table.py, docs/access.md): every bucket and prefix, every role,
through the api, the edge and the S3 face."""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any, cast

import httpx
import pytest
from botocore.exceptions import ClientError
from mypy_boto3_s3 import S3Client

from tests.access_table import API, API_ROLES, EDGE, HOSTS, S3, S3_KEYS, Asked, Held
from tests.e2e.access_players import HOSTNAMES, Players, gathered
from tests.e2e.stack import Stack
from tests.pictures import icon, screenshot

HOST_NAMES = {
    "cdn": "cdn.stowage.test",
    **HOSTNAMES,
    "unknown": "nobody.example",
    "fallback": "fallback.stowage.test",
    "api": "api.stowage.test",
}


@pytest.fixture(scope="module")
def players(stack: Stack) -> Players:
    return gathered(stack)


def shown(statuses: set[int]) -> str:
    """As a cell of the table has it; every status where they differ."""
    if all(200 <= status < 300 for status in statuses):
        return "yes"
    return " and ".join(map(str, sorted(statuses)))


@pytest.mark.parametrize("row", API, ids=lambda row: row.request)
def test_the_api_answers_each_role_as_the_table_says(players: Players, row: Asked) -> None:
    expected = dict(zip(API_ROLES, row.cells, strict=True))
    refused_first = sorted(API_ROLES, key=lambda role: expected[role] == "yes")
    answered = {
        role: shown({ask(players, row, key) for key in players.keys[role]})
        for role in refused_first
    }
    assert answered == expected


def ask(players: Players, row: Asked, key: str | None) -> int:
    method, path = players.path(row.request)
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    content = body(players, row.request)
    if content:
        headers["content-type"] = "application/json" if content[:1] == b"{" else "image/png"
    url = f"{players.stack.outputs['api_url']}{path}"
    return players.stack.client.request(method, url, content=content, headers=headers).status_code


_NUMBERS = itertools.count(1)


def body(players: Players, request: str) -> bytes:
    """What a request carries, so that nothing but the role can be wrong with it."""
    match request.rpartition("/")[2], request.partition(" ")[0]:
        case "icon", "PUT":
            return icon()
        case "screenshots", "POST":
            return screenshot()
        case "order", _:
            return b'{"numbers": [1]}'
        case "versions", "POST":
            return json.dumps(players.declared).encode()
        case "pull", _:
            return b'{"reason": "To see who may."}'
        case "repositories", _:
            hostname = f"apt{next(_NUMBERS)}.access.example"
            tenant_id = players.names["tenant_id"]
            asked = {"tenant_id": tenant_id, "hostname": hostname, "distribution": "stable"}
            return json.dumps(asked).encode()
        case _:
            return b""


@pytest.mark.parametrize("row", EDGE, ids=lambda row: f"{row.thing}-{row.operation}")
def test_the_edge_answers_on_each_host_as_the_table_says(players: Players, row: Asked) -> None:
    method, path = players.path(row.request)
    methods = {"GET": ("GET", "HEAD"), "PUT": ("PUT", "POST", "PATCH")}.get(method, (method,))
    credentials: tuple[dict[str, str], ...] = (
        {},
        {"authorization": f"Bearer {players.stack.operator}"},
    )
    answered = {
        host: shown(
            {
                players.stack.edge(HOST_NAMES[host], path, method=one, headers=headers).status_code
                for one in methods
                for headers in credentials
            }
        )
        for host in HOSTS
    }
    assert answered == dict(zip(HOSTS, row.cells, strict=True))


@pytest.mark.parametrize("way", ["header-signed", "presigned"])
@pytest.mark.parametrize("row", S3, ids=lambda row: row.thing)
def test_each_s3_key_may_do_with_a_bucket_what_the_table_says(
    players: Players, row: Held, way: str
) -> None:
    bucket, key = players.objects[row.thing]
    probe = f"{key}.probe"
    account = players.s3["account"]
    send = by_header if way == "header-signed" else by_url
    held: dict[str, str] = {}
    for name, client in players.s3.items():
        account.put_object(Bucket=bucket, Key=probe, Body=b"before")
        held[name] = rights(send, client, bucket, key, probe)
        if held[name] == "-":
            assert account.get_object(Bucket=bucket, Key=probe)["Body"].read() == b"before"
    assert held == dict(zip(S3_KEYS, row.cells, strict=True))


Send = Callable[[S3Client, str, dict[str, Any]], int]
METHODS = {"get_object": "GET", "head_object": "HEAD", "put_object": "PUT"} | {
    "list_objects_v2": "GET",
    "delete_object": "DELETE",
}


def rights(send: Send, client: S3Client, bucket: str, key: str, probe: str) -> str:
    """The letters of the table; fails where two calls of one letter are answered differently."""
    at: dict[str, Any] = {"Bucket": bucket}
    calls = {
        "r": (("get_object", at | {"Key": key}), ("head_object", at | {"Key": key})),
        "w": (("put_object", at | {"Key": probe}),),
        "l": (("list_objects_v2", at), ("list_objects_v2", at | {"Prefix": key})),
        "d": (("delete_object", at | {"Key": probe}),),
    }
    found = ""
    for letter, sent in calls.items():
        statuses = {send(client, *call) for call in sent}
        assert statuses == {403} or shown(statuses) == "yes", (letter, statuses)
        found += "" if statuses == {403} else letter
    return found or "-"


def by_header(client: S3Client, operation: str, arguments: dict[str, Any]) -> int:
    try:
        answer: dict[str, Any] = getattr(client, operation)(**arguments)
    except ClientError as refused:
        answer = cast("dict[str, Any]", refused.response)
    return answer["ResponseMetadata"]["HTTPStatusCode"]


def by_url(client: S3Client, operation: str, arguments: dict[str, Any]) -> int:
    url = client.generate_presigned_url(operation, arguments, ExpiresIn=60)
    return httpx.request(METHODS[operation], url, timeout=60).status_code


def other_targets(players: Players, url: str) -> Iterator[str]:
    """The URL of an upload, turned to each other bucket."""
    buckets = players.stack.outputs["buckets"]
    uploads = f"/{buckets['uploads']}/"
    for role, bucket in buckets.items():
        if role != "uploads":
            yield url.replace(uploads, f"/{bucket}/")
    yield url.replace(f"{uploads}temp/", f"/{buckets['assets']}/assets/")


def test_the_url_of_an_upload_is_for_that_object_only(players: Players) -> None:
    path = f"/v1/apps/{players.names['app']}/versions"
    (key,) = players.keys["owner"]
    upload = players.stack.api("POST", path, players.declared, key=key).json()["upload"]
    data = bytes(players.declared["size"])
    for url in other_targets(players, upload["url"]):
        assert url != upload["url"]
        answer = httpx.put(url, content=data, headers=upload["headers"], timeout=60)
        assert answer.status_code == 403
    for method in ("GET", "HEAD", "DELETE", "POST"):
        assert httpx.request(method, upload["url"], timeout=60).status_code == 403
