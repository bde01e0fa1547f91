"""A whole bucket: what is copied, what is left alone, and how a run that was cut short goes on."""

import base64
import hashlib
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from cli.bucket_copy import ATTEMPTS, BucketCopy, Tally
from cli.copy_journal import CopyJournal
from cli.failures import Failure
from tests.cli.fake_s3 import FakeS3, refuse


class Pair:
    """A source and a target, and runs between them; each run opens the journal anew, as a command
    does."""

    def __init__(self, folder: Path) -> None:
        self.source = FakeS3()
        self.target = FakeS3()
        self.path = folder / "copies" / "journal.sqlite"

    def run(self, *, target_in_use: bool = False, prune: bool = False, threads: int = 4) -> Tally:
        journal, tally = CopyJournal(self.path), Tally()
        try:
            BucketCopy(
                "packages",
                self.source.side(),
                self.target.side(),
                target_in_use,
                journal,
                tally,
                lambda _: None,
            ).run(threads, prune=prune)
        finally:
            journal.close()
        return tally


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def fill(storage: FakeS3, count: int) -> None:
    for number in range(count):
        storage.put(f"k/{number:03}", f"content {number}".encode() * 10)


def test_everything_is_copied_once(pair: Pair) -> None:
    fill(pair.source, 50)
    first = pair.run()
    assert (first.copied, first.unchanged, first.failed) == (50, 0, 0)
    assert first.copied_bytes == sum(map(len, pair.source.data().values()))
    assert pair.target.data() == pair.source.data()
    reads: list[str] = []
    pair.source.before = lambda call, key: reads.append(call)
    second = pair.run()
    assert (second.copied, second.unchanged) == (0, 50)
    assert set(reads) == {"list"}


def test_an_empty_bucket_is_copied_too(pair: Pair) -> None:
    assert pair.run().settled == 0


def test_a_run_that_was_cut_short_goes_on_where_it_was(pair: Pair) -> None:
    fill(pair.source, 50)
    puts = 0

    def killed(call: str, key: str) -> None:
        nonlocal puts
        puts += call == "put"
        if puts > 20:
            raise KeyboardInterrupt

    pair.target.before = killed
    with pytest.raises(KeyboardInterrupt):
        pair.run(threads=1)
    assert len(pair.target.objects) == 20
    pair.target.before = lambda call, key: None
    rest = pair.run()
    assert (rest.copied, rest.unchanged, rest.failed) == (30, 20, 0)
    assert pair.target.data() == pair.source.data()


def test_copies_without_a_journal_are_compared_anew(pair: Pair) -> None:
    fill(pair.source, 5)
    pair.run()
    pair.path.unlink()
    again = pair.run()
    assert (again.copied, again.failed) == (5, 0)
    assert pair.target.data() == pair.source.data()


def test_while_the_source_is_in_use_it_is_the_truth(pair: Pair) -> None:
    fill(pair.source, 3)
    pair.run()
    pair.source.put("k/001", b"a newer index")
    pair.target.put("k/002", b"a stranger's")
    again = pair.run()
    assert (again.copied, again.unchanged, again.kept) == (2, 1, 0)
    assert pair.target.data() == pair.source.data()


def test_once_the_target_is_in_use_its_own_objects_stay(pair: Pair) -> None:
    fill(pair.source, 4)
    pair.run()
    pair.target.put("k/000", b"written after the switch")
    pair.source.put("k/001", b"written between the copy and the switch")
    pair.source.put("new", b"new in the source")
    pair.target.put("own", b"new in the target")
    pair.source.put("own", b"and in the source")
    again = pair.run(target_in_use=True)
    assert (again.copied, again.unchanged, again.kept) == (2, 2, 2)
    assert pair.target.data() == {
        "k/000": b"written after the switch",
        "k/001": b"written between the copy and the switch",
        "k/002": pair.source.data()["k/002"],
        "k/003": pair.source.data()["k/003"],
        "new": b"new in the source",
        "own": b"new in the target",
    }


def test_an_object_written_to_the_target_while_it_is_copied_stays(pair: Pair) -> None:
    fill(pair.source, 1)
    raced = False

    def publisher(call: str, key: str) -> None:
        nonlocal raced
        if call == "put" and not raced:
            raced = True
            pair.target.put("k/000", b"published")

    pair.target.before = publisher
    assert pair.run(target_in_use=True).kept == 1
    assert pair.target.data() == {"k/000": b"published"}


