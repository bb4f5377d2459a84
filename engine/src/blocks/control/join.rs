//! `core/join`: waits for parallel paths.

use stepwell::prelude::*;

use super::carried_out_by_the_core;

/// What to wait for.
#[config]
struct Join {
    /// Wait for
    #[field(default = WaitFor::All)]
    wait_for: WaitFor,
    /// How many paths
    #[field(show_if(wait_for = "some"), check = is_told(wait_for))]
    count: Option<u32>,
    /// Cancel the others
    ///
    /// Whatever still runs or waits on the paths that lead here is cancelled as soon as enough have arrived.
    #[field(default = false)]
    cancel_others: bool,
}

/// Which paths to wait for.
#[data]
#[serde(rename_all = "snake_case")]
enum WaitFor {
    /// All paths
    All,
    /// The first path
    Any,
    /// A number of paths
    Some,
}

fn is_told(count: Option<&u32>, wait_for: &WaitFor) -> Result<(), &'static str> {
    match (count, wait_for) {
        (None, WaitFor::Some) => {
            Err("`count` is required with `wait_for: some`; say how many paths to wait for")
        }
        (Some(0), _) => Err("0 paths are none to wait for; make it at least 1"),
        _ => Ok(()),
    }
}

/// Join paths
///
/// Goes on once, when every path that can still come here has arrived or ended, or when enough have. Paths that arrive
/// later end here.
#[step(app = "core", outcomes(
    /// Joined
    done {
        /// The steps that have led here, in order of arrival
        arrived: Vec<String>,
    },
    /// Too few paths
    #[outcome(when(wait_for = "some"))]
    too_few {
        /// The steps that have led here, in order of arrival
        arrived: Vec<String>,
    },
))]
async fn join(_config: Join, _cx: ExecuteContext) -> Result<JoinOutcome, StepError> {
    Err(carried_out_by_the_core())
}
