-- The runs that go on or queue in the lanes of workflows that bound how many go on at once.
CREATE TABLE places (
    arrival INTEGER PRIMARY KEY AUTOINCREMENT,
    run BLOB NOT NULL UNIQUE,
    workflow TEXT NOT NULL,
    key TEXT NOT NULL,
    -- How many may have a place when this run gets one.
    most INTEGER NOT NULL,
    given INTEGER NOT NULL DEFAULT 0,
    taken_up INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX places_by_lane ON places (workflow, key, given, arrival);
CREATE INDEX places_to_take_up ON places (run) WHERE given AND NOT taken_up;
