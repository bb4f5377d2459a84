-- What answered the event that has a key, sealed; null where the engine itself did.
ALTER TABLE dedupe ADD COLUMN answer BLOB;
