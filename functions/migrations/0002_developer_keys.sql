-- Developers' own signatures, and more kinds of history.

-- No database of the three changes a CHECK in place, so the table is made anew. Nothing refers to it.
CREATE TABLE event_of_more_kinds (
  subject_id TEXT NOT NULL,
  seq BIGINT NOT NULL CHECK (seq >= 1),
  subject_kind TEXT NOT NULL CHECK (subject_kind IN (
    'api_key', 'developer', 'app', 'version', 'tenant', 'location', 'hostname', 'debian_repository',
    'developer_key', 'asset', 'backup')),
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  from_state TEXT,
  to_state TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (subject_id, seq)
);
INSERT INTO event_of_more_kinds (subject_id, seq, subject_kind, actor, reason, from_state, to_state, at)
  SELECT subject_id, seq, subject_kind, actor, reason, from_state, to_state, at FROM event;
DROP TABLE event;
ALTER TABLE event_of_more_kinds RENAME TO event;

CREATE TABLE developer_key (
  id TEXT NOT NULL PRIMARY KEY,
  developer_id TEXT NOT NULL REFERENCES developer (id),
  name TEXT,
  -- Base64 of the 32 bytes of an Ed25519 key (RFC 8032).
  public_key TEXT NOT NULL CHECK (length(public_key) = 44),
  created_at BIGINT NOT NULL,
  revoked_at BIGINT,
  revision BIGINT NOT NULL CHECK (revision >= 1),
  UNIQUE (developer_id, public_key)
);

ALTER TABLE app ADD COLUMN require_signature SMALLINT NOT NULL DEFAULT 0 CHECK (require_signature IN (0, 1));

-- The developer's signature over the statement that the platform signs, too.
ALTER TABLE version ADD COLUMN developer_signature TEXT;
ALTER TABLE version ADD COLUMN developer_key_id TEXT REFERENCES developer_key (id)
  CHECK ((developer_key_id IS NULL) = (developer_signature IS NULL));
-- When the platform signed.
ALTER TABLE version ADD COLUMN signed_at BIGINT;
