//! The limits that an operator can set.

use crate::driver::Limits;

/// How much may be under way in the process.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits of this process")]
pub(super) struct LimitOptions {
    /// How many attempts of steps run at once; others are queued
    #[arg(long = "max-attempts", env = "STEPWELL_MAX_ATTEMPTS", default_value_t = Limits::default().attempts, value_parser = at_least_one)]
    attempts: usize,
    /// How many runs are queued or worked on; beyond that no new one starts
    #[arg(long = "max-runs", env = "STEPWELL_MAX_RUNS", default_value_t = Limits::default().runs, value_parser = at_least_one)]
    runs: usize,
    /// How many requests to triggers are handled at once; others are refused
    #[arg(long = "max-trigger-requests", env = "STEPWELL_MAX_TRIGGER_REQUESTS", default_value_t = Limits::default().trigger_requests, value_parser = at_least_one)]
    trigger_requests: usize,
    /// How many requests to one trigger's URL are handled at once; others are refused
    #[arg(long = "max-trigger-requests-per-url", env = "STEPWELL_MAX_TRIGGER_REQUESTS_PER_URL", default_value_t = Limits::default().trigger_requests_per_url, value_parser = at_least_one)]
    trigger_requests_per_url: usize,
    /// How many callbacks of waiting steps are received at once; others wait
    #[arg(long = "max-callbacks", env = "STEPWELL_MAX_CALLBACKS", default_value_t = Limits::default().callbacks, value_parser = at_least_one)]
    callbacks: usize,
    /// How many requests to the API are handled at once; others are refused
    #[arg(long = "max-api-requests", env = "STEPWELL_MAX_API_REQUESTS", default_value_t = Limits::default().api_requests, value_parser = at_least_one)]
    api_requests: usize,
    /// How many connections there are at once; others wait to be accepted
    #[arg(long = "max-connections", env = "STEPWELL_MAX_CONNECTIONS", default_value_t = Limits::default().connections, value_parser = at_least_one)]
    connections: usize,
}

impl LimitOptions {
    pub(super) fn limits(&self) -> Limits {
        Limits {
            attempts: self.attempts,
            runs: self.runs,
            trigger_requests: self.trigger_requests,
            trigger_requests_per_url: self.trigger_requests_per_url,
            callbacks: self.callbacks,
            api_requests: self.api_requests,
            connections: self.connections,
            ..Limits::default()
        }
    }
}

/// More than a million of anything is a mistake, and more than a process can hold.
const MOST: usize = 1_000_000;

fn at_least_one(text: &str) -> Result<usize, String> {
    let number = text.parse::<usize>().ok().filter(|number| (1..=MOST).contains(number));
    number.ok_or_else(|| format!("write a number from 1 to {MOST}"))
}
