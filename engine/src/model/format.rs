//! The versions of stored states.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The version of a stored form. One that is newer than `NEWEST` is not read; what was stored before forms had a
/// version has version 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Format<const NEWEST: u32>;

impl<const NEWEST: u32> Serialize for Format<NEWEST> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(NEWEST)
    }
}

impl<'de, const NEWEST: u32> Deserialize<'de> for Format<NEWEST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if u32::deserialize(deserializer)? > NEWEST {
            return Err(serde::de::Error::custom("it is of a newer format"));
        }
        Ok(Self)
    }
}

/// A state that is stored as JSON, with its [`Format`] as the field `format`.
pub trait StoredState: DeserializeOwned {
    /// The newest format that this engine reads.
    const FORMAT: u32;
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
        #[serde(default)]
        format: Format<2>,
        name: String,
    }

    impl StoredState for Stored {
        const FORMAT: u32 = 2;
    }

    #[test]
    fn a_newer_format_is_named_whatever_else_is_new_and_one_that_is_missing_is_the_first() {
        let stored = Stored { format: Format, name: "Ada".to_owned() };
        let json = r#"{"format":2,"name":"Ada"}"#;
        assert_eq!(serde_json::to_string(&stored).unwrap(), json);
        for json in [json, r#"{"format":1,"name":"Ada"}"#, r#"{"name":"Ada"}"#] {
            assert_eq!(decode_state::<Stored>(json.as_bytes()).unwrap(), stored);
        }
        for json in [r#"{"format":3,"name":"Ada"}"#, r#"{"name":{"first":"Ada"},"format":3}"#] {
            let error = decode_state::<Stored>(json.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("it has format 3, and this engine reads up to 2"), "{error}");
        }
        assert!(matches!(decode_state::<Stored>(b"{}"), Err(UnreadableState::Damaged(_))));
    }
}
