//! Whole lifecycles on the real driver, the real store and the real clock: on `SQLite` in the test binary `lifecycle`,
//! on `PostgreSQL` in `lifecycle_postgres`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod abuse;
mod approval;
mod approval_mail;
mod asking;
mod blocks;
mod bounded;
mod builtin;
mod calls;
mod choices;
mod clocks;
mod connections;
#[path = "../support/cut.rs"]
mod cut;
mod database;
mod engine;
mod examples;
mod graph;
mod http;
mod http_request;
mod interrupted;
mod kit;
mod lanes;
mod limits;
#[path = "../support/mail.rs"]
mod mail;
mod manual;
mod nested;
mod newer;
mod operations;
mod private;
mod questions;
mod refusing;
mod releases;
mod replay;
mod retention;
mod rules;
mod runs;
mod schedule;
mod send_email;
#[path = "../support/mod.rs"]
mod support;
mod time;
mod triggers;
mod webhook;
