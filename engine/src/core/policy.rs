//! How often and after what delay a failed call is repeated.

use std::time::Duration;

/// How many interruptions in a row (the engine died, the time limit passed) fail a call.
pub const MOST_INTERRUPTIONS: u32 = 3;

/// Exponential back-off with jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often a call is tried in all, at least 1.
    pub attempts: u32,
    /// The delay after the first failure; it doubles with each.
    pub first: Duration,
    /// The longest delay.
    pub most: Duration,
}

impl RetryPolicy {
    /// What holds where the definition says nothing: 5 attempts, 1 s doubling, at most 1 h.
    pub const DEFAULT: Self =
        Self { attempts: 5, first: Duration::from_secs(1), most: Duration::from_hours(1) };

    /// What is not tried again.
    pub const NEVER: Self = Self { attempts: 1, ..Self::DEFAULT };

    /// The delay after the `failures`-th failure, or `None` to give up.
    ///
    /// `jitter` in 0..1 shortens the delay by up to half, so that what failed together does not return
    /// together. The delay is never shorter than `at_least`.
    pub fn delay(&self, failures: u32, jitter: f64, at_least: Option<Duration>) -> Option<Duration> {
        if failures >= self.attempts {
            return None;
        }
        let doublings = failures.saturating_sub(1).min(31);
        let full = self.first.saturating_mul(1 << doublings).min(self.most);
        let delay = full.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0);
        Some(delay.max(at_least.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s4_delays_double_up_to_the_longest_and_end_with_the_attempts() {
        let policy = RetryPolicy { attempts: 5, first: Duration::from_secs(1), most: Duration::from_secs(3) };
        let delays: Vec<_> = (1..=5).map(|failures| policy.delay(failures, 0.0, None)).collect();
        assert_eq!(
            delays,
            [Some(1), Some(2), Some(3), Some(3), None].map(|delay| delay.map(Duration::from_secs))
        );
    }

    #[test]
    fn s4_jitter_shortens_and_retry_after_is_honoured() {
        let policy = RetryPolicy::DEFAULT;
        assert_eq!(policy.delay(1, 1.0, None), Some(Duration::from_millis(500)));
        assert_eq!(policy.delay(1, 0.5, Some(Duration::from_secs(30))), Some(Duration::from_secs(30)));
    }
}
