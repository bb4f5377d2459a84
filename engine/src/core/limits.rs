//! How much a run may hold (o9). Each limit has an error of its own that names it.

use std::io;

use serde::Serialize;
use serde_json::Value;

/// The most bytes of a value as JSON: a config, an outcome's data, a state, a registration, a value of `once`.
/// What is larger belongs into a file or a service, and its address into the value.
pub const LARGEST_VALUE: usize = 1024 * 1024;
/// How deep a value may nest. What a parser reads at most (128) less what the value is wrapped in where it is recorded
/// and shown.
pub const DEEPEST_VALUE: usize = 100;
/// The most bytes of all configs and outcomes of a run together, so that it can be read and shown.
pub const LARGEST_RUN: usize = 64 * 1024 * 1024;
/// The most executions of a run: a circle that a definition hides in its data ends here.
pub const MOST_EXECUTIONS: u32 = 10_000;

/// How many calls of workflows may lead to a run: a workflow that calls itself without end stops here.
pub const DEEPEST_CALL: u32 = 16;

/// Why something is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooMuch {
    /// A value is larger than [`LARGEST_VALUE`].
    #[error(
        "{what} has {bytes} bytes, and a value has {LARGEST_VALUE} at most; keep it elsewhere and pass its address on"
    )]
    Value {
        /// Which value.
        what: &'static str,
        /// Its size.
        bytes: usize,
    },
    /// A value nests deeper than [`DEEPEST_VALUE`].
    #[error("{what} nests deeper than {DEEPEST_VALUE} levels; make it flatter, or pass it on as a text")]
    Deep {
        /// Which value.
        what: &'static str,
    },
    /// A run holds more than [`LARGEST_RUN`].
    #[error(
        "the configs and outcomes of the run have more than {LARGEST_RUN} bytes; keep large values elsewhere"
    )]
    Run,
    /// A run has had [`MOST_EXECUTIONS`].
    #[error(
        "the run has had {MOST_EXECUTIONS} executions, which is the most; split it into several workflows"
    )]
    Executions,
    /// A run is called by [`DEEPEST_CALL`] others, each of which was called by the next.
    #[error(
        "{DEEPEST_CALL} calls have led to this run, which is the most; let it call nothing more, for instance by a condition"
    )]
    Calls,
}

/// The size of a value as JSON.
pub fn size(value: &impl Serialize) -> usize {
    struct Counter(usize);

    impl io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let mut counter = Counter(0);
    // What has no JSON form is refused where it is made.
    let _ = serde_json::to_writer(&mut counter, value);
    counter.0
}

/// Whether a value nests deeper than this many levels.
fn deeper_than(levels: usize, value: &Value) -> bool {
    let Some(levels) = levels.checked_sub(usize::from(value.is_array() || value.is_object())) else {
        return true;
    };
    match value {
        Value::Array(items) => items.iter().any(|item| deeper_than(levels, item)),
        Value::Object(fields) => fields.values().any(|field| deeper_than(levels, field)),
        _ => false,
    }
}

/// The size of a value, if a value may have it.
///
/// # Errors
///
/// When it is larger than [`LARGEST_VALUE`], or nests deeper than [`DEEPEST_VALUE`].
pub fn checked_size(what: &'static str, value: &Value) -> Result<usize, TooMuch> {
    if deeper_than(DEEPEST_VALUE, value) {
        return Err(TooMuch::Deep { what });
    }
    let bytes = size(value);
    if bytes > LARGEST_VALUE { Err(TooMuch::Value { what, bytes }) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o9_a_value_nests_so_deep_that_what_holds_it_can_be_read_again() {
        let nested = |levels| (0..levels).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
        assert!(checked_size("it", &nested(DEEPEST_VALUE)).is_ok());
        assert_eq!(checked_size("it", &nested(DEEPEST_VALUE + 1)), Err(TooMuch::Deep { what: "it" }));
    }
}
