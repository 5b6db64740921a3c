-- Addresses that api wants examined; NOTIFY wiredesk_doctor_requests goes with every insert.
-- written by: api (which also removes them after an hour)
CREATE TABLE doctor_requests (
    id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url text NOT NULL,
    at  timestamptz NOT NULL DEFAULT now()
);

-- Who examines which, and the report.
-- written by: ingest (which also removes them once their request is gone)
CREATE TABLE doctor_answers (
    request_id  bigint PRIMARY KEY,
    lease_until timestamptz NOT NULL,       -- a replica examines it now, until then at most
    report      jsonb                       -- null while it does
);
