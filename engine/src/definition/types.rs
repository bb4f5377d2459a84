//! The types of what expressions read: whether a path such as `trigger.issue.title` leads to something, and
//! whether that fits the field.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use stepwell::manifest::BlockManifest;

use super::field::schemas_at;
use super::parse::{join, unknown};
use super::shape::{Shape, Within};
use super::{Catalog, Definition, Edges, Problem};
use crate::expr::{ReadPath, Template};

/// Judges the expressions that are paths. Nothing is said where a schema leaves it open.
pub(super) fn problems(
    definition: &Definition,
    catalog: &Catalog,
    templates: &[(&str, Template)],
) -> Vec<Problem> {
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
            let message = produced(definition, catalog, &path.names[0], &leading)
                .and_then(|outcomes| judge(path, &outcomes, field));
            if let Some(message) = message {
                problems.push(Problem::new(join(&format!("steps.{id}.config"), &path.field), message));
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

/// The schemas of the data that a variable may hold in a step, one for each outcome on the way; `None` where one is
/// not known.
fn produced<'c>(
    definition: &Definition,
    catalog: &'c Catalog,
    variable: &str,
    leading: &BTreeSet<&str>,
) -> Option<Vec<&'c Value>> {
    let (block, on): (&str, &Edges) = match variable {
        "trigger" => (&definition.trigger.block, &definition.trigger.on),
        step => definition.steps.get(step).map(|step| (step.block.as_str(), &step.on))?,
    };
    let manifest = &catalog.get(block)?.manifest;
    let ways =
        on.0.iter().filter(|(_, targets)| targets.iter().any(|target| leading.contains(target.as_str())));
    ways.map(|(outcome, _)| schema_of(manifest, outcome)).collect()
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
fn judge(path: &ReadPath, outcomes: &[&Value], config: Option<&Value>) -> Option<String> {
    let shown = path.names.join(".");
    let mut shape: Option<Shape<'_>> = None;
    let mut absent = None;
    for root in outcomes {
        match follow(path, root) {
            Ok(found) => {
                shape = Some(shape.map_or_else(|| found.clone(), |earlier| earlier.or(found.clone())))
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
    if absent.is_some() || shape.optional && !takes_null {
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
