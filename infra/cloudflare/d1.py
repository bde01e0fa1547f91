"""SQL over Cloudflare's REST endpoint of a D1 database.

The token is read from the environment when a request is made, so that neither the state nor a
pickled provider ever holds it, and no message quotes it.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import httpx

from infra.migrations import QueryError
from infra.naming import is_loopback

TOKEN = "CLOUDFLARE_API_TOKEN"  # noqa: S105  (a name, not a token)
BASE_URL = "CLOUDFLARE_BASE_URL"
CLOUDFLARE = "https://api.cloudflare.com/client/v4"

# D1 ends a query after 30 s (developers.cloudflare.com/d1/platform/limits); a file holds several.
TIMEOUT_SECONDS = 120


@dataclass(frozen=True, slots=True)
class D1Database:
    """A `Database` of the account. One request runs all its statements or none."""

    account_id: str
    database_id: str

    def query(self, sql: str) -> Sequence[Mapping[str, object]]:
        token = os.environ.get(TOKEN, "")
        if not token:
            raise QueryError(
                f"{TOKEN} is not set: migrations are sent to D1 with it. Export the token that the "
                "deployment uses (for the local cloud: `stowage env`).",
                is_ambiguous=False,
            )
        base = os.environ.get(BASE_URL) or CLOUDFLARE
        url = f"{base.rstrip('/')}/accounts/{self.account_id}/d1/database/{self.database_id}/query"
        try:
            # Redirects are not followed: the token is for this host alone.
            answer = httpx.post(
                url,
                json={"sql": sql},
                headers={"authorization": f"Bearer {token}"},
                timeout=TIMEOUT_SECONDS,
                trust_env=not is_loopback(url),
            )
        except httpx.ConnectError:
            raise QueryError(f"{base} could not be reached.", is_ambiguous=True) from None
        except httpx.TimeoutException:
            message = f"{base} did not answer within {TIMEOUT_SECONDS} s."
            raise QueryError(message, is_ambiguous=True) from None
        except httpx.HTTPError as error:
            message = f"The connection to {base} broke ({type(error).__name__})."
            raise QueryError(message, is_ambiguous=True) from None
        return _rows(answer, token)


def _rows(answer: httpx.Response, token: str) -> Sequence[Mapping[str, object]]:
    document = _document(answer)
    if answer.is_success and document.get("success") is True:
        results = cast("list[dict[str, Any]]", document.get("result") or [{}])
        return cast("list[dict[str, object]]", results[-1].get("results") or [])
    said = _errors(document).replace(token, "[token]")
    match answer.status_code:
        case 401 | 403:
            hint = f" Does {TOKEN} carry `D1: Edit` for this account?"
        case 404:
            hint = " Is the database still there? `pulumi refresh` looks."
        case _:
            hint = ""
    # A server that fails half-way may have applied the request; one that refuses it has not.
    raise QueryError(
        f"D1 answered {answer.status_code}: {said}.{hint}",
        is_ambiguous=answer.status_code >= 500 or answer.status_code in {408, 429},
    )


def _document(answer: httpx.Response) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        return {}
    return cast("dict[str, Any]", document) if isinstance(document, dict) else {}


def _errors(document: Mapping[str, Any]) -> str:
    errors = cast("list[dict[str, Any]]", document.get("errors") or [])
    said = "; ".join(f"{error.get('message')} (code {error.get('code')})" for error in errors)
    return said.rstrip(".") or "no reason given"
