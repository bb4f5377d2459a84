-- The credentials of connections, sealed.
CREATE TABLE connections (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    credentials BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
