-- Each replica of the deliver process, as it last looked for work; gone when it ends, an hour after when it was killed.
-- written by: api
CREATE TABLE deliver_replicas (
    id         uuid PRIMARY KEY,
    host       text NOT NULL,
    pid        integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    serving    integer NOT NULL             -- subscriptions it had leased then
);
