"""What the local cloud and the command write into a cloud folder, and how it is forgotten.

A person may have chosen a folder that holds their own files, too; those are never deleted.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

from cli.failures import Refusal
from cli.project import LOCAL_STACK
from local.home import CloudHome

_OWN = (f"Pulumi.{LOCAL_STACK}.yaml", "overrides.json", "fingerprints.json")
"""The command's own files, beside the two that mark a cloud folder."""
_MARKS = ("keys.json", "ports.json")
_PATTERNS = ("sdk-types-*.json", "queues.sqlite-*", "data-points.duckdb.*")
_WRAPPER = "bin/pulumi"
COPIES = "copies"
"""The journals of `stowage storage copy`."""


def forget(folder: Path) -> list[str]:
    """Deletes what the local cloud and the command wrote, and the folder if nothing else is in it.

    Gives the names of what was kept because it is neither's. The marks of a cloud folder go last,
    so that it can be repeated after an interruption.

    Raises:
        Refusal: it holds files, and none that mark it as a cloud folder.
    """
    is_cloud_folder = any((folder / name).exists() for name in _MARKS)
    if not is_cloud_folder and any(folder.iterdir()):
        raise Refusal(f"{folder} does not look like a cloud folder, so it was not deleted.")
    for path in _written(CloudHome(folder)):
        _delete(path)
    wrapper = folder / _WRAPPER
    if wrapper.parent.is_dir() and not any(wrapper.parent.iterdir()):
        wrapper.parent.rmdir()
    for name in _MARKS:
        _delete(folder / name)
    kept = sorted(path.name for path in folder.iterdir())
    if not kept:
        folder.rmdir()
    return kept


def _written(home: CloudHome) -> Iterator[Path]:
    """Everything but the marks, whether it exists or not."""
    yield from (home.blobs, home.packs, home.data, home.logs, home.state, home.pulumi_home)
    yield from (home.transfers, home.root / COPIES)
    yield from (home.world, home.dns, home.queues, home.data_points, home.pid_file, home.lock_file)
    private = (home.credentials_file, home.passphrase_file)
    private += (home.storage_file, home.storage_proxy_file)
    yield from private
    names = [home.world.name, home.dns.name, *(path.name for path in private)]
    yield from (home.root / name for name in _OWN)
    for name in (*names, *_OWN, *_MARKS):
        # A write that was killed half-way leaves its draft (local.home.write_private).
        yield from home.root.glob(f".{name}-????????")
    for pattern in _PATTERNS:
        yield from home.root.glob(pattern)
    yield home.root / _WRAPPER


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
