"""Sends a package in parts. What has arrived is asked of the platform, so nothing is kept here: a
push that was killed goes on from there, on another machine, too."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import httpx

from cli.console import Terminal
from cli.failures import Failure
from cli.package_file import PackageFile
from cli.part_sender import PartSender, read_part, signed_part
from cli.platform_api import Document, PlatformApi, ProblemFailure
from cli.proxies import may_use_proxy
from cli.upload import progress, timeouts


def send_parts(
    terminal: Terminal,
    api: PlatformApi,
    package: PackageFile,
    version_id: str,
    threads: int,
    transport: httpx.BaseTransport | None = None,
) -> bool:
    """Sends the parts that are missing. Gives False where the whole package has arrived before.

    Raises:
        Failure: the API or the storage refused, or a part did not get through. What arrived is
            kept, also after a KeyboardInterrupt.
    """
    path = f"/v1/versions/{version_id}/multipart"
    try:
        state = api.post(path)
    except ProblemFailure as failure:
        if failure.is_a("upload-arrived"):
            return False
        raise
    count = cast("int", state["part_count"])
    damaged = _damaged(package.path, state)
    missing = [*_parts(state), *(signed_part(api, path, number) for number in damaged)]
    arrived = _arrived(state) - len(damaged)
    if arrived:
        terminal.say(f"{arrived} of {count} parts have arrived before; going on from there.")
    if not missing:
        return True
    with (
        progress(terminal, package.path.name, package.size) as advance,
        httpx.Client(
            timeout=timeouts(),
            transport=transport,
            trust_env=may_use_proxy(str(missing[0]["url"])),
        ) as client,
    ):
        parts_size = cast("int", state["part_size"])
        sender = PartSender(api, client, path, package.path, parts_size, advance, arrived)
        advance(_size_of_arrived(state, damaged))
        try:
            _until_none_is_missing(sender, missing, threads, arrived)
        except KeyboardInterrupt:
            terminal.say(
                f"Stopped. {sender.arrived} of {count} parts have arrived and are kept for now: "
                "the same command goes on from there."
            )
            raise
    return True


def _until_none_is_missing(
    sender: PartSender, missing: list[Document], threads: int, arrived: int
) -> None:
    """The platform tells a hundred missing parts at a time, and whether what was sent is there."""
    while missing:
        sender.send(missing, threads)
        state = sender.api.post(sender.path)
        missing, before, arrived = _parts(state), arrived, _arrived(state)
        if missing and arrived <= before:
            raise Failure(
                f"The storage took part {missing[0]['number']} and does not have it as it was "
                "sent. Run the same command again; where that does not help, use --no-multipart."
            )


def _parts(state: Document) -> list[Document]:
    return cast("list[Document]", state["parts"])


def _received(state: Document) -> list[Document]:
    return cast("list[Document]", state["received"])


def _arrived(state: Document) -> int:
    return len(_received(state))


def _size_of_arrived(state: Document, damaged: Sequence[int]) -> int:
    found = (one for one in _received(state) if one["number"] not in damaged)
    return sum(cast("int", one["size"]) for one in found)


def _damaged(file: Path, state: Document) -> list[int]:
    """The parts that arrived and are not those of this file, where the storage tells their MD5. All
    others are known by their size, and by the SHA-256 of the whole, which the platform checks."""
    part_size = cast("int", state["part_size"])
    return [
        cast("int", one["number"])
        for one in _received(state)
        if one["md5"] is not None and one["md5"] != _md5(file, one, part_size)
    ]


def _md5(file: Path, part: Document, part_size: int) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for chunk in read_part(file, part, part_size):
        digest.update(chunk)
    return digest.hexdigest()
