//! The versions of what is stored.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use super::JOURNAL_FORMAT;

/// The newest form of a run's state.
pub const RUN_FORMAT: u32 = 2;

/// How much this engine reads of what is stored for runs: it grows with each new form. A run that one engine cannot read
/// may be read by one that reads more.
pub const READS: u32 = JOURNAL_FORMAT + RUN_FORMAT;

/// Where the version of a stored form is read. One that is newer than `NEWEST` is refused; what was stored before forms
/// had a version has version 1. [`encode_state`] writes it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Format<const NEWEST: u32>;

impl<'de, const NEWEST: u32> Deserialize<'de> for Format<NEWEST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if u32::deserialize(deserializer)? > NEWEST {
            return Err(serde::de::Error::custom("it is of a newer format"));
        }
        Ok(Self)
    }
}

/// A state that is stored as JSON, with its [`Format`] as the field `format`, which is read and not written.
pub trait StoredState: Serialize + DeserializeOwned {
    /// The newest format that this engine reads.
    const FORMAT: u32;

    /// The oldest format that can say all of this: an engine that reads it goes on with the state as this one would.
    fn format(&self) -> u32;
}

/// Why a stored state cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableState {
    /// It is not what this engine writes.
    #[error("the state cannot be read: {0}")]
    Damaged(serde_json::Error),
    /// A newer engine has written it.
    #[error(
        "the state cannot be read: it has format {format}, and this engine reads up to {known}; use a newer engine"
    )]
    Newer {
        /// Its format.
        format: u32,
        /// The newest that this engine reads.
        known: u32,
    },
}

/// So many bytes most states have at most.
const USUAL_STATE: usize = 1024;

/// The stored form of a state, in the oldest format that can say all of it.
pub fn encode_state<T: StoredState>(state: &T) -> Vec<u8> {
    #[derive(Serialize)]
    struct Stored<'a, T> {
        format: u32,
        #[serde(flatten)]
        state: &'a T,
    }
    let mut stored = Vec::with_capacity(USUAL_STATE);
    serde_json::to_writer(&mut stored, &Stored { format: state.format(), state })
        .expect("a state is numbers, strings, lists and maps with string or integer keys");
    stored
}

/// A state from its stored form.
///
/// # Errors
///
/// When it is damaged, or was written by a newer engine.
pub fn decode_state<T: StoredState>(stored: &[u8]) -> Result<T, UnreadableState> {
    #[derive(Deserialize)]
    struct Head {
        format: u32,
    }
    serde_json::from_slice(stored).map_err(|error| match serde_json::from_slice(stored) {
        Ok(Head { format }) if format > T::FORMAT => UnreadableState::Newer { format, known: T::FORMAT },
        _ => UnreadableState::Damaged(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Stored {
        #[serde(default, skip_serializing)]
        format: Format<2>,
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        age: Option<u32>,
    }

    impl StoredState for Stored {
        const FORMAT: u32 = 2;

        fn format(&self) -> u32 {
            if self.age.is_some() { 2 } else { 1 }
        }
    }

    #[test]
    fn a_newer_format_is_named_whatever_else_is_new_and_one_that_is_missing_is_the_first() {
        let stored = Stored { format: Format, name: "Ada".to_owned(), age: None };
        for json in [r#"{"format":2,"name":"Ada"}"#, r#"{"format":1,"name":"Ada"}"#, r#"{"name":"Ada"}"#] {
            assert_eq!(decode_state::<Stored>(json.as_bytes()).unwrap(), stored);
        }
        for json in [r#"{"format":3,"name":"Ada"}"#, r#"{"name":{"first":"Ada"},"format":3}"#] {
            let error = decode_state::<Stored>(json.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("it has format 3, and this engine reads up to 2"), "{error}");
        }
        assert!(matches!(decode_state::<Stored>(b"{}"), Err(UnreadableState::Damaged(_))));
    }

    #[test]
    fn a_state_has_the_oldest_format_that_can_say_it() {
        for (age, json) in
            [(None, r#"{"format":1,"name":"Ada"}"#), (Some(36), r#"{"format":2,"name":"Ada","age":36}"#)]
        {
            let stored = Stored { format: Format, name: "Ada".to_owned(), age };
            assert_eq!(String::from_utf8(encode_state(&stored)).unwrap(), json);
            assert_eq!(decode_state::<Stored>(json.as_bytes()).unwrap(), stored);
        }
    }
}
