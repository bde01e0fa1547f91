-- The complete schema. It runs as it stands on SQLite, D1 and PostgreSQL.
-- Ids are UUIDv7 texts (that of an app is chosen), times are milliseconds UTC, booleans 0 or 1, JSON is text.
-- A row with a history has a revision: the seq of its last event. Nothing with a history is deleted: see deleted_at.

CREATE TABLE event (
  subject_id TEXT NOT NULL,
  seq BIGINT NOT NULL CHECK (seq >= 1),
  subject_kind TEXT NOT NULL CHECK (subject_kind IN (
    'api_key', 'developer', 'app', 'version', 'tenant', 'location', 'hostname', 'debian_repository')),
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  from_state TEXT,
  to_state TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (subject_id, seq)
);

CREATE TABLE api_key (
  id TEXT NOT NULL PRIMARY KEY,
  secret_sha256 TEXT NOT NULL CHECK (length(secret_sha256) = 64),
  role TEXT NOT NULL CHECK (role IN ('operator', 'developer', 'tenant')),
  subject_id TEXT,
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  revoked_at BIGINT,
  revision BIGINT NOT NULL CHECK (revision >= 1),
  CHECK ((role = 'operator') = (subject_id IS NULL))
);
CREATE INDEX api_key_subject ON api_key (subject_id);

CREATE TABLE developer (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  deleted_at BIGINT,
  revision BIGINT NOT NULL CHECK (revision >= 1)
);

CREATE TABLE app (
  id TEXT NOT NULL PRIMARY KEY,
  developer_id TEXT NOT NULL REFERENCES developer (id),
  name TEXT NOT NULL,
  visibility TEXT NOT NULL CHECK (visibility IN ('public', 'private')),
  -- Set by compare-and-set. No foreign key: version refers to app, and neither SQLite nor D1 adds one later.
  current_version_id TEXT,
  created_at BIGINT NOT NULL,
  deleted_at BIGINT,
  revision BIGINT NOT NULL CHECK (revision >= 1)
);
CREATE INDEX app_developer ON app (developer_id);

CREATE TABLE version (
  id TEXT NOT NULL PRIMARY KEY,
  app_id TEXT NOT NULL REFERENCES app (id),
  version_code BIGINT NOT NULL CHECK (version_code >= 1),
  version_name TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN (
    'uploading', 'validating', 'failed', 'draft', 'rejected', 'published', 'pulled')),
  size BIGINT NOT NULL CHECK (size >= 1),
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
  -- Set before the promotion begins and never recomputed. From then on the version_code is burned.
  object_key TEXT,
  statement TEXT,
  signature TEXT,
  signing_key_id TEXT,
  problems TEXT NOT NULL,
  due_at BIGINT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  published_at BIGINT,
  deleted_at BIGINT,
  revision BIGINT NOT NULL CHECK (revision >= 1),
  CHECK (status NOT IN ('draft', 'published') OR (
    object_key IS NOT NULL AND statement IS NOT NULL AND signature IS NOT NULL AND signing_key_id IS NOT NULL))
);
CREATE UNIQUE INDEX version_code_once ON version (app_id, version_code)
  WHERE status <> 'failed' OR object_key IS NOT NULL;
CREATE INDEX version_due ON version (status, due_at);

CREATE TABLE upload (
  id TEXT NOT NULL PRIMARY KEY,
  version_id TEXT REFERENCES version (id),
  kind TEXT NOT NULL CHECK (kind IN ('package', 'icon', 'screenshot')),
  object_key TEXT NOT NULL UNIQUE,
  size BIGINT NOT NULL CHECK (size >= 1),
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
  content_type TEXT NOT NULL,
  etag TEXT,
  expires_at BIGINT NOT NULL,
  lease_token TEXT,
  lease_until BIGINT,
  created_at BIGINT NOT NULL,
  -- When the temp object was deleted from the bucket.
  deleted_at BIGINT,
  CHECK ((lease_token IS NULL) = (lease_until IS NULL)),
  CHECK (kind <> 'package' OR version_id IS NOT NULL)
);
CREATE UNIQUE INDEX upload_package ON upload (version_id) WHERE kind = 'package';
CREATE INDEX upload_expired ON upload (expires_at) WHERE deleted_at IS NULL;

CREATE TABLE tenant (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  deleted_at BIGINT,
  revision BIGINT NOT NULL CHECK (revision >= 1)
);

CREATE TABLE location (
  id TEXT NOT NULL PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  s3_bucket TEXT NOT NULL,
  s3_prefix TEXT NOT NULL CHECK (s3_prefix = '' OR s3_prefix = id || '/'),
  -- NULL: served plainly, as its maintainers write it.
  generation BIGINT CHECK (generation >= 1),
  created_at BIGINT NOT NULL,
  deleted_at BIGINT,
  revision BIGINT NOT NULL CHECK (revision >= 1),
  UNIQUE (s3_bucket, s3_prefix),
  UNIQUE (id, tenant_id),
  UNIQUE (id, s3_bucket, s3_prefix)
);
CREATE INDEX location_tenant ON location (tenant_id);

CREATE TABLE hostname (
  id TEXT NOT NULL PRIMARY KEY,
  -- A-labels, lower case, without a final dot.
  name TEXT NOT NULL,
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  location_id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN (
    'requested', 'awaiting_dns', 'validating', 'active', 'moved', 'blocked', 'removed')),
  -- When the claim was proven (or an operator vouched for it).
  proven_at BIGINT,
  due_at BIGINT,
  created_at BIGINT NOT NULL,
  deleted_at BIGINT,
  revision BIGINT NOT NULL CHECK (revision >= 1),
  FOREIGN KEY (location_id, tenant_id) REFERENCES location (id, tenant_id)
);
CREATE UNIQUE INDEX hostname_proven_once ON hostname (name)
  WHERE proven_at IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX hostname_tenant ON hostname (tenant_id, name);
CREATE INDEX hostname_location ON hostname (location_id);
CREATE INDEX hostname_due ON hostname (state, due_at);

CREATE TABLE debian_repository (
  id TEXT NOT NULL PRIMARY KEY,
  location_id TEXT NOT NULL,
  s3_bucket TEXT NOT NULL,
  s3_prefix TEXT NOT NULL,
  distribution TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  deleted_at BIGINT,
  revision BIGINT NOT NULL CHECK (revision >= 1),
  FOREIGN KEY (location_id, s3_bucket, s3_prefix) REFERENCES location (id, s3_bucket, s3_prefix)
);
CREATE UNIQUE INDEX debian_repository_once ON debian_repository (s3_bucket, s3_prefix, distribution);
CREATE INDEX debian_repository_location ON debian_repository (location_id);
