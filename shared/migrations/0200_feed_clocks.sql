-- What every poll of a feed writes: when it is due, who polls it now, how the last poll went, why the next comes when
-- it does. Apart from the rest of its state, which is ten times as wide and stays as it is when nothing is new.
-- written by: ingest
CREATE TABLE feed_clocks (
    feed_id         bigint PRIMARY KEY,
    host            text NOT NULL DEFAULT '',  -- host:port of the address polled: politeness is kept per host
    next_poll_at    timestamptz,       -- null: not due by itself (paused); leased: when the lease ends
    lease_until     timestamptz,       -- a replica polls it now, until then at most
    lease_token     bigint NOT NULL DEFAULT 0,  -- fencing: a poll whose token is not the row's may not save
    interval_s      double precision NOT NULL DEFAULT 0,
    price           double precision,  -- of a request, by which it was planned; null: another rule than the rhythm decided
    last_polled_at  timestamptz,
    last_success_at timestamptz,
    full_at         timestamptz,       -- the last poll that asked without validators
    conditional     integer NOT NULL DEFAULT 0,  -- polls in a row that sent them
    unmodified      integer NOT NULL DEFAULT 0,  -- answers of 304 in a row
    http_status     integer,
    outcome         text,
    unchanged_total bigint NOT NULL DEFAULT 0,
    rules           json NOT NULL DEFAULT '[]'   -- [rule, input, vote_s, whether it decided] of each
) WITH (fillfactor = 70);

INSERT INTO feed_clocks (feed_id, host, next_poll_at, lease_until, lease_token, interval_s, price, last_polled_at,
                         last_success_at, full_at, conditional, unmodified, http_status, outcome, unchanged_total, rules)
SELECT feed_id, host, next_poll_at, lease_until, lease_token, interval_s, price, last_polled_at, last_success_at,
       (rhythm->'validators'->>'full_at')::timestamptz, coalesce((rhythm->'validators'->>'conditional')::integer, 0),
       coalesce((rhythm->'validators'->>'unmodified')::integer, 0), http_status, outcome, unchanged_total,
       coalesce((SELECT json_agg(json_build_array(r->'rule', r->'input', r->'vote_s', r->'decided') ORDER BY n)
                 FROM jsonb_array_elements(rhythm->'rules') WITH ORDINALITY AS each(r, n)), '[]')
FROM feed_states;

CREATE INDEX feed_clocks_due ON feed_clocks (next_poll_at) WHERE next_poll_at IS NOT NULL;
CREATE INDEX feed_clocks_leased ON feed_clocks (host) WHERE lease_until IS NOT NULL;

UPDATE feed_states SET rhythm = rhythm - 'rules' #- '{validators,full_at}' #- '{validators,conditional}'
    #- '{validators,unmodified}';
ALTER TABLE feed_states
    DROP COLUMN host, DROP COLUMN next_poll_at, DROP COLUMN lease_until, DROP COLUMN lease_token, DROP COLUMN interval_s,
    DROP COLUMN price, DROP COLUMN last_polled_at, DROP COLUMN last_success_at, DROP COLUMN http_status,
    DROP COLUMN outcome, DROP COLUMN unchanged_total;
