//! Texts of blocks and senders that a database keeps in an index.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// How long a text may be that is kept as it is, in bytes: an index of `PostgreSQL` holds some 2,700.
const LONGEST: usize = 500;
/// How what is kept instead begins.
const HASHED: &str = "sha256:";

/// What stands for a text in an index: the text, or its hash if it is long or holds a NUL, which a text of
/// `PostgreSQL` cannot. Different texts have different keys.
pub(super) fn index_key(text: String) -> String {
    if text.len() <= LONGEST && !text.contains('\0') && !text.starts_with(HASHED) {
        return text;
    }
    let mut key = HASHED.to_owned();
    for byte in Sha256::digest(text) {
        // Writing to a string cannot fail.
        let _ = write!(key, "{byte:02x}");
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_text_unless_an_index_cannot_hold_it() {
        assert_eq!(index_key("delivery 1".into()), "delivery 1");
        let long = "x".repeat(LONGEST + 1);
        let keys =
            ["a\0".to_owned(), "a\0\0".to_owned(), long.clone(), long + "x", index_key("a\0".to_owned())]
                .map(index_key);
        for (index, key) in keys.iter().enumerate() {
            assert!(key.starts_with(HASHED) && key.len() == HASHED.len() + 64, "{key}");
            assert!(!keys[..index].contains(key), "{key}");
        }
    }
}
