-- Links by which a tenant reaches its hostnames in a browser. The secret is the signature in the link, which is not
-- stored; a row is what can be listed and revoked. Each row changes once at most, so it is its own history.
CREATE TABLE tenant_link (
  id TEXT NOT NULL PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL CHECK (expires_at > created_at),
  revoked_by TEXT,
  revoked_at BIGINT,
  CHECK ((revoked_by IS NULL) = (revoked_at IS NULL))
);
CREATE INDEX tenant_link_tenant ON tenant_link (tenant_id, id);
