//! How much a run may hold (o9). Each limit has an error of its own that names it.

use std::io;

use serde::Serialize;

/// The most bytes of a value as JSON: a config, an outcome's data, a state, a registration, a value of `once`.
/// What is larger belongs into a file or a service, and its address into the value.
pub const LARGEST_VALUE: usize = 1024 * 1024;
/// The most bytes of all configs and outcomes of a run together, so that it can be read and shown.
pub const LARGEST_RUN: usize = 64 * 1024 * 1024;
/// The most executions of a run: a circle that a definition hides in its data ends here.
pub const MOST_EXECUTIONS: u32 = 10_000;

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

/// The size of a value, if a value may have it.
///
/// # Errors
///
/// When it is larger than [`LARGEST_VALUE`].
pub fn checked_size(what: &'static str, value: &impl Serialize) -> Result<usize, TooMuch> {
    let bytes = size(value);
    if bytes > LARGEST_VALUE { Err(TooMuch::Value { what, bytes }) } else { Ok(bytes) }
}
