-- Who wants events pushed. NOTIFY wiredesk_webhooks goes with every change, so that deliver looks at once.
-- written by: api
CREATE TABLE webhooks (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url             text NOT NULL,
    filters         jsonb NOT NULL DEFAULT '{}',
    include         text,                   -- 'full': whole articles
    batch           integer,                -- most events in one request; null: one event, not as a list
    secrets         jsonb NOT NULL,         -- [{secret, until?}], the newest first; all that still hold sign
    status          text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'paused', 'disabled')),
    status_reason   text,
    failures        integer NOT NULL DEFAULT 0,  -- attempts in a row that failed, all at what comes next
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    lease_until     timestamptz,            -- a replica delivers now, until then at most
    lease_token     bigint NOT NULL DEFAULT 0,   -- fencing: a replica whose token is not the row's may not record
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX webhooks_due ON webhooks (next_attempt_at) WHERE status = 'active';

-- How far each got: one row that follows the log (no `until`), and one for every replay not yet done.
-- written by: api
CREATE TABLE webhook_cursors (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    webhook_id    bigint NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    position      bigint NOT NULL,          -- everything up to here is delivered, or not wanted
    until         bigint,                   -- a replay's end
    pending_until bigint                    -- end of the batch being tried: it must not grow while it is tried again
);
CREATE INDEX webhook_cursors_webhook ON webhook_cursors (webhook_id);
CREATE UNIQUE INDEX webhook_cursors_live ON webhook_cursors (webhook_id) WHERE until IS NULL;

-- The last attempts of each subscription; older ones are removed as new ones come.
-- written by: api
CREATE TABLE webhook_attempts (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    webhook_id  bigint NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    message_id  text NOT NULL,              -- the webhook-id header
    position    bigint,                     -- of the (last) event; null for a ping
    attempt     integer NOT NULL,
    at          timestamptz NOT NULL,
    status_code integer,                    -- null: no answer
    took_ms     integer NOT NULL,
    error       jsonb                       -- {code, message} when it was not taken
);
CREATE INDEX webhook_attempts_webhook ON webhook_attempts (webhook_id, id DESC);

-- Test pings asked for by the API; deliver sends them and writes which attempt it was.
-- written by: api
CREATE TABLE webhook_pings (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    webhook_id bigint NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    at         timestamptz NOT NULL DEFAULT now(),
    attempt_id bigint
);
