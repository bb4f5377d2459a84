//! The types of what expressions read: whether a path such as `trigger.issue.title` leads to something, and
//! whether that fits the field.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use stepwell::manifest::BlockManifest;

use super::control::loop_edge;
use super::field::schemas_at;
use super::inputs::inputs_schema;
use super::parse::{join, unknown};
use super::scopes::{Scopes, is_condition};
use super::shape::{Shape, Within};
use super::{Catalog, Definition, Edges, Problem};
use crate::expr::{ReadPath, Template};

/// The variable `error` of the error handler.
static ERROR: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "type": "object",
        "properties": { "step": { "type": ["string", "null"] }, "message": { "type": "string" } },
        "required": ["step", "message"],
    })
});

/// The variable `run`.
static RUN: LazyLock<Value> = LazyLock::new(|| of_texts(&["id", "url"]));

/// The variable `workflow`.
static WORKFLOW: LazyLock<Value> = LazyLock::new(|| {
    let mut schema = of_texts(&["id", "title", "url", "version"]);
    schema["properties"]["version"]["type"] = "integer".into();
    schema
});

/// The schema of a map that has these texts.
fn of_texts(names: &[&str]) -> Value {
    let properties: Map<_, _> =
        names.iter().map(|name| ((*name).to_owned(), json!({ "type": "string" }))).collect();
    json!({ "type": "object", "properties": properties, "required": names })
}

/// Judges the key by which runs are counted: it reads the trigger's data, whatever its outcome, and the workflow.
pub(super) fn problems_of_key(definition: &Definition, catalog: &Catalog, key: &Template) -> Vec<Problem> {
    let inputs = inputs_schema(&definition.trigger);
    let outcomes = catalog.get(&definition.trigger.block).map(|block| &block.manifest.outcomes);
    let of_outcomes = || {
        let schemas = outcomes?.iter().map(|outcome| Some(outcome.schema.as_ref()?.as_value()));
        schemas.collect::<Option<Vec<_>>>()
    };
    let judged = key.paths().iter().filter_map(|path| {
        let schemas = match path.names.first()?.as_str() {
            "workflow" => vec![&*WORKFLOW],
            "trigger" => inputs.as_ref().map(|inputs| vec![inputs]).or_else(of_outcomes)?,
            _ => return None,
        };
        let message = judge(path, &schemas, true, None)?;
        Some(Problem::new("concurrency.key", message).at(path.at))
    });
    judged.collect()
}

/// Judges the expressions that are paths. Nothing is said where a schema leaves it open.
pub(super) fn problems(
    definition: &Definition,
    catalog: &Catalog,
    scopes: &Scopes<'_>,
    templates: &[(&str, Template)],
) -> Vec<Problem> {
    let inputs = inputs_schema(&definition.trigger);
    let variables = Variables { definition, catalog, scopes, inputs: inputs.as_ref() };
    let before = sources(definition);
    let mut problems = Vec::new();
    for (id, template) in templates {
        if template.paths().is_empty() {
            continue;
        }
        let leading = leading_to(id, &before);
        let config = definition.steps.get(*id).and_then(|step| catalog.get(&step.block));
        for path in template.paths() {
            let field = config.map(|block| block.manifest.config.as_value());
            let message = variables
                .held(id, path, &leading)
                .and_then(|(outcomes, sure)| judge(path, &outcomes, sure, field));
            if let Some(message) = message {
                let field = join(&format!("steps.{id}.config"), &path.field);
                problems.push(Problem::new(field, message).at(path.at));
            }
        }
    }
    problems
}

/// The steps, and `trigger`, that have an edge to each step.
fn sources(definition: &Definition) -> BTreeMap<&str, Vec<&str>> {
    let mut sources: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let steps = definition.steps.iter().map(|(id, step)| (id.as_str(), &step.on));
    for (id, on) in steps.chain([("trigger", &definition.trigger.on)]) {
        for target in on.0.values().flatten() {
            sources.entry(target).or_default().push(id);
        }
    }
    sources
}

/// A step and all from which a path leads to it.
fn leading_to<'a>(id: &'a str, sources: &BTreeMap<&'a str, Vec<&'a str>>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::from([id]);
    let mut open = vec![id];
    while let Some(id) = open.pop() {
        open.extend(sources.get(id).into_iter().flatten().copied().filter(|source| found.insert(source)));
    }
    found
}

/// What variables hold.
struct Variables<'a> {
    definition: &'a Definition,
    catalog: &'a Catalog,
    scopes: &'a Scopes<'a>,
    /// The schema of what the trigger takes, if it names its inputs.
    inputs: Option<&'a Value>,
}

