-- The finished runs of a version by their end, for retention; those that have not ended come first.
CREATE INDEX runs_by_version ON runs (version, finished_at, id);

CREATE INDEX dedupe_by_time ON dedupe (at);

-- Runs that have been removed and whose records are still to be removed, the newest first.
CREATE TABLE removals (
    run BLOB PRIMARY KEY,
    head INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE operations (
    id BLOB PRIMARY KEY,
    state BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    -- The epoch of the process that works on the operation.
    owner INTEGER,
    created_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT, WITHOUT ROWID;

-- What blocks promised to the versions that use them.
CREATE TABLE promises (
    fingerprint BLOB PRIMARY KEY,
    block TEXT NOT NULL,
    manifest TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE reliances (
    fingerprint BLOB NOT NULL REFERENCES promises (fingerprint),
    version BLOB NOT NULL,
    PRIMARY KEY (fingerprint, version)
) STRICT, WITHOUT ROWID;

CREATE INDEX reliances_by_version ON reliances (version);
