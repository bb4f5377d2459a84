//! The registered blocks, as definitions are checked against.

use std::collections::BTreeMap;

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;
use stepwell::manifest::{BlockManifest, Manifest};

use super::Problem;
use super::parse::{join, unknown};

/// The registered blocks by id.
pub struct Catalog {
    blocks: BTreeMap<String, CatalogBlock>,
}

/// A registered block.
pub struct CatalogBlock {
    /// What its manifest says.
    pub manifest: BlockManifest,
    validator: Validator,
}

/// A value that does not fit a schema.
pub(super) struct Misfit {
    /// The path of the value, or of the field that is missing or too much.
    pub(super) path: String,
    /// The path of the value that was judged.
    pub(super) judged: String,
    /// Whether the judgement rests on what lies below the value.
    pub(super) compound: bool,
    pub(super) message: String,
}

impl Catalog {
    /// The blocks of a manifest.
    ///
    /// # Errors
    ///
    /// When two blocks have one id, or a schema is not one.
    pub fn new(manifest: &Manifest) -> Result<Self, Vec<Problem>> {
        let mut blocks = BTreeMap::new();
        let mut problems = Vec::new();
        for block in manifest.apps.iter().flat_map(|app| &app.blocks) {
            match jsonschema::validator_for(block.config.as_value()) {
                Ok(validator) => {
                    let known = CatalogBlock { manifest: block.clone(), validator };
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
        if problems.is_empty() { Ok(Self { blocks }) } else { Err(problems) }
    }

    /// A block.
    pub fn get(&self, id: &str) -> Option<&CatalogBlock> {
        self.blocks.get(id)
    }

    /// The ids of all blocks.
    pub fn ids(&self) -> impl Iterator<Item = &str> + Clone {
        self.blocks.keys().map(String::as_str)
    }
}

impl CatalogBlock {
    /// What is wrong with a config, each problem with a path such as `config.first_name`.
    pub fn validate(&self, config: &Value) -> Vec<Problem> {
        self.misfits(config)
            .into_iter()
            .map(|misfit| Problem::new(join("config", &misfit.path), misfit.message))
            .collect()
    }

    pub(super) fn misfits(&self, config: &Value) -> Vec<Misfit> {
        let mut misfits = Vec::new();
        for error in self.validator.iter_errors(config) {
            let judged = error.instance_path().to_string().trim_start_matches('/').replace('/', ".");
            match error.kind() {
                ValidationErrorKind::Required { property } => {
                    let name = property.as_str().unwrap_or_default();
                    let message = format!("`{name}` is required; give it a value");
                    misfits.push(Misfit { path: join(&judged, name), judged, compound: false, message });
                }
                ValidationErrorKind::AdditionalProperties { unexpected } => {
                    for name in unexpected {
                        let message = unknown("field", name, self.fields(&judged).iter().map(String::as_str));
                        misfits.push(Misfit {
                            path: join(&judged, name),
                            judged: judged.clone(),
                            compound: false,
                            message,
                        });
                    }
                }
                kind => {
                    let compound = matches!(
                        kind,
                        ValidationErrorKind::AnyOf { .. }
                            | ValidationErrorKind::OneOfNotValid { .. }
                            | ValidationErrorKind::OneOfMultipleValid { .. }
                            | ValidationErrorKind::Enum { .. }
                            | ValidationErrorKind::Constant { .. }
                            | ValidationErrorKind::Not { .. }
                            | ValidationErrorKind::UniqueItems
                    );
                    misfits.push(Misfit {
                        path: judged.clone(),
                        judged,
                        compound,
                        message: format!("The value does not fit: {error}"),
                    });
                }
            }
        }
        misfits
    }

    /// The names of the fields that the schema has at the top.
    fn fields(&self, path: &str) -> Vec<String> {
        if !path.is_empty() {
            return Vec::new();
        }
        let properties = self.manifest.config.as_value().get("properties").and_then(Value::as_object);
        properties.map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
    }
}
