//! What every block must keep to.

mod deprecation;
mod handlers;
mod looked_up;
mod schema;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeSet;
use std::fmt;

use stepwell::manifest::{App, BlockManifest};

/// The longest time limit of a handler, in milliseconds: what takes more than a day should defer.
const LONGEST_TIME_LIMIT_MS: u64 = 24 * 60 * 60 * 1000;

/// The most attempts of a block that it may let run at once.
const MOST_AT_ONCE: u32 = 10_000;

/// Outcome ids that mean something else in a workflow's edges.
const RESERVED: [&str; 2] = ["error", "deadline"];

/// Something that a block does not keep to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The block's id.
    pub block: String,
    /// Where in the block, such as `outcomes.found.title`; empty for the block itself.
    pub path: String,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { block, path, message } = self;
        let path = if path.is_empty() { String::new() } else { format!("{path}: ") };
        write!(formatter, "{block}: {path}{message}")
    }
}

/// Every mistake in the blocks of these crates.
pub fn check<'a>(apps: impl IntoIterator<Item = &'a App>) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut ids = BTreeSet::new();
    for app in apps {
        mistakes.extend(looked_up::check_twice(app).map(|message| Mistake {
            block: app.name.clone(),
            path: String::new(),
            message,
        }));
        for block in &app.blocks {
            let mut found = Findings(Vec::new());
            if !ids.insert(&block.id) {
                found.add("", "two blocks have this id; give one another with `id = \"…\"`");
            }
            check_block(&mut found, app, block);
            mistakes.extend(found.0.into_iter().map(|(path, message)| Mistake {
                block: block.id.clone(),
                path,
                message,
            }));
        }
    }
    mistakes
}

/// The mistakes of one block, as path and message.
struct Findings(Vec<(String, String)>);

impl Findings {
    fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push((path.into(), message.into()));
    }
}

fn check_block(found: &mut Findings, app: &App, block: &BlockManifest) {
    let name = block.id.strip_prefix(&app.name).and_then(|rest| rest.strip_prefix('/'));
    if !name.is_some_and(words::is_kebab_case) {
        let example = format!("{}/find-email", app.name);
        found.add("", format!("a block's id is its crate and a name in kebab-case, such as `{example}`"));
    }
    words::check_title(found, "title", &block.title);
    words::check_description(found, "description", block.description.as_deref());
    if block.time_limit_ms.is_some_and(|limit| limit == 0 || limit > LONGEST_TIME_LIMIT_MS) {
        found.add("time_limit_ms", "a handler may take from 1 ms to 24 h; to wait longer, defer");
    }
    if block.concurrency.is_some_and(|bound| !(1..=MOST_AT_ONCE).contains(&bound)) {
        found.add(
            "concurrency",
            "a block runs from 1 to 10000 attempts at once; to leave it unbounded, remove it",
        );
    }
    handlers::check(found, block);
    deprecation::check(found, app, block);
    schema::check(found, "config", block.config.as_value());
    check_outcomes(found, block);
    looked_up::check(found, app, block);
    for (path, schema) in [("state", &block.state), ("registration", &block.registration)] {
        if let Some(schema) = schema {
            schema::check(found, path, schema.as_value());
        }
    }
}

fn check_outcomes(found: &mut Findings, block: &BlockManifest) {
    let mut ids = BTreeSet::new();
    for outcome in &block.outcomes {
        let path = format!("outcomes.{}", outcome.id);
        if !ids.insert(&outcome.id) {
            found.add(&path, "two outcomes have this id; rename one");
        }
        if RESERVED.contains(&outcome.id.as_str()) {
            found.add(&path, "the id means something else in a workflow's edges; choose another");
        } else if !words::is_snake_case(&outcome.id) {
            found.add(&path, "an outcome's id is in snake_case, such as `not_found`");
        }
        words::check_title(found, &format!("{path}.title"), &outcome.title);
        words::check_description(found, &format!("{path}.description"), outcome.description.as_deref());
        if let Some(schema) = &outcome.schema {
            schema::check(found, &path, schema.as_value());
        }
    }
}
