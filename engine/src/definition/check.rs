//! Everything that can be known to be wrong with a definition before it is enabled.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;
use stepwell::manifest::BlockKind;

use super::calls::ids_of_called;
use super::control::JOIN;
use super::field::{hint, schemas_on};
use super::graph::{Fork, Graph, MOST_EDGES};
use super::outcomes::Available;
use super::parse::{join, unknown};
use super::scopes::{Scopes, is_condition};
use super::types;
use super::{Catalog, CatalogBlock, Definition, Edges, Problem, StepInstance};
use crate::expr::{Template, Use, is_word};
use crate::secrets::sealed_paths;

/// Variables that every step can read.
const ALWAYS_THERE: [&str; 3] = ["trigger", "run", "workflow"];

/// Checks a definition against the registered blocks. Reports every problem with its path; none means that the
/// definition can be enabled.
pub fn check(definition: &Definition, catalog: &Catalog) -> Vec<Problem> {
    let mut checker = Checker {
        definition,
        catalog,
        templates: Vec::new(),
        scopes: Scopes::of(definition),
        problems: Vec::new(),
    };
    checker.trigger();
    checker.concurrency();
    checker.on_error();
    checker.problems.extend(ids_of_called(definition));
    for (id, step) in &definition.steps {
        checker.step(id, step);
    }
    checker.graph();
    checker.problems
}

struct Checker<'a> {
    definition: &'a Definition,
    catalog: &'a Catalog,
    /// The steps' configs that could be compiled.
    templates: Vec<(&'a str, Template)>,
    scopes: Scopes<'a>,
    problems: Vec<Problem>,
}

