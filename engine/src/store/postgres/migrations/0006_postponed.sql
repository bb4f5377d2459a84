-- The sequence of the run's state in which the callback has to wait for something else; null where it never had to.
ALTER TABLE inbox ADD COLUMN postponed BIGINT;
