//! Text as the database takes it: its type `TEXT` holds no NUL, and its indexes hold nothing long.

use std::borrow::Cow;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// What stands before an escaped character.
const ESCAPE: char = '\u{1b}';
/// What is longer, in bytes, is indexed by its hash: an index row has 2700 bytes at most, and other columns share it.
const LONGEST_KEY: usize = 1000;

/// Text that reads the same after [`read`].
pub(super) fn written(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return Cow::Borrowed(text);
    }
    let mut written = String::with_capacity(text.len() + 1);
    for character in text.chars() {
        match character {
            '\0' => written.extend([ESCAPE, '0']),
            ESCAPE => written.extend([ESCAPE, ESCAPE]),
            other => written.push(other),
        }
    }
    Cow::Owned(written)
}

/// The text that was written.
pub(super) fn read(written: String) -> String {
    if !written.contains(ESCAPE) {
        return written;
    }
    let mut text = String::with_capacity(written.len());
    let mut characters = written.chars();
    while let Some(character) = characters.next() {
        match (character, characters.clone().next()) {
            (ESCAPE, Some('0')) => text.push('\0'),
            (ESCAPE, Some(ESCAPE)) => text.push(ESCAPE),
            _ => {
                text.push(character);
                continue;
            }
        }
        characters.next();
    }
    text
}

/// What stands for a text in an index: the same for the same text, another for any other.
pub(super) fn key(text: &str) -> Cow<'_, str> {
    let written = written(text);
    if written.len() <= LONGEST_KEY {
        return written;
    }
    let mut hash = format!("{ESCAPE}sha256:");
    for byte in Sha256::digest(text.as_bytes()) {
        // A `String` takes everything.
        let _ = write!(hash, "{byte:02x}");
    }
    Cow::Owned(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_as_it_was_written_and_keys_differ_as_their_texts_do() {
        let long = "x".repeat(LONGEST_KEY + 1);
        let texts = ["", "plain", "\0", "0", "\u{1b}", "\u{1b}0", "\u{1b}\u{1b}0", "a\0b\u{1b}", &long];
        for text in texts {
            assert!(!written(text).contains('\0'));
            assert_eq!(read(written(text).into_owned()), text);
        }
        let mut keys: Vec<_> = texts.iter().map(|text| key(text)).collect();
        keys.push(key(&"y".repeat(LONGEST_KEY + 1)).into_owned().into());
        assert!(keys.iter().all(|key| key.len() <= LONGEST_KEY && !key.contains('\0')));
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), texts.len() + 1);
    }
}
