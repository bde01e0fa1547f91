-- Usage by day, summed up from the data points of the edge, which are kept for three months only. `day` is its first
-- millisecond, UTC. Whoever sums up writes whole days, so writing them again changes nothing.

CREATE TABLE download_count (
  version_id TEXT NOT NULL REFERENCES version (id),
  day BIGINT NOT NULL,
  downloads BIGINT NOT NULL CHECK (downloads >= 0),
  sent_bytes BIGINT NOT NULL CHECK (sent_bytes >= 0),
  PRIMARY KEY (version_id, day)
);

CREATE TABLE location_usage (
  location_id TEXT NOT NULL REFERENCES location (id),
  day BIGINT NOT NULL,
  requests BIGINT NOT NULL CHECK (requests >= 0),
  sent_bytes BIGINT NOT NULL CHECK (sent_bytes >= 0),
  client_errors BIGINT NOT NULL CHECK (client_errors >= 0),
  server_errors BIGINT NOT NULL CHECK (server_errors >= 0),
  -- Answers from the edge's cache.
  hits BIGINT NOT NULL CHECK (hits >= 0),
  PRIMARY KEY (location_id, day)
);
