//! A database that a newer engine has migrated.

/// Makes it one, in any database.
pub(crate) const NEWER: &str =
    "INSERT INTO migrations (number, checksum) SELECT 1000, checksum FROM migrations LIMIT 1";
