//! Moments that a block names.

use std::time::Duration;

use jiff::Timestamp;

/// A moment that a block names: a time, or a while after the engine has recorded what the handler returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At this time; one that has passed means at once.
    At(Timestamp),
    /// This long after the result is recorded.
    After(Duration),
}

impl When {
    /// The time that is meant if the result is recorded `now`. What lies beyond the calendar is its end.
    pub fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::After(delay) => now.checked_add(delay).unwrap_or(Timestamp::MAX),
        }
    }
}
