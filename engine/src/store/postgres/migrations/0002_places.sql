-- The runs that go on or queue in the lanes of workflows that bound how many go on at once.
CREATE TABLE places (
    arrival BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run UUID NOT NULL UNIQUE,
    workflow TEXT NOT NULL,
    key TEXT NOT NULL,
    -- How many may have a place when this run gets one.
    most BIGINT NOT NULL,
    given BOOLEAN NOT NULL DEFAULT false,
    taken_up BOOLEAN NOT NULL DEFAULT false
);

CREATE INDEX places_by_lane ON places (workflow, key, given, arrival);
CREATE INDEX places_to_take_up ON places (run) WHERE given AND NOT taken_up;
