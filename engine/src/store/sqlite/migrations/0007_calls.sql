-- The run that has called this one.
ALTER TABLE runs ADD COLUMN parent BLOB;
