"""The rules of `manifest` as a JSON Schema (2020-12), which the api publishes.

docs/manifest.schema.json is its text. What a schema cannot say: that the members are those that the
API was told, that the named files are in the package, that no member is there twice, and that an
integer is written without a fraction.
"""

import json

from functions.core import fields, manifest
from functions.core.images.requirements import MAX_SCREENSHOTS
from functions.core.manifest import Form

_SPACE = r"\u0020\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_FORBIDDEN = r"\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069"
_TEXT = rf"[^{_SPACE}{_FORBIDDEN}](?:[^{_FORBIDDEN}]*[^{_SPACE}{_FORBIDDEN}])?"
"""Neither white space at the ends nor characters that hide or reorder others."""
_NO_UUID = r"(?![0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$)"


def manifest_schema() -> dict[str, object]:
    shortest, longest = fields.APP_ID_LENGTH
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:stowage:schema:manifest-v1",
        "title": "manifest.json of a package",
        "description": "UTF-8 without a byte order mark, at most "
        f"{manifest.MAX_BYTES} bytes, no member twice. Further members are free.",
        "type": "object",
        "required": ["id", "name", "version", "version_code", "entry"],
        "properties": {
            "id": {
                "description": "The app's id.",
                "type": "string",
                "minLength": shortest,
                "maxLength": longest,
                "pattern": f"^{_NO_UUID}{fields.APP_ID.pattern}$",
            },
            "name": _text("The app's name.", fields.MAX_NAME_CHARACTERS),
            "version": _text("The version's name, for people.", fields.MAX_VERSION_NAME_CHARACTERS),
            "version_code": _integer("Orders the versions of an app."),
            "entry": _formed("The file that a device starts.", manifest.PATH),
            "icon": _formed("The app's icon, a square PNG.", manifest.ICON_PATH),
            "permissions": _list(
                "What the app asks a device for.", manifest.PERMISSION, manifest.MAX_PERMISSIONS
            ),
            "min_api_level": _integer("The oldest API of a device that the app works with."),
            "screenshots": _list(
                "Pictures of the app, in their order.",
                manifest.SCREENSHOT_PATH,
                MAX_SCREENSHOTS,
            ),
        },
    }


def schema_text() -> str:
    return json.dumps(manifest_schema(), indent=2, ensure_ascii=True) + "\n"


def _text(description: str, longest: int) -> dict[str, object]:
    return {
        "description": description,
        "type": "string",
        "maxLength": longest,
        "pattern": f"^{_TEXT}$",
    }


def _integer(description: str) -> dict[str, object]:
    return {
        "description": description,
        "type": "integer",
        "minimum": 1,
        "maximum": fields.MAX_VERSION_CODE,
    }


def _formed(description: str, form: Form) -> dict[str, object]:
    return {"description": description, "type": "string"} | _bounds(form)


def _list(description: str, form: Form, most: int) -> dict[str, object]:
    return {
        "description": description,
        "type": "array",
        "maxItems": most,
        "uniqueItems": True,
        "items": {"type": "string"} | _bounds(form),
    }


def _bounds(form: Form) -> dict[str, object]:
    return {"maxLength": form.longest, "pattern": f"^{form.pattern}$"}
