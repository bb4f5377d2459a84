//! How much may be under way in one process, and for how long. `docs/limits.md` is the table for operators.

use std::time::Duration;

/// How much may be under way in this process, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// `execute`, `finish`, `cancel`, `activate` and `deactivate`: 5 min.
    pub step: Duration,
    /// `trigger` and `handshake`, whose senders wait for the answer: 10 s.
    pub trigger: Duration,
    /// How many attempts run at once: 256. Others are queued.
    pub attempts: usize,
    /// How many runs are queued or worked on when a new one still starts: 10,000. Beyond that, what would start a
    /// run is refused before a handler is called. Runs that wait do not count.
    pub runs: usize,
    /// How many requests to triggers are handled at once: 256. Others are refused.
    pub trigger_requests: usize,
    /// How many requests to one trigger's URL are handled at once: 128. Others are refused.
    pub trigger_requests_per_url: usize,
    /// How many callbacks of executions are received at once: 256. Others wait; none is ever refused (o9).
    pub callbacks: usize,
    /// How many requests to the API are handled at once: 256. Others are refused.
    pub api_requests: usize,
    /// How many connections the server has at once: 4096. Others wait to be accepted.
    pub connections: usize,
    /// How long a client may take to send the body of a request, and to take the next part of an answer: 30 s.
    pub client: Duration,
    /// How long handlers may go on after a signal to stop: 10 s.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            step: Duration::from_mins(5),
            trigger: Duration::from_secs(10),
            attempts: 256,
            runs: 10_000,
            trigger_requests: 256,
            trigger_requests_per_url: 128,
            callbacks: 256,
            api_requests: 256,
            connections: 4096,
            client: Duration::from_secs(30),
            grace: Duration::from_secs(10),
        }
    }
}
