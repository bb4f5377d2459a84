//! The outcomes that an instance of a block has, by its config.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use stepwell::config::{Condition, with_defaults};
use stepwell::manifest::BlockManifest;
use stepwell::outcome::{OutcomeDescription, names};

use super::Problem;
use super::parse::{LONGEST_ID, is_snake_case};

/// Ids that the engine gives to ways of ending that every block has.
const RESERVED: [&str; 2] = ["error", "deadline"];

/// The outcomes that an instance has.
#[derive(Default)]
pub(super) struct Available {
    pub(super) ids: Vec<String>,
    /// The outcomes that another config would have, and what must hold for them.
    pub(super) conditional: BTreeMap<String, Vec<Condition>>,
    /// Whether there are outcomes whose ids are not known.
    pub(super) open: bool,
    /// What is wrong with the names that the config gives, with paths within the config.
    pub(super) problems: Vec<Problem>,
}

impl Available {
    /// The outcomes with this config. `templated` are the paths of its fields that hold expressions; `None` where that
    /// could not be found out.
    pub(super) fn of(block: &BlockManifest, config: &Value, templated: Option<&BTreeSet<String>>) -> Self {
        let config = with_defaults(config, &block.config);
        let mut available = Self::default();
        let (listed, fixed): (Vec<_>, Vec<_>) =
            block.outcomes.iter().partition(|outcome| outcome.each.is_some());
        for outcome in fixed {
            if available.exists(outcome, &config, templated) {
                available.ids.push(outcome.id.clone());
            }
        }
        for outcome in listed {
            if let (true, Some(field)) = (available.exists(outcome, &config, templated), &outcome.each) {
                available.named(field, &config, templated, block);
            }
        }
        available
    }

    /// Whether the conditions hold. Those that read a field with expressions may hold when the run comes to it.
    fn exists(
        &mut self,
        outcome: &OutcomeDescription,
        config: &Value,
        templated: Option<&BTreeSet<String>>,
    ) -> bool {
        let failing: Vec<Condition> = outcome
            .when
            .iter()
            .filter(|condition| !reads(&condition.field, templated) && !condition.holds(config))
            .cloned()
            .collect();
        let exists = failing.is_empty();
        if !exists && outcome.each.is_none() {
            self.conditional.insert(outcome.id.clone(), failing);
        }
        exists
    }

    /// Adds the outcomes that a field names.
    fn named(
        &mut self,
        field: &str,
        config: &Value,
        templated: Option<&BTreeSet<String>>,
        block: &BlockManifest,
    ) {
        let Some(templated) = templated else {
            self.open = true;
            return;
        };
        if templated.contains(field) {
            self.open = true;
            let message = format!(
                "`{field}` names the outcomes, which edges must know beforehand; write the names themselves"
            );
            self.problems.push(Problem::new(field, message));
            return;
        }
        for name in names(config, field) {
            let id = name.id.as_str();
            let fixed = || block.outcomes.iter().any(|outcome| outcome.each.is_none() && outcome.id == id);
            let message = if templated.contains(&name.path) {
                self.open = true;
                "This names an outcome, which edges must know beforehand; write the name itself".to_owned()
            } else if RESERVED.contains(&id) {
                format!("`{id}` is what the engine calls an ending of its own; choose another name")
            } else if !is_snake_case(id) || id.len() > LONGEST_ID {
                format!(
                    "`{id}` names an outcome, so it is snake_case and at most {LONGEST_ID} characters long, such as `small_team`"
                )
            } else if fixed() {
                format!("`{id}` is an outcome of the block already; choose another name")
            } else if self.ids.iter().any(|earlier| earlier == id) {
                format!("`{id}` is given twice; choose another name")
            } else {
                self.ids.push(name.id);
                continue;
            };
            self.problems.push(Problem::new(name.path, message));
        }
    }

    /// Why an edge cannot follow an outcome that another config would have.
    pub(super) fn absence(&self, outcome: &str) -> Option<String> {
        let conditions = self.conditional.get(outcome)?;
        let sentence: Vec<String> = conditions.iter().map(ToString::to_string).collect();
        let fields: Vec<String> =
            conditions.iter().map(|condition| format!("`{}`", condition.field)).collect();
        Some(format!(
            "The outcome `{outcome}` exists only if {}; change {}, or remove the edge",
            sentence.join(" and "),
            fields.join(" and ")
        ))
    }
}

/// Whether a field holds expressions.
fn reads(field: &str, templated: Option<&BTreeSet<String>>) -> bool {
    let Some(templated) = templated else { return true };
    templated.iter().any(|path| path.split('.').next() == Some(field))
}
