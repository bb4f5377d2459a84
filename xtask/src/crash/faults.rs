//! What happens to the engines, and when.

/// One thing that happens.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    /// SIGKILL for one engine, and another process in its place.
    Kill,
    /// SIGSTOP for one engine, and SIGCONT when its lease has expired.
    Pause,
    /// The database server is stopped and started again.
    RestartDatabase {
        /// Connections are closed and everything is written down first; otherwise the server recovers as after a crash.
        clean: bool,
    },
}

/// A sequence of numbers that a seed determines (splitmix64).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn between(&mut self, range: std::ops::Range<u64>) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        range.start + (bits ^ (bits >> 31)) % (range.end - range.start)
    }

    /// An index into a slice that is not empty.
    pub(super) fn index(&mut self, length: usize) -> usize {
        let index = self.between(0..u64::try_from(length).unwrap_or(u64::MAX));
        usize::try_from(index).unwrap_or_default()
    }

    /// Fisher and Yates.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.index(last + 1);
            items.swap(last, other);
        }
    }
}
