-- Publishes of a location, each of which makes one generation. Readers see what location.generation names.
CREATE TABLE publication (
  id TEXT NOT NULL PRIMARY KEY,
  location_id TEXT NOT NULL REFERENCES location (id),
  -- Of the generation. Never given twice in a location.
  number BIGINT NOT NULL CHECK (number >= 1),
  state TEXT NOT NULL CHECK (state IN ('preparing', 'published', 'abandoned', 'swept')),
  -- The location's generation when it was begun.
  base_generation BIGINT,
  -- Of the whole list of its files (core.publication_lists), by which a repeated publish is known again.
  files_sha256 TEXT NOT NULL CHECK (length(files_sha256) = 64),
  file_count BIGINT NOT NULL CHECK (file_count >= 1),
  bytes BIGINT NOT NULL CHECK (bytes >= 0),
  created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  published_at BIGINT,
  -- preparing: when it counts as abandoned. published: when it may be swept; NULL while it is current.
  -- abandoned, swept: since when its objects are being deleted; NULL once they are gone.
  due_at BIGINT,
  UNIQUE (location_id, number),
  CHECK (state <> 'preparing' OR due_at IS NOT NULL),
  CHECK (state NOT IN ('published', 'swept') OR published_at IS NOT NULL)
);
CREATE INDEX publication_due ON publication (state, due_at);
CREATE INDEX publication_location ON publication (location_id, state, number);
