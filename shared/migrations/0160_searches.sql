-- Saved searches: a filter with a name, served as feeds.
-- written by: api
CREATE TABLE searches (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL,
    filters    jsonb NOT NULL,              -- as the query string has them: {name: value or list of values}
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
