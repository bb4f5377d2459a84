//! Migrations: numbered, with checksums, in the same way for every store.

use sha2::{Digest as _, Sha256};

/// A migration that is still to be applied.
pub(super) struct Migration {
    pub(super) number: i64,
    pub(super) checksum: Vec<u8>,
    pub(super) sql: &'static str,
}

/// Why a database does not fit the migrations.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum MigrationError {
    #[error(
        "the database has schema version {found}, and this engine knows up to {known}; use a newer engine"
    )]
    Newer { found: usize, known: usize },
    #[error("migration {0} was applied with another content; the database was made by a different engine")]
    Altered(i64),
}

/// The migrations that a database still needs, given the checksums of those that were applied to it.
pub(super) fn pending(
    migrations: &[&'static str],
    applied: &[Vec<u8>],
) -> Result<Vec<Migration>, MigrationError> {
    if applied.len() > migrations.len() {
        return Err(MigrationError::Newer { found: applied.len(), known: migrations.len() });
    }
    let all = (1..).zip(migrations).map(|(number, sql)| {
        let checksum = Sha256::digest(sql.as_bytes()).to_vec();
        Migration { number, checksum, sql }
    });
    let mut pending = Vec::new();
    for (index, migration) in all.enumerate() {
        match applied.get(index) {
            Some(checksum) if *checksum == migration.checksum => {}
            Some(_) => return Err(MigrationError::Altered(migration.number)),
            None => pending.push(migration),
        }
    }
    Ok(pending)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_applied_must_be_the_same_and_what_is_left_is_pending() {
        let checksum = |sql: &str| Sha256::digest(sql.as_bytes()).to_vec();
        let numbers = |applied: &[Vec<u8>]| {
            let pending = pending(&["one", "two"], applied)?;
            Ok::<_, MigrationError>(pending.iter().map(|migration| migration.number).collect::<Vec<_>>())
        };
        assert_eq!(numbers(&[]), Ok(vec![1, 2]));
        assert_eq!(numbers(&[checksum("one")]), Ok(vec![2]));
        assert_eq!(numbers(&[checksum("other")]), Err(MigrationError::Altered(1)));
        let newer = [checksum("one"), checksum("two"), checksum("three")];
        assert_eq!(numbers(&newer), Err(MigrationError::Newer { found: 3, known: 2 }));
    }
}
