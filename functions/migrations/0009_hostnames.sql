-- Hostnames that tenants bring themselves: how each was proven, and what is known of it at Cloudflare.

-- What the TXT record of its challenge holds; NULL: an operator vouched for it, and nothing is asked of DNS or Cloudflare.
ALTER TABLE hostname ADD COLUMN challenge_token TEXT;
-- How its certificate is validated.
ALTER TABLE hostname ADD COLUMN certificate TEXT NOT NULL DEFAULT 'http' CHECK (certificate IN ('http', 'txt'));
-- Whether it is the registered domain itself, where no CNAME may stand.
ALTER TABLE hostname ADD COLUMN is_apex SMALLINT NOT NULL DEFAULT 0 CHECK (is_apex IN (0, 1));
-- Of the custom hostname.
ALTER TABLE hostname ADD COLUMN authority_id TEXT;
-- When this claim set out to create the custom hostname; NULL with an authority_id: it was there before, and is never deleted.
ALTER TABLE hostname ADD COLUMN asked_at BIGINT;
-- As Cloudflare spells them, unknown ones too.
ALTER TABLE hostname ADD COLUMN hostname_status TEXT;
ALTER TABLE hostname ADD COLUMN certificate_status TEXT;
-- JSON: the records to set and what was found of them, at the last look.
ALTER TABLE hostname ADD COLUMN seen TEXT;
-- When it entered its state; NULL: when it was created.
ALTER TABLE hostname ADD COLUMN since BIGINT;
-- When it first was active.
ALTER TABLE hostname ADD COLUMN active_at BIGINT;
ALTER TABLE hostname ADD COLUMN checked_at BIGINT;
-- When it is removed, unless something better comes of it.
ALTER TABLE hostname ADD COLUMN deadline_at BIGINT;
-- Looks in a row that came to nothing because somebody did not answer.
ALTER TABLE hostname ADD COLUMN failures BIGINT NOT NULL DEFAULT 0 CHECK (failures >= 0);
-- When its validation was last begun anew, and how often since it was last active.
ALTER TABLE hostname ADD COLUMN refreshed_at BIGINT;
ALTER TABLE hostname ADD COLUMN refreshes BIGINT NOT NULL DEFAULT 0 CHECK (refreshes >= 0);

CREATE UNIQUE INDEX hostname_claim_once ON hostname (tenant_id, name) WHERE deleted_at IS NULL;
CREATE INDEX hostname_due_at ON hostname (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX hostname_authority ON hostname (authority_id) WHERE authority_id IS NOT NULL;
CREATE INDEX hostname_of_tenant ON hostname (tenant_id, id);
CREATE INDEX hostname_of_location ON hostname (location_id, id);
CREATE INDEX hostname_in_state ON hostname (state, id);
