-- Backups of this database, as requests and as what became of them. What lies in the backups bucket is the truth:
-- a database that was restored has the rows of an earlier time.
CREATE TABLE backup (
  id TEXT NOT NULL PRIMARY KEY,
  status TEXT NOT NULL CHECK (status IN ('requested', 'running', 'complete', 'failed')),
  -- 'found': its manifest lay in the bucket and there was no row.
  reason TEXT NOT NULL CHECK (reason IN ('schedule', 'request', 'found')),
  actor TEXT NOT NULL,
  requested_at BIGINT NOT NULL,
  started_at BIGINT,
  -- Whoever makes it has until then; past it, it is dead.
  lease_until BIGINT,
  finished_at BIGINT,
  -- Of the dump.
  object_key TEXT,
  size BIGINT,
  sha256 TEXT CHECK (length(sha256) = 64),
  row_count BIGINT,
  problem TEXT,
  -- When its objects were deleted from the bucket, by age.
  deleted_at BIGINT,
  CHECK ((status = 'requested') = (started_at IS NULL)),
  CHECK ((status = 'running') = (lease_until IS NOT NULL)),
  CHECK (status <> 'complete' OR (
    object_key IS NOT NULL AND size IS NOT NULL AND sha256 IS NOT NULL AND row_count IS NOT NULL
    AND finished_at IS NOT NULL))
);
-- One is asked for and one is made at a time.
CREATE UNIQUE INDEX backup_open_once ON backup (status) WHERE status IN ('requested', 'running');
CREATE INDEX backup_started ON backup (status, started_at);
