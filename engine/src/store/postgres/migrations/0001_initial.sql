-- Times are microseconds since 1970 on the engines' clocks, but for leases, which are on the database's.

-- The processes that have opened the database. A process that has not renewed its lease counts as dead.
CREATE TABLE processes (
    epoch BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    expires_at TIMESTAMPTZ NOT NULL
);

-- What tells apart the keys that private values and tokens were made with.
CREATE TABLE keys (
    fingerprint BYTEA PRIMARY KEY
);

CREATE TABLE workflows (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    draft TEXT NOT NULL,
    state BYTEA NOT NULL,
    sequence BIGINT NOT NULL,
    -- The epochs of the processes that may be making calls which the state commands.
    owners BIGINT[] NOT NULL DEFAULT '{}',
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE versions (
    id UUID PRIMARY KEY,
    workflow TEXT NOT NULL REFERENCES workflows (id),
    number BIGINT NOT NULL,
    definition TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (workflow, number)
);

CREATE TABLE activations (
    id UUID PRIMARY KEY,
    workflow TEXT NOT NULL REFERENCES workflows (id),
    version UUID NOT NULL REFERENCES versions (id),
    status TEXT NOT NULL,
    accepts BOOLEAN NOT NULL,
    registration BYTEA NOT NULL,
    error TEXT
);

CREATE INDEX activations_by_version ON activations (version);

-- Ids of runs are UUIDs of version 7, so that new rows come at the end. Room is left in each page, since every
-- change writes the row anew.
CREATE TABLE runs (
    id UUID PRIMARY KEY,
    workflow TEXT NOT NULL,
    version UUID NOT NULL,
    status TEXT NOT NULL,
    state BYTEA NOT NULL,
    sequence BIGINT NOT NULL,
    -- The newest journal record.
    head BIGINT NOT NULL,
    due_at BIGINT,
    -- The epoch of the process that works on the run.
    owner BIGINT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
) WITH (fillfactor = 70);

CREATE INDEX runs_by_workflow ON runs (workflow, id);
CREATE INDEX runs_by_status ON runs (status, id);
CREATE INDEX runs_due ON runs (due_at) WHERE due_at IS NOT NULL AND owner IS NULL;
CREATE INDEX runs_owned ON runs (owner) WHERE owner IS NOT NULL;

-- Append-only: the records of a run are chained from its head.
CREATE TABLE journal (
    id BIGINT PRIMARY KEY,
    run UUID NOT NULL,
    previous BIGINT,
    at BIGINT NOT NULL,
    body BYTEA NOT NULL
);

-- Callbacks that have not been taken yet. Records of several processes are in no order; arrivals are numbered
-- while the run's row is locked.
CREATE TABLE inbox (
    run UUID NOT NULL,
    arrival BIGINT GENERATED ALWAYS AS IDENTITY,
    record BIGINT NOT NULL,
    execution BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (run, arrival)
);

CREATE TABLE once (
    run UUID NOT NULL,
    execution BIGINT NOT NULL,
    name TEXT NOT NULL,
    value BYTEA NOT NULL,
    PRIMARY KEY (run, execution, name)
);

CREATE TABLE dedupe (
    workflow TEXT NOT NULL,
    key TEXT NOT NULL,
    run UUID NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (workflow, key)
);

CREATE TABLE tokens (
    hash BYTEA PRIMARY KEY,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
