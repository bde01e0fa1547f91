-- Packages that arrive in parts.
-- The last upload in parts that was begun at the storage. It stays when it was completed or aborted, so that whatever
-- may have been made of parts is known as such.
ALTER TABLE upload ADD COLUMN multipart_id TEXT;
-- Bytes of every part but the last.
ALTER TABLE upload ADD COLUMN part_size BIGINT CHECK ((part_size IS NULL) = (multipart_id IS NULL));
