-- Versions that were rejected or pulled, purges of the edge's caches, and where the jobs' long walks stand.

-- What a person gave as the reason; `reason` is the name of the transition.
ALTER TABLE event ADD COLUMN detail TEXT;

-- Why it was rejected or pulled; NULL in every other state.
ALTER TABLE version ADD COLUMN withdrawn_because TEXT;
-- What an operator pulled, only an operator restores.
ALTER TABLE version ADD COLUMN pulled_by TEXT CHECK (pulled_by IN ('developer', 'operator'));
-- NULL unless it is pulled.
ALTER TABLE version ADD COLUMN pulled_at BIGINT;

CREATE INDEX version_app ON version (app_id, id);
-- The edge asks for what was pulled lately, every few seconds.
CREATE INDEX version_pulled ON version (pulled_at) WHERE pulled_at IS NOT NULL;
CREATE INDEX version_object ON version (object_key) WHERE object_key IS NOT NULL;

-- What is still to be purged from the edge's caches; a tag that was purged has no row.
CREATE TABLE cache_purge (
  tag TEXT NOT NULL PRIMARY KEY,
  -- When it was last asked for.
  requested_at BIGINT NOT NULL,
  -- When it is sent; whoever sends it moves this on first.
  due_at BIGINT NOT NULL,
  -- Since it was last asked for.
  attempts BIGINT NOT NULL CHECK (attempts >= 0),
  problem TEXT
);
CREATE INDEX cache_purge_due ON cache_purge (due_at);

-- Jobs that go on where they stopped.
CREATE TABLE job_cursor (
  name TEXT NOT NULL PRIMARY KEY,
  -- JSON: how far it has come and what it has found on the way; NULL: nothing is under way.
  cursor TEXT,
  -- JSON: what the last one found that came to its end.
  report TEXT,
  -- It does nothing before this.
  not_before BIGINT NOT NULL,
  -- Moves on with every write.
  revision BIGINT NOT NULL CHECK (revision >= 1)
);
