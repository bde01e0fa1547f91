-- Icons and screenshots of apps. The rows say what is to be seen; the objects of the assets bucket follow them.

-- When the jobs look at the app's images again: a change has to be followed, or an upload that broke off to be cleared away.
ALTER TABLE app ADD COLUMN images_due_at BIGINT;
-- The version whose package was last looked through for images.
ALTER TABLE app ADD COLUMN images_version_id TEXT;
CREATE INDEX app_images_due ON app (images_due_at) WHERE images_due_at IS NOT NULL;

CREATE TABLE app_image (
  id TEXT NOT NULL PRIMARY KEY,
  app_id TEXT NOT NULL REFERENCES app (id),
  kind TEXT NOT NULL CHECK (kind IN ('icon', 'screenshot')),
  -- Of a screenshot: the n of its object's key. It is never given out again, so its key never gets other bytes.
  number BIGINT CHECK (number BETWEEN 1 AND 999999),
  -- Of a live screenshot: its place in the list; gaps are allowed.
  position BIGINT,
  -- staged: its objects are being written; live: it is seen; removed: its objects are to be deleted; gone: they are.
  state TEXT NOT NULL CHECK (state IN ('staged', 'live', 'removed', 'gone')),
  -- The version from whose package it was taken; NULL: it was sent by itself.
  version_id TEXT REFERENCES version (id),
  -- Of the bytes that were sent.
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
  -- Of the largest object, in pixels.
  width BIGINT NOT NULL CHECK (width >= 1),
  height BIGINT NOT NULL CHECK (height >= 1),
  created_at BIGINT NOT NULL,
  -- When it entered its state.
  changed_at BIGINT NOT NULL,
  CHECK ((kind = 'screenshot') = (number IS NOT NULL)),
  CHECK ((kind = 'screenshot' AND state = 'live') = (position IS NOT NULL)),
  UNIQUE (app_id, number)
);
CREATE UNIQUE INDEX app_image_icon ON app_image (app_id) WHERE kind = 'icon' AND state = 'live';
CREATE INDEX app_image_open ON app_image (app_id) WHERE state <> 'gone';
