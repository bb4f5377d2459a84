//! The time limit of a run: it counts while the run has something to do besides waiting.

use super::state::Cause;
use super::transition::Transition;

impl Transition<'_> {
    /// Notes whether the run is active.
    pub(super) fn count_activity(&mut self) {
        let Some(limit) = self.plan.time_limit else { return };
        let now = self.given.now;
        let state = &mut self.state;
        let active = state.ended.is_none()
            && state.failure.is_none()
            && state.stopped.is_none()
            && !state.cancelling
            && state.live.values().any(super::Execution::is_active);
        match (active, state.active_since) {
            (true, None) => {
                state.active_since = Some(now);
                state.times_out_at = now.checked_add(limit.saturating_sub(state.active_before)).ok();
            }
            (false, Some(since)) => {
                state.active_before += now.duration_since(since).unsigned_abs();
                state.active_since = None;
                state.times_out_at = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }

    /// Fails a run whose time limit has passed.
    pub(super) fn pass_time_limit(&mut self) {
        if self.state.times_out_at.is_none_or(|end| end > self.given.now) {
            return;
        }
        let limit = self.plan.time_limit.unwrap_or_default().as_secs();
        let message = format!("the run was active for longer than its time limit of {limit} s");
        self.state.failure.get_or_insert(message);
        self.give_up_all(Cause::RunFailed);
    }
}
