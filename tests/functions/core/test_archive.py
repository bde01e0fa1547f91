import io
import struct
import warnings
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.adapters.local.clock import FixedClock
from functions.adapters.local.object_store import MemoryObjectStore
from functions.core import archive as archive_module
from functions.core.archive import Archive, read_archive
from functions.core.archive_content import read_entry
from functions.core.byte_source import ByteSource, SourceChangedError
from functions.ports.object_store import ByteRange, ObjectInfo, StoredObject
from tests.contracts.object_store import run
from tests.functions.core.world import a_package, dated

CENTRAL = b"PK\x01\x02"
END = b"PK\x05\x06"
LOCAL = b"PK\x03\x04"


async def source_of(content: bytes) -> ByteSource:
    store = MemoryObjectStore(FixedClock())
    info = await store.put("k", content, length=len(content), content_type="application/zip")
    return ByteSource(store, "k", info.etag, info.size)


def read(content: bytes) -> Archive:
    async def scenario() -> Archive:
        return await read_archive(await source_of(content))

    return run(scenario())


def slugs(content: bytes) -> set[str]:
    return {problem.slug for problem in read(content).problems}


def unpack(content: bytes, name: str, limit: int = 1 << 20) -> bytes | None:
    async def scenario() -> bytes | None:
        source = await source_of(content)
        archive = await read_archive(source)
        entry = next(entry for entry in archive.entries if entry.name == name)
        return await read_entry(source, entry, limit)

    return run(scenario())


def packed(
    *names: str | zipfile.ZipInfo, content: bytes = b"x", folder_content: bool = False
) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile warns of the duplicates we want
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in names:
                info = dated(name) if isinstance(name, str) else name
                is_folder = info.filename.endswith("/") and not folder_content
                archive.writestr(info, b"" if is_folder else content)
    return buffer.getvalue()


class Unseekable(io.RawIOBase):
    """Makes zipfile write data descriptors."""

    def __init__(self) -> None:
        self.content = b""

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        chunk = bytes(data)  # type: ignore[call-overload]  (any buffer)
        self.content += chunk
        return len(chunk)


