//! The embedded database: SQLite.
