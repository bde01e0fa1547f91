"""Tokens of download URLs: an HMAC-SHA256 over

    stowage-download-v1 \\n key id \\n expiry (unix seconds) \\n version id \\n exact object key

in the four query parameters `v`, `key`, `expires` and `sig`, each exactly once and no other. Ids
and keys hold no line feed, so no two tuples share a text.
"""

import base64
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

from functions.core.ids import is_id
from functions.core.problems import Problem, ProblemError

TAG = "stowage-download-v1"
SKEW_SECONDS = 60
"""How far the clocks of the api and of the edge may be apart."""

_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_EXPIRES = re.compile(r"[1-9][0-9]{0,11}")
_PARAMETERS = ("v", "key", "expires", "sig")


@dataclass(frozen=True, slots=True)
class DownloadKeys:
    current: str
    """Id of the key that signs; every key of `keys` verifies, so that a key can be rotated."""
    keys: Mapping[str, bytes]


def sign(version_id: str, object_key: str, keys: DownloadKeys, expires: int) -> str:
    """The query string, without `?`. `expires` is in unix seconds.

    Raises: ValueError where an id does not have the form that `verify` accepts.
    """
    key_id = keys.current
    if _KEY_ID.fullmatch(key_id) is None or not is_id(version_id) or "\n" in object_key:
        raise ValueError("a key id, version id or object key is malformed")
    mark = _mac(keys.keys[key_id], key_id, str(expires), version_id, object_key)
    return f"v={version_id}&key={key_id}&expires={expires}&sig={mark}"


def verify(
    query_string: str,
    object_key: str,
    keys: DownloadKeys,
    now_ms: int,
    *,
    max_seconds: int = 3600,
) -> str:
    """The version id that the token names.

    Raises: ProblemError 403 `download-refused` for everything but a right token that has not
    expired and does not expire later than `max_seconds` from now, plus 60 s of skew.
    """
    given = _parameters(query_string)
    version_id, key_id, expires = given["v"], given["key"], given["expires"]
    secret = keys.keys.get(key_id) if _KEY_ID.fullmatch(key_id) else None
    if secret is None or not is_id(version_id) or _EXPIRES.fullmatch(expires) is None:
        raise _refused()
    expected = _mac(secret, key_id, expires, version_id, object_key)
    if not hmac.compare_digest(expected.encode(), given["sig"].encode()):
        raise _refused()
    # Only the bearer of a right token learns that it has expired.
    seconds_left = int(expires) - now_ms / 1000
    if seconds_left <= 0:
        raise _refused("The download URL has expired. Ask the API for a new one.")
    if seconds_left > max_seconds + SKEW_SECONDS:
        raise _refused()
    return version_id


def _parameters(query_string: str) -> dict[str, str]:
    """Taken literally: what we sign needs no percent-encoding, so an encoded form is another text
    and not ours."""
    given: dict[str, str] = {}
    for part in query_string.split("&"):
        name, separator, value = part.partition("=")
        if not separator or name not in _PARAMETERS or name in given:
            raise _refused()
        given[name] = value
    if len(given) != len(_PARAMETERS):
        raise _refused()
    return given


def _mac(secret: bytes, key_id: str, expires: str, version_id: str, object_key: str) -> str:
    text = "\n".join([TAG, key_id, expires, version_id, object_key])
    digest = hmac.digest(secret, text.encode("utf-8", "surrogatepass"), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _refused(
    detail: str = "The download URL is not valid. Use it exactly as the API gave it, or ask for "
    "a new one.",
) -> ProblemError:
    return ProblemError(Problem("download-refused", "Forbidden", 403, detail))
