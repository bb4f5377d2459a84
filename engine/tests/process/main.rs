//! The binary as a process among others: signals, and surroundings that fail.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/mail.rs"]
mod mail;
#[path = "../support/mod.rs"]
mod support;

mod disk;
mod outage;
mod paused;
mod process;
mod runs;
mod send_email;
mod signals;
mod storm;
