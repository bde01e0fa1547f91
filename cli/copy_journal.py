"""What a copy between two storages has done: one SQLite file for each pair, so that a run that was
killed goes on where it was, and one that is repeated reads only what is new."""

import fcntl
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cli.failures import Failure
from cli.s3_buckets import Listed

_SCHEMA = """
CREATE TABLE IF NOT EXISTS copied (
  bucket TEXT NOT NULL,
  key TEXT NOT NULL,
  size INTEGER NOT NULL,
  source_etag TEXT NOT NULL,
  target_etag TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
CREATE TEMP TABLE there (key TEXT NOT NULL PRIMARY KEY, etag TEXT NOT NULL) WITHOUT ROWID;
CREATE TEMP TABLE seen (key TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;
"""
_COMMIT_EVERY = 100


@dataclass(frozen=True, slots=True)
class Copied:
    """One object whose copy was verified."""

    key: str
    size: int
    source_etag: str
    target_etag: str
    sha256: str


class CopyJournal:
    """Buckets are named by their role: a physical name may differ on the two sides. Listings lie in
    temporary tables, so that a bucket of any size fits."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._bucket = ""
        self._unsaved = 0
        self._held = path.with_suffix(".lock").open("w")
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Failure(
                f"Another copy between these two storages is running (it holds {path}). Wait for "
                "it to end."
            ) from error
        try:
            self._file = sqlite3.connect(path, check_same_thread=False)
            self._file.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise Failure(
                f"The journal {path} cannot be used ({error}). Delete it to begin again: "
                "everything is then compared anew."
            ) from error

    def close(self) -> None:
        self._file.commit()
        self._file.close()
        self._held.close()

    def begin(self, bucket: str, there: Iterable[Listed]) -> None:
        """Takes in what lies in the target's bucket now."""
        self._file.execute("DELETE FROM there")
        self._file.execute("DELETE FROM seen")
        self._file.executemany(
            "INSERT OR REPLACE INTO there VALUES (?, ?)", ((one.key, one.etag) for one in there)
        )
        self._file.commit()
        self._bucket = bucket

    def saw(self, key: str) -> None:
        """The key lies in the source's bucket."""
        with self._lock:
            self._file.execute("INSERT OR REPLACE INTO seen VALUES (?)", (key,))

    def target_etag(self, key: str) -> str | None:
        """Of the object in the target's bucket, as it was when `begin` was called."""
        with self._lock:
            row = self._file.execute("SELECT etag FROM there WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def find(self, key: str) -> Copied | None:
        with self._lock:
            row = self._file.execute(
                "SELECT key, size, source_etag, target_etag, sha256 FROM copied"
                " WHERE bucket = ? AND key = ?",
                (self._bucket, key),
            ).fetchone()
        return None if row is None else Copied(*row)

    def note(self, done: Copied) -> None:
        """Remembers a verified copy; on disk before the next of `_COMMIT_EVERY`, which only saves
        work: what is not remembered is compared again."""
        values = (self._bucket, done.key, done.size, done.source_etag, done.target_etag)
        with self._lock:
            self._file.execute(
                "INSERT OR REPLACE INTO copied VALUES (?, ?, ?, ?, ?, ?)", (*values, done.sha256)
            )
            self._unsaved += 1
            if self._unsaved >= _COMMIT_EVERY:
                self._unsaved = 0
                self._file.commit()

    def forget(self, key: str) -> None:
        with self._lock:
            self._file.execute(
                "DELETE FROM copied WHERE bucket = ? AND key = ?", (self._bucket, key)
            )

    def end(self) -> None:
        """Everything noted so far is on disk."""
        with self._lock:
            self._file.commit()

    def vanished(self) -> Iterator[Copied]:
        """Copies whose source is gone: of the bucket that was begun, after all of its source was
        seen."""
        rows = self._file.execute(
            "SELECT key, size, source_etag, target_etag, sha256 FROM copied WHERE bucket = ?"
            " AND key NOT IN (SELECT key FROM seen)",
            (self._bucket,),
        ).fetchall()
        return iter([Copied(*row) for row in rows])
