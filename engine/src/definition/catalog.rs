//! The registered blocks, as definitions are checked against.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Validator;
use serde_json::Value;
use stepwell::block::BlockDefinition;
use stepwell::config::{Checks, FieldCheck, FieldError};
use stepwell::connection::ConnectionManifest;
use stepwell::manifest::{BlockManifest, Manifest};

use super::misfit::{Misfit, Unknown, misfits};
use super::parse::join;
use super::whole::fractions;
use super::{Problem, formats};

/// The registered blocks and kinds of connection by id.
pub struct Catalog {
    blocks: BTreeMap<String, CatalogBlock>,
    connections: BTreeMap<String, CatalogConnection>,
}

/// A registered block.
pub struct CatalogBlock {
    /// What its manifest says.
    pub manifest: BlockManifest,
    validator: Validator,
    /// The rules for a config that the schema cannot say.
    checks: fn(&Value) -> Vec<Checks<'_>>,
}

/// A registered kind of connection.
pub struct CatalogConnection {
    /// What its manifest says.
    pub manifest: ConnectionManifest,
    validator: Validator,
}

impl Catalog {
    /// The blocks and kinds of connection of a manifest.
    ///
    /// # Errors
    ///
    /// When two blocks or two kinds of connection have one id, or a schema is not one.
    pub fn new(manifest: &Manifest) -> Result<Self, Vec<Problem>> {
        let mut blocks = BTreeMap::new();
        let mut problems = Vec::new();
        for block in manifest.apps.iter().flat_map(|app| &app.blocks) {
            match formats::validator(block.config.as_value()) {
                Ok(validator) => {
                    let known = CatalogBlock { manifest: block.clone(), validator, checks: |_| Vec::new() };
                    if blocks.insert(block.id.clone(), known).is_some() {
                        problems.push(Problem::new(
                            &block.id,
                            "Two blocks have this id; give one of them another",
                        ));
                    }
                }
                Err(error) => problems
                    .push(Problem::new(&block.id, format!("The config's schema is not valid: {error}"))),
            }
        }
        let mut connections = BTreeMap::new();
        for connection in manifest.apps.iter().flat_map(|app| &app.connections) {
            match jsonschema::validator_for(connection.credentials.as_value()) {
                Ok(validator) => {
                    let known = CatalogConnection { manifest: connection.clone(), validator };
                    if connections.insert(connection.id.clone(), known).is_some() {
                        problems.push(Problem::new(
                            &connection.id,
                            "Two kinds of connection have this id; give one of them another",
                        ));
                    }
                }
                Err(error) => problems.push(Problem::new(
                    &connection.id,
                    format!("The schema of the credentials is not valid: {error}"),
                )),
            }
        }
        if problems.is_empty() { Ok(Self { blocks, connections }) } else { Err(problems) }
    }

    /// The same, judging configs by the rules of these blocks as well that no schema can say.
    #[must_use]
    pub fn checked_by(mut self, blocks: impl IntoIterator<Item = &'static BlockDefinition>) -> Self {
        for block in blocks {
            if let Some(known) = self.blocks.get_mut(&block.id()) {
                known.checks = block.checks;
            }
        }
        self
    }

    /// A block.
    pub fn get(&self, id: &str) -> Option<&CatalogBlock> {
        self.blocks.get(id)
    }

    /// A kind of connection.
    pub fn connection(&self, id: &str) -> Option<&CatalogConnection> {
        self.connections.get(id)
    }

    /// The ids of all kinds of connection.
    pub fn connection_ids(&self) -> impl Iterator<Item = &str> + Clone {
        self.connections.keys().map(String::as_str)
    }

    /// The ids of all blocks.
    pub fn ids(&self) -> impl Iterator<Item = &str> + Clone {
        self.blocks.keys().map(String::as_str)
    }
}

impl CatalogBlock {
    /// What is wrong with a config, each problem with a path such as `config.first_name`.
    pub fn validate(&self, config: &Value) -> Vec<Problem> {
        self.validate_constants(config, &Unknown::new())
    }

