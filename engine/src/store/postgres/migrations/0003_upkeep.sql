-- The finished runs of a version by their end, for retention; those that have not ended come last.
CREATE INDEX runs_by_version ON runs (version, finished_at, id);

CREATE INDEX dedupe_by_time ON dedupe (at);

-- Runs that have been removed and whose records are still to be removed, the newest first.
CREATE TABLE removals (
    run UUID PRIMARY KEY,
    head BIGINT NOT NULL
);

CREATE TABLE operations (
    id UUID PRIMARY KEY,
    state BYTEA NOT NULL,
    sequence BIGINT NOT NULL,
    -- The epoch of the process that works on the operation.
    owner BIGINT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);

-- What blocks promised to the versions that use them.
CREATE TABLE promises (
    fingerprint BYTEA PRIMARY KEY,
    block TEXT NOT NULL,
    manifest TEXT NOT NULL
);

CREATE TABLE reliances (
    fingerprint BYTEA NOT NULL REFERENCES promises (fingerprint),
    version UUID NOT NULL,
    PRIMARY KEY (fingerprint, version)
);

CREATE INDEX reliances_by_version ON reliances (version);