def streamed(method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = Unseekable()
    with zipfile.ZipFile(target, "w", method) as archive:
        archive.writestr(dated("a.txt", method), b"aaaa" * 50)
        archive.writestr(dated("b.txt", method), b"b")
    return target.content


def patched(content: bytes, signature: bytes, offset: int, form: str, value: int) -> bytes:
    """Changes one field of the last record with `signature`."""
    changed = bytearray(content)
    struct.pack_into(form, changed, content.rindex(signature) + offset, value)
    return bytes(changed)


@pytest.mark.parametrize(
    "content",
    [
        a_package(),
        a_package(compression=zipfile.ZIP_STORED),
        packed("a", "b/", "b/c", "ü.txt"),
        streamed(),
        packed("manifest.json", *(f"files/{number}.txt" for number in range(700))),
    ],
)
def test_a_sound_archive_has_no_problems(content: bytes) -> None:
    archive = read(content)
    assert archive.problems == []
    with zipfile.ZipFile(io.BytesIO(content)) as reference:
        assert [entry.name for entry in archive.entries] == reference.namelist()


def test_a_stored_entry_without_its_size_in_front_is_a_problem() -> None:
    """A reader from the front has nothing to find its end by, other than what looks like a
    descriptor within the data."""
    content = streamed(zipfile.ZIP_STORED)
    assert slugs(content) == {"zip-descriptor"}
    # With the sizes in front the descriptor only repeats them.
    entries = [(b"a.txt", b"aaaa" * 50), (b"b.txt", b"b")]
    changed = bytearray(content)
    for name, data in entries:
        start = changed.index(name) - 30
        struct.pack_into("<3L", changed, start + 14, zlib.crc32(data), len(data), len(data))
    assert slugs(bytes(changed)) == set()


def test_contents_are_those_of_the_standard_library() -> None:
    content = streamed()
    assert unpack(content, "a.txt") == b"aaaa" * 50
    assert unpack(a_package(), "data/main.bin") == b"\x00\x01" * 500
    assert unpack(packed("s", content=b"stored"), "s") == b"stored"


def test_a_content_above_its_limit_is_not_unpacked() -> None:
    assert unpack(streamed(), "a.txt", limit=200) == b"aaaa" * 50
    assert unpack(streamed(), "a.txt", limit=199) is None


def test_a_content_that_lies_about_its_size_or_digest_is_not_given_out() -> None:
    content = a_package(files={"a": b"x" * 100})
    for offset in (16, 24):
        lying = patched(content, CENTRAL, offset, "<L", 7)
        assert unpack(lying, "a") is None


@pytest.mark.parametrize(
    ("content", "slug"),
    [
        (b"", "zip-end-record"),
        (b"PK", "zip-end-record"),
        (b"\x00" * 1000, "zip-end-record"),
        (a_package()[:-1], "zip-end-record"),
        (a_package() + b"\x00", "zip-end-record"),
        (a_package() + a_package(), "zip-layout"),
        (b"#!/bin/sh\n" + a_package(), "zip-layout"),
        (END + b"\x00" * 18, "zip-empty"),
        (patched(a_package(), END, 4, "<H", 1), "zip-disks"),
        (patched(a_package(), END, 8, "<H", 1), "zip-disks"),
        (patched(a_package(), END, 20, "<H", 9), "zip-end-record"),
        (patched(a_package(), END, 16, "<L", 3), "zip-layout"),
        (patched(a_package(), END, 16, "<L", 0xFFFFFFFF), "zip-zip64"),
        (patched(a_package(), CENTRAL, 0, "<L", 0), "zip-directory"),
        (patched(a_package(), CENTRAL, 28, "<H", 60_000), "zip-directory"),
        (patched(a_package(), CENTRAL, 32, "<H", 1), "zip-directory"),
        (patched(a_package(), CENTRAL, 34, "<H", 1), "zip-disks"),
        (patched(a_package(), CENTRAL, 42, "<L", 5), "zip-layout"),
        (patched(a_package(), CENTRAL, 8, "<H", 1), "zip-encrypted"),
        (patched(a_package(), CENTRAL, 10, "<H", 12), "zip-method"),
        (patched(a_package(), CENTRAL, 10, "<H", 0), "zip-size"),
        (patched(a_package(), CENTRAL, 20, "<L", 5), "zip-layout"),
        (patched(a_package(), CENTRAL, 16, "<L", 5), "zip-local-header"),
        (patched(a_package(), CENTRAL, 24, "<L", 1 << 30), "zip-ratio"),
        (patched(a_package(), CENTRAL, 24, "<L", (1 << 32) - 1), "zip-unpacked-size"),
        (patched(a_package(), LOCAL, 6, "<H", 0x800), "zip-local-header"),
        (patched(a_package(), LOCAL, 14, "<L", 7), "zip-local-header"),
        (patched(a_package(), LOCAL, 0, "<L", 7), "zip-local-header"),
        (patched(streamed(), b"PK\x07\x08", 4, "<L", 7), "zip-layout"),
        (packed("a", "a"), "zip-duplicate"),
        (packed("a", "A"), "zip-duplicate"),
        (packed("ü", "u\u0308"), "zip-duplicate"),
        (packed("a", "a/b"), "zip-duplicate"),
        (packed("/etc/passwd"), "zip-name"),
        (packed("../a"), "zip-name"),
        (packed("a/../../b"), "zip-name"),
        (packed("./a"), "zip-name"),
        (packed("a//b"), "zip-name"),
        (packed("C:/a"), "zip-name"),
        (packed("a\nb"), "zip-name"),
        (packed("a" * 300), "zip-name"),
        (packed("a/" * 600 + "b"), "zip-name"),
        (packed("a/", folder_content=True), "zip-size"),
        (packed("a/b").replace(b"a/b", b"a\\b"), "zip-name"),
        (packed("abc").replace(b"abc", b"a\xe9c"), "zip-name"),
    ],
)  # fmt: skip
def test_what_parsers_disagree_about_is_a_problem(content: bytes, slug: str) -> None:
    assert slug in slugs(content)


@pytest.mark.parametrize("kind", [0o120000, 0o020000, 0o010000, 0o040000])
def test_links_devices_and_false_folders_are_a_problem(kind: int) -> None:
    info = dated("link")
    info.external_attr = (kind | 0o777) << 16
    assert slugs(packed("a", info)) == {"zip-file-type"}


@pytest.mark.parametrize(
    ("extra", "found"),
    [
        (struct.pack("<HHL", 0x0001, 4, 0), {"zip-extra"}),
        (struct.pack("<HHL", 0x7075, 4, 0), {"zip-extra"}),
        (struct.pack("<HH", 0x5455, 9), {"zip-extra"}),
        (struct.pack("<HHL", 0x5455, 4, 0), set[str]()),
    ],
)
def test_extra_fields_that_change_the_meaning_are_a_problem(extra: bytes, found: set[str]) -> None:
    content = packed("abcdefgh")
    # The name's last 8 or 4 bytes become an extra field, in both headers.
    size = len(extra)
    bare = packed("a" * (12 - size))
    changed = bytearray(bare)
    for signature, at, fixed in ((CENTRAL, 30, 46), (LOCAL, 28, 30)):
        start = changed.rindex(signature)
        struct.pack_into("<H", changed, start + at, size)
        position = start + fixed + 12 - size
        changed[position:position] = extra
    end = changed.rindex(END)
    struct.pack_into(
        "<LL", changed, end + 12, end - changed.rindex(CENTRAL), changed.rindex(CENTRAL)
    )
    assert slugs(bytes(changed)) == found
    assert slugs(content) == set()


def test_bytes_between_two_entries_are_a_problem() -> None:
    content = packed("a", "b")
    second = content.rindex(LOCAL)
    central, end = content.index(CENTRAL), content.rindex(END)
    changed = bytearray(content[:second] + b"????" + content[second:])
    struct.pack_into("<L", changed, content.rindex(CENTRAL) + 4 + 42, second + 4)
    struct.pack_into("<L", changed, end + 4 + 16, central + 4)
    assert slugs(bytes(changed)) == {"zip-layout"}


def test_overlapping_entries_are_a_problem() -> None:
    content = packed("a", "b")
    changed = patched(content, CENTRAL, 42, "<L", 0)
    assert slugs(changed) & {"zip-layout", "zip-local-header"}


def test_more_entries_than_allowed_are_refused_before_they_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archive_module, "MAX_ENTRIES", 3)
    archive = read(packed("a", "b", "c", "d"))
    assert [problem.slug for problem in archive.problems] == ["zip-too-many-entries"]
    assert archive.entries == []


