"""Compatibility dates and flags of uploaded Workers, and what this runtime is told instead.

The uploaded flags of Python are for workerd's built-in Python; here the host modules bring the same
Pyodide, so workerd is not told. Every other flag reaches workerd as it is.
"""

import json
import re
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path

_LOCK = Path(__file__).resolve().parent / "workerd" / "package-lock.json"

# With dates of late 2026 workerd offers the Node.js interface by itself, and Pyodide would take the
# Worker for Node.js.
_ALWAYS = ("no_nodejs_compat", "no_nodejs_compat_v2")

_FLAGS: dict[str, tuple[str, ...]] = {
    "python_workers": (),
    "python_workers_314": (),
    "python_no_global_handlers": (),
    "enable_python_external_sdk": (),
    "no_nodejs_compat": ("no_nodejs_compat",),
    "no_nodejs_compat_v2": ("no_nodejs_compat_v2",),
    "global_fetch_strictly_public": ("global_fetch_strictly_public",),
    "rpc_params_dup_stubs": ("rpc_params_dup_stubs",),
}


class CompatibilityError(Exception):
    """Cloudflare, or this runtime, does not take the date or flag."""


def runtime_flags(uploaded: Sequence[str]) -> list[str]:
    """The flags for workerd.

    Raises:
        CompatibilityError: a flag that Cloudflare does not know, or that this table does not map;
            or `python_workers` is missing, without which Cloudflare takes no Python module.
    """
    unknown = [flag for flag in uploaded if flag not in _FLAGS]
    if unknown:
        raise CompatibilityError(
            f"No such compatibility flag in the local cloud: {', '.join(unknown)}. "
            f"It knows {', '.join(sorted(_FLAGS))} (local/compatibility.py)."
        )
    if "python_workers" not in uploaded:
        raise CompatibilityError("Python modules need the compatibility flag python_workers.")
    mapped = [one for flag in uploaded for one in _FLAGS[flag]]
    return list(dict.fromkeys([*mapped, *_ALWAYS]))


def runtime_date(uploaded: str) -> str:
    """The compatibility date, if workerd knows it.

    Raises:
        CompatibilityError: no date, or newer than the runtime.
    """
    try:
        wanted = date.fromisoformat(uploaded)
    except ValueError as error:
        raise CompatibilityError(f"{uploaded!r} is no compatibility date (YYYY-MM-DD).") from error
    if wanted > newest_date():
        raise CompatibilityError(
            f"Can't set compatibility date in the future: {uploaded} is newer than this runtime's "
            f"{newest_date()}."
        )
    return uploaded


@cache
def newest_date() -> date:
    """The date that the locked workerd carries in its version (1.20261117.1)."""
    packages = json.loads(_LOCK.read_text(encoding="utf-8"))["packages"]
    version = str(packages["node_modules/workerd"]["version"])
    found = re.fullmatch(r"\d+\.(\d{4})(\d{2})(\d{2})\.\d+", version)
    if found is None:
        raise CompatibilityError(f"{_LOCK} names workerd {version}, which carries no date.")
    return date(*(int(part) for part in found.groups()))
