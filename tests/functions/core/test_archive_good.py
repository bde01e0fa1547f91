"""Good archives pass, whatever made them, and every reader finds the same in them."""

from pathlib import Path

import pytest

from tests.functions.core.archive_reading import contents, read, rules
from tests.functions.core.archive_tools import (
    EMPTY_FOLDER,
    MAKERS,
    READERS,
    TREE,
    lay_out,
    read_by_python,
)
from tests.functions.core.front_reader import read_from_the_front
from tests.functions.core.good_archives import GOOD


@pytest.mark.parametrize("archive", GOOD.values(), ids=GOOD)
def test_an_archive_as_a_tool_writes_it_passes(archive: bytes) -> None:
    assert rules(archive) == set()


@pytest.mark.parametrize("archive", GOOD.values(), ids=GOOD)
def test_what_passes_is_the_same_to_readers_from_the_back_and_from_the_front(
    archive: bytes,
) -> None:
    files = {name: content for name, content in contents(archive).items() if name[-1] != "/"}
    assert read_by_python(archive) == files
    assert read_from_the_front(archive) == files


@pytest.mark.parametrize("maker", MAKERS)
def test_a_package_of_a_tool_passes_and_every_reader_unpacks_the_same(
    maker: str, tmp_path: Path
) -> None:
    lay_out(tmp_path)
    archive = MAKERS[maker](tmp_path)
    assert read(archive).problems == ()
    names = {entry.name.removeprefix("./").rstrip("/") for entry in read(archive).entries}
    assert {*TREE, EMPTY_FOLDER} <= names
    for reader, unpack in READERS.items():
        found = {
            name: content
            for name, content in unpack(archive).items()
            if not name.startswith("META-INF/")
        }
        assert found == TREE, reader
