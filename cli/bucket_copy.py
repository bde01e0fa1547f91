"""One bucket from a storage to another: decides for each object whether it is to be copied, and
copies in parallel.

The side that is in use is the truth. While the source is in use, an object of the target that
differs is replaced. Once the target is in use, an object of the target is replaced only where it is
a copy of ours that has not been touched and the source's object is a newer one (written between the
copy and the switch); any other stays.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from cli.copy_journal import CopyJournal
from cli.object_copy import Corrupt, Order, Side, copy_object, delete_copy
from cli.s3_buckets import Changed, Exists, Listed, find, list_objects

ATTEMPTS = 3
"""How often an object that changes while it is copied is looked at anew."""
MOST_FAILURES_KEPT = 1000

Advance = Callable[[int], None]


@dataclass
class Tally:
    """What became of the objects; used by many threads."""

    copied: int = 0
    copied_bytes: int = 0
    unchanged: int = 0
    """Their verified copies lie in the target already."""
    kept: int = 0
    """The target, which is in use, has an object of its own there."""
    gone: int = 0
    """Deleted in the source while the copy ran."""
    vanished: int = 0
    """Copied by an earlier run and deleted in the source since."""
    pruned: int = 0
    failed: int = 0
    failures: list[str] = field(default_factory=list[str])
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def settled(self) -> int:
        """Objects that a run is done with."""
        return self.copied + self.unchanged + self.kept + self.gone + self.failed

    def count(self, name: str, number: int = 1) -> None:
        with self._lock:
            setattr(self, name, getattr(self, name) + number)

    def fail(self, what: str, why: object) -> None:
        with self._lock:
            self.failed += 1
            if len(self.failures) < MOST_FAILURES_KEPT:
                self.failures.append(f"{what}: {why}")

    def document(self) -> dict[str, object]:
        names = ("copied", "copied_bytes", "unchanged", "kept", "gone", "vanished", "pruned")
        return {name: getattr(self, name) for name in (*names, "failed", "failures")}


@dataclass(frozen=True, slots=True)
class BucketCopy:
    role: str
    source: Side
    target: Side
    target_in_use: bool
    journal: CopyJournal
    tally: Tally
    advance: Advance

    def run(self, threads: int, *, prune: bool) -> None:
        """Copies what is missing or newer. Ended in the middle, it leaves whole objects only.

        Raises: botocore's errors where a bucket cannot be listed.
        """
        self.journal.begin(self.role, list_objects(self.target.client, self.target.bucket))
        try:
            self._copy_all(threads)
            self._look_for_vanished(prune=prune)
        finally:
            self.journal.end()

    def _copy_all(self, threads: int) -> None:
        pool = ThreadPoolExecutor(threads, thread_name_prefix="copy")
        waiting: set[Future[None]] = set()
        try:
            for order in self._orders():
                # A bounded number at once: the list of a large bucket does not pile up here.
                if len(waiting) >= 4 * threads:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    for one in done:
                        one.result()
                waiting.add(pool.submit(self._copy, order))
            for one in waiting:
                one.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _orders(self) -> Iterator[Order]:
        for listed in list_objects(self.source.client, self.source.bucket):
            self.journal.saw(listed.key)
            order = self._decide(listed, self.journal.target_etag(listed.key))
            if order is not None:
                yield order

    def _decide(self, listed: Listed, there: str | None) -> Order | None:
        if there is None:
            return Order(listed, None)
        known = self.journal.find(listed.key)
        is_our_copy = known is not None and known.target_etag == there
        if is_our_copy and known is not None and known.source_etag == listed.etag:
            self.tally.count("unchanged")
            return None
        if self.target_in_use and not is_our_copy:
            self.tally.count("kept")
            return None
        return Order(listed, there)

    def _copy(self, order: Order) -> None:
        """Never raises: one object that fails holds up no other, and the next run takes it up."""
        key = order.listed.key
        try:
            for _ in range(ATTEMPTS):
                try:
                    self._copy_once(order)
                except Changed:
                    newer = find(self.source.client, self.source.bucket, key)
                    if newer is None:
                        self.tally.count("gone")
                        return
                    order = Order(newer, order.replaces)
                    continue
                return
            self.tally.fail(self._name(key), "it kept changing while it was copied")
        except Exists:
            if self.target_in_use:
                self.tally.count("kept")
            else:
                self.tally.fail(self._name(key), "somebody else writes to the target")
        except (Corrupt, ClientError, BotoCoreError, OSError) as error:
            self.tally.fail(self._name(key), error)

    def _copy_once(self, order: Order) -> None:
        done = copy_object(self.source, self.target, order, self.advance)
        if done is None:
            self.tally.count("gone")
            return
        self.journal.note(done)
        self.tally.count("copied")
        self.tally.count("copied_bytes", done.size)

    def _look_for_vanished(self, *, prune: bool) -> None:
        for done in self.journal.vanished():
            self.tally.count("vanished")
            if not prune:
                continue
            if delete_copy(self.target, done):
                self.tally.count("pruned")
            self.journal.forget(done.key)

    def _name(self, key: str) -> str:
        return f"{self.source.bucket}/{key}"
