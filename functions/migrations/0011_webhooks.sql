-- Notices of what happened, their deliveries by webhook, and the tenants' own webhooks.

CREATE TABLE webhook (
  tenant_id TEXT NOT NULL PRIMARY KEY REFERENCES tenant (id),
  url TEXT NOT NULL,
  -- As its tenant was shown it: whsec_ and base64. It signs, so a hash would not do.
  secret TEXT NOT NULL,
  -- The one before, which signs too until then.
  previous_secret TEXT,
  previous_until BIGINT,
  -- When its receiver answered 410; it is told nothing from then on.
  switched_off_at BIGINT,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  CHECK ((previous_secret IS NULL) = (previous_until IS NULL))
);

-- Written in the same batch as what it tells of.
CREATE TABLE notice (
  id TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  -- Whom it concerns; NULL: the operator alone.
  tenant_id TEXT REFERENCES tenant (id),
  -- The id of what it is about.
  subject TEXT NOT NULL,
  -- JSON: the body, byte for byte the same at each try.
  payload TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX notice_created ON notice (created_at);

CREATE TABLE notice_delivery (
  notice_id TEXT NOT NULL REFERENCES notice (id),
  destination TEXT NOT NULL CHECK (destination IN ('operator', 'tenant')),
  -- Whose webhook is told; NULL: the operator's.
  tenant_id TEXT REFERENCES tenant (id),
  -- skipped: there was no webhook any more, or it was switched off.
  state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed', 'skipped')),
  attempts BIGINT NOT NULL CHECK (attempts >= 0),
  -- While it waits: when it is sent; whoever sends it moves this on first.
  due_at BIGINT,
  attempted_at BIGINT,
  -- What the last attempt was answered; NULL: no answer came.
  status BIGINT,
  problem TEXT,
  PRIMARY KEY (notice_id, destination),
  CHECK ((destination = 'tenant') = (tenant_id IS NOT NULL)),
  CHECK ((state = 'waiting') = (due_at IS NOT NULL))
);
CREATE INDEX notice_delivery_due ON notice_delivery (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX notice_delivery_tenant ON notice_delivery (tenant_id, notice_id) WHERE tenant_id IS NOT NULL;