impl<'a> Checker<'a> {
    fn problem(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem::new(path, message));
    }

    fn trigger(&mut self) {
        let trigger = &self.definition.trigger;
        let block = self.block(&trigger.block, BlockKind::Trigger, "trigger");
        self.connection(block, trigger.connection.as_deref(), "trigger");
        let templated = match Template::compile(&trigger.config) {
            Ok(template) => {
                for path in template.templated() {
                    let message = "A trigger's config holds no variables: it is set once, before there is a run; write the value itself";
                    self.problem(join("trigger.config", path), message);
                }
                self.config(block, &trigger.config, template.templated(), "trigger");
                Some(template.templated().clone())
            }
            Err(problems) => {
                self.nested("trigger.config", problems);
                None
            }
        };
        let available = self.available(block, &trigger.config, templated.as_ref(), "trigger");
        self.edges(available.as_ref(), &trigger.on, "trigger.on", &[]);
        if trigger.on.0.values().all(Vec::is_empty) && !self.definition.steps.is_empty() {
            self.problem("trigger.on", "The trigger leads nowhere; say which step follows which outcome");
        }
    }

    /// The key is known before the first step, from the trigger's data.
    fn concurrency(&mut self) {
        const KEY: &str = "concurrency.key";
        const KNOWN: [&str; 2] = ["trigger", "workflow"];
        let Some(key) = self.definition.concurrency.as_ref().and_then(|bound| bound.key.as_ref()) else {
            return;
        };
        match Template::compile(&Value::String(key.clone())) {
            Ok(template) if template.references().is_empty() => self.problem(
                KEY,
                "This key is the same for all runs; name a variable, such as `{{ trigger.customer }}`, or leave it out",
            ),
            Ok(template) => {
                let strangers = template.uses().iter().filter(|one| !KNOWN.contains(&one.variable.as_str()));
                self.problems.extend(strangers.map(|one| {
                    Problem::new(KEY, unknown("variable", &one.variable, KNOWN.into_iter())).at(one.at)
                }));
                self.problems.extend(types::problems_of_key(self.definition, self.catalog, &template));
            }
            Err(problems) => self.nested(KEY, problems),
        }
    }

    fn on_error(&mut self) {
        for target in
            self.definition.on_error.iter().filter(|target| !self.definition.steps.contains_key(*target))
        {
            let known: Vec<&str> = self.definition.steps.keys().map(String::as_str).collect();
            self.problem("on_error", unknown("step", target, known.into_iter()));
        }
    }

    fn step(&mut self, id: &'a str, step: &StepInstance) {
        let path = format!("steps.{id}");
        if is_word(id) {
            let message = format!(
                "`{id}` is a word of expressions, so that none could read what the step gives; call it something else"
            );
            self.problem(&path, message);
        }
        let block = self.block(&step.block, BlockKind::Step, &path);
        self.connection(block, step.connection.as_deref(), &path);
        let config_path = join(&path, "config");
        let templated = match Template::compile(&step.config) {
            Ok(template) => {
                let known = || {
                    let error = self.scopes.handles_errors(id).then_some("error");
                    ALWAYS_THERE
                        .into_iter()
                        .chain(error)
                        .chain(self.definition.steps.keys().map(String::as_str))
                };
                let strangers =
                    template.uses().iter().filter(|one| !known().any(|name| name == one.variable));
                let problems = strangers.map(|one| {
                    let message = unknown("variable", &one.variable, known().collect::<Vec<_>>().into_iter());
                    Problem::new(join(&config_path, &one.field), message).at(one.at)
                });
                self.problems.extend(problems.collect::<Vec<_>>());
                self.config(block, &step.config, template.templated(), &path);
                self.constants(block, template.templated(), &config_path);
                let templated = template.templated().clone();
                self.templates.push((id, template));
                Some(templated)
            }
            Err(problems) => {
                self.nested(&config_path, problems);
                None
            }
        };
        let available = self.available(block, &step.config, templated.as_ref(), &path);
        let on = join(&path, "on");
        let also: &[&str] = if step.deadline.is_some() { &["error", "deadline"] } else { &["error"] };
        self.edges(available.as_ref(), &step.on, &on, also);
        let has_edge = step.on.0.contains_key("deadline");
        if step.deadline.is_some() && !has_edge {
            self.problem(
                join(&path, "deadline"),
                "A deadline needs an edge; say under `on` which step follows `deadline`",
            );
        }
    }

    fn connection(&mut self, block: Option<&CatalogBlock>, name: Option<&str>, path: &str) {
        if let (Some(block), Some(_)) = (block, name)
            && block.manifest.connection.is_none()
        {
            let message = format!("`{}` uses no connection; remove this", block.manifest.id);
            self.problem(join(path, "connection"), message);
        }
    }

    fn block(&mut self, id: &str, kind: BlockKind, path: &str) -> Option<&'a CatalogBlock> {
        let path = join(path, "block");
        let Some(block) = self.catalog.get(id) else {
            let message = unknown("block", id, self.catalog.ids());
            self.problem(path, message);
            return None;
        };
        if block.manifest.kind != kind {
            self.problem(
                path,
                match kind {
                    BlockKind::Step => format!("`{id}` is a trigger; a step needs a block that is a step"),
                    BlockKind::Trigger => {
                        format!("`{id}` is a step; a trigger needs a block that is a trigger")
                    }
                },
            );
            return None;
        }
        Some(block)
    }

    /// Judges the constants of a config; what expressions give is judged when they run (s9).
    fn config(
        &mut self,
        block: Option<&CatalogBlock>,
        config: &Value,
        templated: &BTreeSet<String>,
        path: &str,
    ) {
        let Some(block) = block else { return };
        let open = templated.iter().cloned().chain(sealed_paths(config)).collect();
        for misfit in block.misfits(config, &open) {
            self.problem(join(&join(path, "config"), &misfit.path), misfit.message);
        }
    }

    /// Reports expressions in fields that take none.
    fn constants(&mut self, block: Option<&CatalogBlock>, templated: &BTreeSet<String>, path: &str) {
        let Some(block) = block else { return };
        let schema = block.manifest.config.as_value();
        for field in templated {
            let never = |schema: &&Value| hint(schema, "variables").is_some_and(|rule| rule == "never");
            if schemas_on(schema, field).iter().any(never) {
                self.problem(join(path, field), "This field takes no variables; write the value itself");
            }
        }
    }

    /// The outcomes of an instance, after a look at the names that its config gives.
    fn available(
        &mut self,
        block: Option<&CatalogBlock>,
        config: &Value,
        templated: Option<&BTreeSet<String>>,
        path: &str,
    ) -> Option<Available> {
        let mut available = Available::of(&block?.manifest, config, templated);
        let problems = std::mem::take(&mut available.problems);
        self.nested(&join(path, "config"), problems);
        Some(available)
    }

    fn edges(&mut self, available: Option<&Available>, on: &Edges, path: &str, also: &[&str]) {
        for (outcome, targets) in &on.0 {
            let edge = join(path, outcome);
            if let Some(available) = available {
                let known = available.ids.iter().map(String::as_str).chain(also.iter().copied());
                if outcome == "deadline" && !also.contains(&"deadline") && path != "trigger.on" {
                    self.problem(
                        &edge,
                        "The step has no deadline; set one, such as `deadline: 7d`, or remove the edge",
                    );
                } else if let Some(absence) = available.absence(outcome) {
                    self.problem(&edge, absence);
                } else if !available.open && !known.clone().any(|id| id == outcome) {
                    let message = unknown("outcome", outcome, known.collect::<Vec<_>>().into_iter());
                    self.problem(&edge, message);
                }
            }
            for target in targets.iter().filter(|target| !self.definition.steps.contains_key(*target)) {
                let message = unknown(
                    "step",
                    target,
                    self.definition.steps.keys().map(String::as_str).collect::<Vec<_>>().into_iter(),
                );
                self.problems.push(Problem::new(&edge, message));
            }
        }
    }

    fn graph(&mut self) {
        let edges = self.definition.steps.values().map(|step| &step.on).chain([&self.definition.trigger.on]);
        let count: usize = edges.flat_map(|on| on.0.values()).map(Vec::len).sum();
        if count > MOST_EDGES {
            let message = format!("A workflow has at most {MOST_EDGES} edges, this one {count}; split it");
            self.problem("steps", message);
            return;
        }
        let graph = Graph::of(self.definition);
        let passed = graph.always_before();
        for id in self.definition.steps.keys().filter(|id| !passed.contains_key(id.as_str())) {
            self.problem(
                format!("steps.{id}"),
                format!("No path leads to `{id}`; add an edge to it, or remove it"),
            );
        }
        for cycle in graph.cycles() {
            let way = cycle.iter().chain(&cycle[..1]).copied().collect::<Vec<_>>().join("` → `");
            self.problem(
                format!("steps.{}", cycle[0]),
                format!(
                    "`{way}` goes in a circle; remove one of its edges, since a path comes to a step once"
                ),
            );
        }
        for (step, Fork { from, outcome }) in graph.parallel_merges() {
            let remedy = if self.catalog.get(JOIN).is_some() {
                format!("let them meet in a `{JOIN}` step that leads to `{step}`")
            } else {
                "let each lead to a step of its own".to_owned()
            };
            self.problem(
                format!("steps.{step}"),
                format!("Branches that run in parallel from `{from}` on `{outcome}` both lead to `{step}`, which would run twice; {remedy}"),
            );
        }
        let problems = self.scopes.problems(self.definition);
        self.problems.extend(problems);
        self.problems.extend(types::problems(self.definition, self.catalog, &self.scopes, &self.templates));
        self.missing(&passed);
    }

    /// Reports variables of steps that a path may not have passed.
    fn missing(&mut self, passed: &HashMap<&str, BTreeSet<&str>>) {
        for (id, template) in std::mem::take(&mut self.templates) {
            let Some(passed) = passed.get(id) else { continue };
            for one in template.uses() {
                let Use { variable, field, optional, at } = one;
                let field_path = join(&format!("steps.{id}.config"), field);
                if let Some(message) = self.scopes.hidden(self.definition, id, one) {
                    self.problems.push(Problem::new(field_path, message).at(*at));
                    continue;
                }
                if *optional || is_condition(self.definition, id, field) {
                    continue;
                }
                if self.definition.steps.contains_key(variable) && !passed.contains(variable.as_str()) {
                    let message = format!(
                        "`{variable}` is not on every path to `{id}`, so its data may be missing; use `default`, or another path"
                    );
                    self.problems.push(Problem::new(field_path, message).at(*at));
                }
            }
        }
    }

    fn nested(&mut self, path: &str, problems: Vec<Problem>) {
        self.problems.extend(
            problems.into_iter().map(|problem| Problem { path: join(path, &problem.path), ..problem }),
        );
    }
}
