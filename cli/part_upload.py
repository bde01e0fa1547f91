"""Sends a package in parts. What has arrived is asked of the platform, so nothing is kept here: a
push that was killed goes on from there, on another machine, too."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
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

_Md5 = Callable[[int, int], str]
"""Of the part of that number and size in the file."""


@dataclass(frozen=True, slots=True)
class _Stock:
    """What the storage has of the file."""

    count: int
    """Parts."""
    size: int
    """Bytes."""
    wanted: list[Document]
    """Requests for what it has not, or has with other bytes; at most a hundred that are missing."""

    @property
    def size_wanted(self) -> int:
        return sum(cast("int", part["size"]) for part in self.wanted)


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
    count, part_size = cast("int", state["part_count"]), cast("int", state["part_size"])
    md5 = _md5_of(package.path, part_size)
    stock = _stock(api, path, state, md5)
    if stock.count:
        terminal.say(f"{stock.count} of {count} parts have arrived before; going on from there.")
    if not stock.wanted:
        return True
    proxied = may_use_proxy(str(stock.wanted[0]["url"]))
    with (
        progress(terminal, package.path.name, package.size) as advance,
        httpx.Client(timeout=timeouts(), transport=transport, trust_env=proxied) as client,
    ):
        sender = PartSender(api, client, path, package.path, part_size, advance, stock.count)
        advance(stock.size)
        try:
            _until_nothing_is_wanted(sender, stock, md5, threads)
        except KeyboardInterrupt:
            terminal.say(
                f"Stopped. {sender.arrived} of {count} parts have arrived and are kept for now: "
                "the same command goes on from there."
            )
            raise
    return True


def _until_nothing_is_wanted(sender: PartSender, stock: _Stock, md5: _Md5, threads: int) -> None:
    """The platform tells a hundred missing parts at a time, and whether what was sent is there."""
    while stock.wanted:
        sender.send(stock.wanted, threads)
        before, stock = stock, _stock(sender.api, sender.path, sender.api.post(sender.path), md5)
        if stock.wanted and stock.count <= before.count:
            raise Failure(
                f"The storage took part {stock.wanted[0]['number']} and does not have it as it was "
                "sent. Run the same command again; where that does not help, use --no-multipart."
            )
        # A part whose first attempt broke off can be overtaken by what is left of that.
        sender.advance(stock.size - before.size - before.size_wanted)
        sender.arrived = stock.count


def _stock(api: PlatformApi, path: str, state: Document, md5: _Md5) -> _Stock:
    """A part is there by its size, and by its MD5 where the storage tells it: some servers list one
    that was cut off with the size that was announced. The SHA-256 of the whole is checked by the
    platform."""
    good: list[int] = []
    damaged: list[Document] = []
    for one in cast("list[Document]", state["received"]):
        number, size = cast("int", one["number"]), cast("int", one["size"])
        if one["md5"] in (None, md5(number, size)):
            good.append(size)
        else:
            damaged.append(signed_part(api, path, number))
    missing = cast("list[Document]", state["parts"])
    return _Stock(len(good), sum(good), [*missing, *damaged])


def _md5_of(file: Path, part_size: int) -> _Md5:
    @cache
    def md5(number: int, size: int) -> str:
        digest = hashlib.md5(usedforsecurity=False)
        for chunk in read_part(file, number, size, part_size):
            digest.update(chunk)
        return digest.hexdigest()

    return md5