def test_at_most_a_hundred_problems_are_kept() -> None:
    assert len(read(packed(*(f"../{number}" for number in range(150)))).problems) == 100


SEEDS = [a_package(), streamed(), packed("a", "b/", "ü")]


@settings(max_examples=300)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=6),
    st.integers(0, 60),
    st.binary(max_size=30),
)
def test_the_reader_never_crashes_on_a_mutated_archive(
    seed: bytes, changes: list[tuple[int, int]], cut: int, tail: bytes
) -> None:
    content = bytearray(seed)
    for position, value in changes:
        content[position % len(content)] = value
    mutated = bytes(content[: len(content) - cut]) + tail

    async def scenario() -> None:
        source = await source_of(mutated)
        archive = await read_archive(source)
        if not archive.problems:
            for entry in archive.entries:
                await read_entry(source, entry, 1 << 16)

    run(scenario())


@settings(max_examples=200)
@given(st.binary(max_size=400))
def test_the_reader_never_crashes_on_noise(noise: bytes) -> None:
    assert read(noise).problems
    assert read(noise + END + noise[:18].ljust(18, b"\x00")).problems


def test_a_large_archive_is_read_in_few_and_small_ranges() -> None:
    async def scenario() -> tuple[int, int]:
        content = packed(*(f"{number}" for number in range(500)), content=b"z" * 10_000)
        store = CountingStore(FixedClock())
        info = await store.put("k", content, length=len(content), content_type="application/zip")
        archive = await read_archive(ByteSource(store, "k", info.etag, info.size))
        assert archive.problems == []
        return store.gets, len(content)

    gets, size = run(scenario())
    assert gets <= size // (64 * 1024) + 5


class CountingStore(MemoryObjectStore):
    gets = 0

    async def get(
        self,
        key: str,
        byte_range: ByteRange | None = None,
        *,
        unless_etags: frozenset[str] | None = None,
    ) -> StoredObject | ObjectInfo | None:
        self.gets += 1
        return await super().get(key, byte_range, unless_etags=unless_etags)


def test_an_object_that_changes_under_the_reader_is_noticed() -> None:
    async def scenario() -> None:
        store = MemoryObjectStore(FixedClock())
        content = a_package()
        await store.put("k", content, length=len(content), content_type="application/zip")
        with pytest.raises(SourceChangedError):
            await read_archive(ByteSource(store, "k", "another etag", len(content)))
        with pytest.raises(SourceChangedError):
            await read_archive(ByteSource(store, "gone", "etag", len(content)))

    run(scenario())


def test_bytes_before_the_first_entry_are_a_problem_though_all_offsets_hold() -> None:
    buffer = io.BytesIO(b"#!/bin/sh\n")
    buffer.seek(0, io.SEEK_END)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(dated("a"), b"x")
    assert slugs(buffer.getvalue()) == {"zip-layout"}
