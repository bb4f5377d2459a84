//! The built-in blocks, written with the public SDK like anybody's, one file each, or one folder; `inputs`, `mail` and `method` are
//! what some of them share.

mod approval;
mod branch;
mod control;
mod delay;
mod delay_until;
mod filter;
mod http_request;
mod inputs;
mod log;
mod mail;
mod manual;
mod method;
mod schedule;
mod send_email;
mod set;
mod switch;
mod wait_for_callback;
mod webhook;
mod workflow_called;
