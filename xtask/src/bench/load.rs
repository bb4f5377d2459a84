//! Clients that each begin their next turn when the last has ended.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use hdrhistogram::Histogram;

use super::{Outcome, failed};

/// The longest latency that is told apart, in microseconds: two minutes.
const LONGEST: u64 = 120_000_000;

/// What clients have done.
pub(super) struct Load {
    seconds: f64,
    latencies: Histogram<u64>,
}

impl Load {
    /// Turns in each second.
    pub(super) fn rate(&self) -> f64 {
        self.turns() / self.seconds
    }

    #[expect(clippy::cast_precision_loss, reason = "no bench takes 2^52 turns")]
    pub(super) fn turns(&self) -> f64 {
        self.latencies.len() as f64
    }

    /// The milliseconds within which this share of the turns ended.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "no turn takes 2^52 µs")]
        let microseconds = self.latencies.value_at_quantile(share) as f64;
        microseconds / 1000.0
    }
}

/// How long clients go on.
#[derive(Clone, Copy)]
pub(super) enum Until {
    /// They begin no turn after this time.
    Time(Duration),
    /// Each takes this many turns.
    Turns(usize),
}

/// Lets the clients take turns. The first that fails ends all.
pub(super) async fn drive<C>(
    clients: &mut [C],
    until: Until,
    turn: impl AsyncFn(&mut C) -> Outcome<()>,
) -> Outcome<Load> {
    let begun = Instant::now();
    let turn = &turn;
    let each = clients.iter_mut().map(|client| async move {
        let mut latencies = Histogram::new_with_max(LONGEST, 3).map_err(failed("the latencies"))?;
        let mut turns = 0;
        while match until {
            Until::Time(time) => begun.elapsed() < time,
            Until::Turns(most) => turns < most,
        } {
            let begun = Instant::now();
            turn(client).await?;
            latencies.saturating_record(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
            turns += 1;
        }
        Ok(latencies)
    });
    let parts = try_join_all(each).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let mut latencies = Histogram::new_with_max(LONGEST, 3).map_err(failed("the latencies"))?;
    for part in parts {
        latencies.add(part).map_err(failed("the latencies"))?;
    }
    Ok(Load { seconds, latencies })
}
