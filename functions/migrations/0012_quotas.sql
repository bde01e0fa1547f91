-- What one developer uses is counted from the versions of its apps: each count reads what it counts and no more.
CREATE INDEX version_state ON version (app_id, status);
CREATE INDEX version_created ON version (app_id, created_at);
CREATE INDEX version_kept ON version (app_id) WHERE status <> 'failed' AND deleted_at IS NULL;
