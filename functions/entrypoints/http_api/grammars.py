"""What the texts and numbers of a request look like, for the OpenAPI document.

The core keeps these rules and says which one was broken; here they are described and not checked a
second time. Patterns are of ECMA-262, as JSON Schema has them.
"""

from typing import Annotated, Any

from pydantic import Field

from functions.core import fields, hostnames, ids
from functions.setting_values import MAX_PUT

_CONTROLS = r"\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069"
_SENTENCE = rf"^[^\s{_CONTROLS}](?:[^{_CONTROLS}]*[^\s{_CONTROLS}])?$"
"""No control characters, none that turn the direction of writing, no white space at either end."""


def _described(**schema: Any) -> Any:
    return Field(json_schema_extra=schema)


def _whole(pattern: str) -> str:
    return f"^(?:{pattern})$"


def _text(most: int, *examples: str) -> Any:
    return _described(pattern=_SENTENCE, maxLength=most, examples=list(examples))


Name = Annotated[str, _text(fields.MAX_NAME_CHARACTERS, "Ada")]
Reason = Annotated[str, _text(fields.MAX_REASON_CHARACTERS, "It deletes its users' files.")]
VersionName = Annotated[str, _text(fields.MAX_VERSION_NAME_CHARACTERS, "1.4.2")]
AppId = Annotated[
    str,
    _described(
        pattern=_whole(fields.APP_ID.pattern),
        minLength=fields.APP_ID_LENGTH[0],
        maxLength=fields.APP_ID_LENGTH[1],
        examples=["org.example.app"],
    ),
]
Id = Annotated[str, _described(pattern=_whole(ids.UUID.pattern))]
VersionCode = Annotated[int, _described(minimum=1, maximum=fields.MAX_VERSION_CODE)]
PackageSize = Annotated[int, _described(minimum=1, maximum=MAX_PUT)]
"""What one PUT takes at most; a stack may be configured to take less (`maxPackageBytes`)."""
Sha256 = Annotated[str, _described(pattern=_whole(fields.SHA256.pattern))]
# The last character before the padding carries the rest of the bytes' bits and nothing else.
PublicKey = Annotated[str, _described(pattern="^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$")]
Signature = Annotated[str, _described(pattern="^[A-Za-z0-9+/]{85}[AQgw]==$")]
Hostname = Annotated[
    str,
    _described(
        pattern=_whole(hostnames.GRAMMAR),
        maxLength=hostnames.MAX_CHARACTERS,
        examples=["apt.example.com"],
    ),
]
Distribution = Annotated[
    str,
    _described(
        pattern=_whole(fields.DISTRIBUTION.pattern),
        maxLength=fields.MAX_DISTRIBUTION_CHARACTERS,
        examples=["stable", "bookworm/updates"],
    ),
]
