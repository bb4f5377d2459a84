CREATE TABLE workflows (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    draft TEXT NOT NULL,
    state BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE versions (
    id BLOB PRIMARY KEY,
    workflow TEXT NOT NULL REFERENCES workflows (id),
    number INTEGER NOT NULL,
    definition TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (workflow, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE activations (
    id BLOB PRIMARY KEY,
    workflow TEXT NOT NULL REFERENCES workflows (id),
    version BLOB NOT NULL REFERENCES versions (id),
    status TEXT NOT NULL,
    accepts INTEGER NOT NULL,
    registration BLOB NOT NULL,
    error TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX activations_by_version ON activations (version);

-- Ids of runs are UUIDs of version 7, so that new rows come at the end.
CREATE TABLE runs (
    id BLOB PRIMARY KEY,
    workflow TEXT NOT NULL,
    version BLOB NOT NULL,
    status TEXT NOT NULL,
    state BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    -- The newest journal record.
    head INTEGER NOT NULL,
    due_at INTEGER,
    -- The epoch of the process that works on the run.
    owner INTEGER,
    created_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX runs_by_workflow ON runs (workflow, id);
CREATE INDEX runs_by_status ON runs (status, id);
CREATE INDEX runs_due ON runs (due_at) WHERE due_at IS NOT NULL AND owner IS NULL;
CREATE INDEX runs_owned ON runs (owner) WHERE owner IS NOT NULL;

-- Append-only and without an index: the records of a run are chained from its head.
CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    run BLOB NOT NULL,
    previous INTEGER,
    at INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;

-- Callbacks that have not been taken yet.
CREATE TABLE inbox (
    run BLOB NOT NULL,
    record INTEGER NOT NULL,
    execution INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (run, record)
) STRICT, WITHOUT ROWID;

CREATE TABLE once (
    run BLOB NOT NULL,
    execution INTEGER NOT NULL,
    name TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (run, execution, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE dedupe (
    workflow TEXT NOT NULL,
    key TEXT NOT NULL,
    run BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (workflow, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    hash BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Counts the processes that have opened the database.
CREATE TABLE epochs (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    epoch INTEGER NOT NULL
) STRICT;
INSERT INTO epochs (only, epoch) VALUES (1, 0);