def test_a_race_while_the_source_is_in_use_is_a_failure(pair: Pair) -> None:
    fill(pair.source, 1)
    raced = False

    def somebody(call: str, key: str) -> None:
        nonlocal raced
        if call == "put" and not raced:
            raced = True
            pair.target.put("k/000", b"somebody's")

    pair.target.before = somebody
    tally = pair.run()
    assert (tally.copied, tally.failed) == (0, 1)
    assert "somebody else" in tally.failures[0]


def test_an_object_that_changes_meanwhile_is_copied_as_it_is_then(pair: Pair) -> None:
    fill(pair.source, 2)
    changed = False

    def replaced(call: str, key: str) -> None:
        nonlocal changed
        if call == "get" and key == "k/001" and not changed:
            changed = True
            pair.source.put("k/001", b"newer")

    pair.source.before = replaced
    assert pair.run().copied == 2
    assert pair.target.data()["k/001"] == b"newer"


def test_an_object_that_never_stands_still_is_named(pair: Pair) -> None:
    fill(pair.source, 1)
    writes = 0

    def replaced(call: str, key: str) -> None:
        nonlocal writes
        if call == "get":
            writes += 1
            pair.source.put(key, f"write {writes}".encode())

    pair.source.before = replaced
    tally = pair.run()
    assert (tally.copied, tally.failed, writes) == (0, 1, ATTEMPTS)
    assert "bucket/k/000" in tally.failures[0]


def test_deleted_meanwhile_is_gone_and_not_failed(pair: Pair) -> None:
    fill(pair.source, 2)

    def deleted(call: str, key: str) -> None:
        if call == "get":
            pair.source.objects.pop("k/001", None)

    pair.source.before = deleted
    tally = pair.run(threads=1)
    assert (tally.copied, tally.gone, tally.failed) == (1, 1, 0)
    assert set(pair.target.data()) == {"k/000"}


def test_one_object_that_fails_holds_up_no_other_and_is_taken_up_again(pair: Pair) -> None:
    fill(pair.source, 10)

    def broken(call: str, key: str) -> None:
        if call == "put" and key == "k/004":
            refuse(503, "SlowDown")

    pair.target.before = broken
    tally = pair.run()
    assert (tally.copied, tally.failed) == (9, 1)
    assert tally.failures[0].startswith("bucket/k/004: ")
    pair.target.before = lambda call, key: None
    assert pair.run().copied == 1
    assert pair.target.data() == pair.source.data()


def test_a_damaged_object_is_named_and_not_copied(pair: Pair) -> None:
    data = b"whole"
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    pair.source.put("k", data, ChecksumSHA256=digest)
    pair.source.objects["k"].data = b"whale"
    tally = pair.run()
    assert (tally.copied, tally.failed) == (0, 1)
    assert "SHA-256" in tally.failures[0]
    assert pair.target.data() == {}


def test_copies_of_deleted_objects_are_told_and_deleted_only_when_asked(pair: Pair) -> None:
    fill(pair.source, 5)
    pair.run()
    pair.target.put("own", b"not ours to delete")
    del pair.source.objects["k/000"], pair.source.objects["k/001"]
    pair.target.put("k/001", b"taken over by another object")
    told = pair.run(target_in_use=True)
    assert (told.vanished, told.pruned) == (2, 0)
    assert "k/000" in pair.target.data()
    pruned = pair.run(target_in_use=True, prune=True)
    assert (pruned.vanished, pruned.pruned) == (2, 1)
    assert set(pair.target.data()) == {"k/001", "k/002", "k/003", "k/004", "own"}
    assert pair.run(target_in_use=True, prune=True).vanished == 0


def test_a_source_that_cannot_be_listed_ends_the_run(pair: Pair) -> None:
    fill(pair.source, 2)
    pair.run()

    def denied(call: str, key: str) -> None:
        if call == "list":
            refuse(403, "AccessDenied")

    pair.source.before = denied
    with pytest.raises(ClientError):
        pair.run(prune=True)
    assert len(pair.target.objects) == 2


def test_a_second_copy_at_the_same_time_is_refused(pair: Pair) -> None:
    held = CopyJournal(pair.path)
    try:
        with pytest.raises(Failure, match="Another copy"):
            CopyJournal(pair.path)
    finally:
        held.close()
    CopyJournal(pair.path).close()


def test_a_damaged_journal_says_what_to_do(pair: Pair) -> None:
    pair.path.parent.mkdir()
    pair.path.write_bytes(b"no database" * 100)
    with pytest.raises(Failure, match="Delete it"):
        CopyJournal(pair.path)