impl<'a> Variables<'a> {
    /// The schemas of the data that the variable of a path may hold in a step, one for each outcome, and whether the
    /// variable surely holds one of them there, so that the path must lead to something in each; `None` where one is
    /// not known.
    fn held(
        &self,
        reader: &str,
        path: &ReadPath,
        leading: &BTreeSet<&str>,
    ) -> Option<(Vec<&'a Value>, bool)> {
        let variable = path.names.first()?.as_str();
        let in_handler = self.scopes.handles_errors(reader);
        match variable {
            "error" if in_handler => return Some((vec![&*ERROR], true)),
            "run" => return Some((vec![&*RUN], true)),
            "workflow" => return Some((vec![&*WORKFLOW], true)),
            _ => {}
        }
        let (block, on): (&str, &Edges) = match variable {
            "trigger" => (&self.definition.trigger.block, &self.definition.trigger.on),
            step => self.definition.steps.get(step).map(|step| (step.block.as_str(), &step.on))?,
        };
        if let ("trigger", Some(inputs)) = (variable, self.inputs) {
            return Some((vec![inputs], true));
        }
        let manifest = &self.catalog.get(block)?.manifest;
        let at_end_of_round = is_condition(self.definition, reader, &path.field);
        let into = loop_edge(block);
        if let Some(edge) = into
            && (self.scopes.is_within(reader, variable) || at_end_of_round && reader == variable)
        {
            return Some((vec![schema_of(manifest, edge)?], true));
        }
        let of_round = at_end_of_round && self.scopes.is_within(variable, reader);
        let leads_here = |targets: &[String]| {
            let from_anywhere = of_round || in_handler && variable == "trigger";
            from_anywhere || targets.iter().any(|target| leading.contains(target.as_str()))
        };
        // The paths of a round may end with any outcome.
        let without_edge = manifest.outcomes.iter().map(|outcome| outcome.id.as_str()).filter(|_| of_round);
        let ways =
            on.0.iter().filter(|(_, targets)| leads_here(targets)).map(|(outcome, _)| outcome.as_str());
        let outcomes = ways.chain(without_edge).filter(|outcome| into != Some(*outcome));
        let schemas = outcomes.map(|outcome| schema_of(manifest, outcome)).collect::<Option<_>>()?;
        Some((schemas, !of_round))
    }
}

fn schema_of<'c>(block: &'c BlockManifest, outcome: &str) -> Option<&'c Value> {
    let fixed = block.outcomes.iter().find(|one| one.each.is_none() && one.id == outcome);
    let known = match outcome {
        "error" | "deadline" => fixed,
        _ => fixed.or_else(|| block.outcomes.iter().find(|one| one.each.is_some())),
    };
    Some(known?.schema.as_ref()?.as_value())
}

/// What is wrong with a path, and how to mend it.
fn judge(path: &ReadPath, outcomes: &[&Value], sure: bool, config: Option<&Value>) -> Option<String> {
    let shown = path.names.join(".");
    let mut shape: Option<Shape<'_>> = None;
    let mut absent = None;
    for root in outcomes {
        match follow(path, root) {
            Ok(found) => {
                shape = Some(shape.map_or_else(|| found.clone(), |earlier| earlier.or(found.clone())));
            }
            Err(message) => absent = Some(message),
        }
    }
    let Some(shape) = shape else { return absent };
    let fields = config.map(|config| (config, schemas_at(config, &path.field)));
    let field = fields.and_then(|(config, fields)| {
        fields.into_iter().map(|field| Shape::of(field, config)).reduce(Shape::or)
    });
    let takes_null = path.alone && field.as_ref().is_none_or(|field| field.open || field.optional);
    if sure && absent.is_some() || shape.optional && !takes_null {
        return Some(format!(
            "`{shown}` may be missing; say what to do then, such as `{shown} | default('none', true)`"
        ));
    }
    let field = field.filter(|field| path.alone && !field.open && !shape.open)?;
    let (given, taken) = (shape.types(), field.types());
    let fits = |one: &&str| {
        taken.contains(one)
            || matches!(*one, "integer" | "number")
                && taken.iter().any(|one| matches!(*one, "integer" | "number"))
    };
    if given.is_empty() || taken.is_empty() || given.iter().any(fits) {
        return None;
    }
    Some(format!(
        "`{shown}` is {}, but this field takes {}; convert it with a filter, or pass another value",
        names(&given),
        names(&taken)
    ))
}

fn follow<'s>(path: &ReadPath, root: &'s Value) -> Result<Shape<'s>, String> {
    let mut shape = Shape::of(root, root);
    for (index, name) in path.names.iter().enumerate().skip(1) {
        shape = match shape.within(name, root) {
            Within::Found(shape) => shape,
            Within::Nothing(known) => {
                let what = format!("field in `{}`:", path.names[..index].join("."));
                return Err(unknown(&what, name, known.into_iter()));
            }
        };
    }
    Ok(shape)
}

fn names(types: &BTreeSet<&str>) -> String {
    let names: Vec<_> = types
        .iter()
        .map(|one| match *one {
            "array" => "a list",
            "boolean" => "`true` or `false`",
            "integer" => "a whole number",
            "number" => "a number",
            "object" => "a map",
            _ => "a text",
        })
        .collect();
    names.join(" or ")
}
