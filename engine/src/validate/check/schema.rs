//! Schemas are valid, complete in themselves, and bounded.

use serde_json::Value;

use super::Findings;

/// The largest schema as JSON, in bytes: the editor holds those of all blocks at once.
const LARGEST_SCHEMA: usize = 64 * 1024;

/// How deeply values may nest: nobody fills a form, or writes a path, that is deeper.
const DEEPEST_SCHEMA: usize = 16;

/// How many fields a schema may name, at all depths: more is not a form but a document.
const MOST_FIELDS: usize = 200;

/// The only dialect that manifests carry.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

pub(super) fn check(found: &mut Findings, path: &str, schema: &Value) {
    let bytes = schema.to_string().len();
    if bytes > LARGEST_SCHEMA {
        // The other checks are not for what is too large to look at.
        let message =
            format!("its schema has {bytes} bytes, at most {LARGEST_SCHEMA} are allowed; split the block");
        return found.add(path, message);
    }
    if schema.get("$schema").is_some_and(|dialect| dialect != DIALECT) {
        return found.add(path, format!("its schema is in another dialect; write it in {DIALECT}"));
    }
    if let Err(error) = jsonschema::draft202012::meta::validate(schema) {
        let place = error.instance_path().to_string();
        return found.add(path, format!("its schema is not valid at `{place}`: {error}"));
    }
    let mut measures = Measures::default();
    measures.take(schema, schema, 0);
    if measures.depth > DEEPEST_SCHEMA {
        let depth = measures.depth;
        found.add(
            path,
            format!("its values nest {depth} deep, at most {DEEPEST_SCHEMA} are allowed; flatten them"),
        );
    }
    if measures.fields > MOST_FIELDS {
        let fields = measures.fields;
        found
            .add(path, format!("it has {fields} fields, at most {MOST_FIELDS} are allowed; split the block"));
    }
    for reference in &measures.lost {
        found.add(
            path,
            format!("it refers to {reference}, which is not in the schema; include what it means"),
        );
    }
    if measures.lost.is_empty()
        && let Err(error) = jsonschema::validator_for(schema)
    {
        found.add(path, format!("its schema cannot be used: {error}"));
    }
}

/// What is counted in a schema.
#[derive(Default)]
struct Measures {
    depth: usize,
    fields: usize,
    /// References to what is not in the schema.
    lost: Vec<Value>,
}

impl Measures {
    /// Takes in a schema whose values lie at this depth.
    fn take(&mut self, schema: &Value, root: &Value, depth: usize) {
        let Value::Object(keywords) = schema else { return };
        self.depth = self.depth.max(depth);
        for (keyword, value) in keywords {
            match keyword.as_str() {
                "$ref" | "$dynamicRef" => {
                    let target = value.as_str().and_then(|text| root.pointer(text.strip_prefix('#')?));
                    if target.is_none() {
                        self.lost.push(value.clone());
                    }
                }
                "properties" => {
                    self.fields += value.as_object().map_or(0, serde_json::Map::len);
                    self.each(value, root, depth + 1);
                }
                "patternProperties" | "prefixItems" => self.each(value, root, depth + 1),
                "items"
                | "additionalProperties"
                | "contains"
                | "unevaluatedProperties"
                | "unevaluatedItems" => {
                    self.take(value, root, depth + 1);
                }
                "allOf" | "anyOf" | "oneOf" | "dependentSchemas" | "$defs" | "definitions" => {
                    self.each(value, root, depth);
                }
                "not" | "if" | "then" | "else" | "propertyNames" => self.take(value, root, depth),
                _ => {}
            }
        }
    }

    fn each(&mut self, schemas: &Value, root: &Value, depth: usize) {
        let (listed, named) = (schemas.as_array(), schemas.as_object());
        for schema in listed.into_iter().flatten().chain(named.into_iter().flat_map(serde_json::Map::values))
        {
            self.take(schema, root, depth);
        }
    }
}