    /// What is wrong with a config, whatever the values at these paths are.
    pub(crate) fn validate_constants(&self, config: &Value, open: &BTreeSet<String>) -> Vec<Problem> {
        self.misfits(config, open)
            .into_iter()
            .map(|misfit| Problem::new(join("config", &misfit.path), misfit.message))
            .collect()
    }

    /// What is wrong with a config whatever these of its values are.
    pub(super) fn misfits(&self, config: &Value, open: &Unknown) -> Vec<Misfit> {
        let mut found = Vec::new();
        if !self.validator.is_valid(config) {
            let schema = self.manifest.config.as_value();
            found.extend(self.validator.iter_errors(config).flat_map(|error| misfits(&error, schema, open)));
        }
        found.extend(fractions(config, self.manifest.config.as_value(), open));
        let mut all_broken = Vec::new();
        for checks in (self.checks)(config) {
            let unknown = open.iter().chain(found.iter().map(|misfit| &misfit.path));
            let is_known =
                |rule: &&FieldCheck| !unknown.clone().any(|path| concerns(path, &checks.path, rule.reads));
            all_broken.extend(checks.rules.iter().filter(is_known).filter_map(|rule| broken(rule, &checks)));
        }
        found.extend(all_broken);
        found
    }
}

impl CatalogConnection {
    /// What is wrong with credentials, each problem with the path of the field. No message holds a value.
    pub fn validate(&self, credentials: &Value) -> Vec<Problem> {
        let schema = self.manifest.credentials.as_value();
        let errors = self
            .validator
            .iter_errors(credentials)
            .flat_map(|error| misfits(&error, schema, &Unknown::new()));
        errors.map(|misfit| Problem::new(misfit.path, misfit.message)).collect()
    }
}

/// Whether a path is that of the config at `place`, or leads into one of these fields of it.
fn concerns(path: &str, place: &str, fields: &[&str]) -> bool {
    let rest = match path.strip_prefix(place) {
        Some(rest) if place.is_empty() || rest.is_empty() => Some(rest),
        Some(rest) => rest.strip_prefix('.'),
        None => None,
    };
    let field = rest.and_then(|rest| rest.split('.').next());
    field.is_some_and(|field| field.is_empty() || fields.contains(&field))
}

/// What a rule says of its config.
fn broken(rule: &FieldCheck, checks: &Checks<'_>) -> Option<Misfit> {
    let field = rule.reads.first()?;
    // The author's code may panic, and goes no further than a handler's (s6).
    let judged = std::panic::catch_unwind(|| (rule.check)(checks.config));
    let panicked = || FieldError::new("The block's check of this field panicked; its author has to mend it");
    let error = judged.unwrap_or_else(|_| Err(panicked())).err()?;
    let path = join(&join(&checks.path, field), error.path());
    Some(Misfit { path, message: error.message().to_owned() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn s6_a_check_that_panics_is_a_problem_of_its_field() {
        let rule = FieldCheck { reads: &["age"], check: |_| panic!("no age") };
        let config = json!({ "age": 7 });
        let misfit = broken(&rule, &Checks { path: "of".into(), config: &config, rules: &[] }).unwrap();
        assert_eq!(misfit.path, "of.age");
        assert!(misfit.message.contains("panicked"), "{}", misfit.message);
    }

    #[test]
    fn s9_a_rule_waits_for_what_it_reads_and_for_nothing_else() {
        for (path, place, expected) in [
            ("", "", true),
            ("age", "", true),
            ("age.years", "", true),
            ("ages", "", false),
            ("people.1", "people.1", true),
            ("people.1.age", "people.1", true),
            ("people.1.name", "people.1", false),
            ("people.11.age", "people.1", false),
            ("people", "people.1", false),
            ("age", "people.1", false),
        ] {
            assert_eq!(concerns(path, place, &["age"]), expected, "{path} of {place}");
        }
    }
}
