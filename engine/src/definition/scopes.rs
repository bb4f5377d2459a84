//! Which steps belong to which loop, and which to the error handler.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::control::{REPEAT, STOP, loop_edge};
use super::parse::join;
use super::{Definition, Problem};
use crate::expr::Use;

/// Where the steps of a definition are.
pub(super) struct Scopes<'a> {
    /// The loops around each step that a run can come to, the outermost first.
    loops: HashMap<&'a str, Vec<&'a str>>,
    /// The steps of the error handler.
    handler: BTreeSet<&'a str>,
    problems: BTreeMap<&'a str, String>,
}

impl<'a> Scopes<'a> {
    pub(super) fn of(definition: &'a Definition) -> Self {
        let mut scopes = Self { loops: HashMap::new(), handler: BTreeSet::new(), problems: BTreeMap::new() };
        scopes.walk(definition, definition.trigger.on.0.values().flatten());
        let main: BTreeSet<&str> = scopes.loops.keys().copied().collect();
        let mut handler = Self { loops: HashMap::new(), handler: BTreeSet::new(), problems: BTreeMap::new() };
        handler.walk(definition, definition.on_error.iter());
        for step in handler.loops.keys().filter(|step| main.contains(*step)) {
            scopes.problems.entry(step).or_insert_with(|| {
                format!("`{step}` belongs to the error handler and to the run; let `on_error` lead to steps of its own")
            });
        }
        scopes.handler = handler.loops.keys().copied().collect();
        scopes.problems.extend(handler.problems);
        for (step, loops) in handler.loops {
            scopes.loops.entry(step).or_insert(loops);
        }
        scopes
    }

    fn walk(&mut self, definition: &'a Definition, first: impl Iterator<Item = &'a String>) {
        let mut open: Vec<(&str, Vec<&str>)> = first.map(|step| (step.as_str(), Vec::new())).collect();
        while let Some((step, loops)) = open.pop() {
            let Some(instance) = definition.steps.get(step) else { continue };
            if let Some(known) = self.loops.get(step) {
                if *known != loops {
                    let inner = if known.len() > loops.len() { known.last() } else { loops.last() };
                    let inner = inner.copied().unwrap_or_default();
                    self.problems.entry(step).or_insert_with(|| {
                        format!("`{step}` is reached from within the loop `{inner}` and from outside; the paths of a loop end with its round, and what follows the loop is its `done`")
                    });
                }
                continue;
            }
            for (outcome, targets) in &instance.on.0 {
                let mut around = loops.clone();
                if loop_edge(&instance.block) == Some(outcome) {
                    around.push(step);
                }
                open.extend(targets.iter().map(|target| (target.as_str(), around.clone())));
            }
            self.loops.insert(step, loops);
        }
    }

    /// Whether a step belongs to the error handler, which sees the variable `error`.
    pub(super) fn handles_errors(&self, step: &str) -> bool {
        self.handler.contains(step)
    }

    /// Whether a step belongs to the rounds of a loop.
    pub(super) fn is_within(&self, step: &str, of: &str) -> bool {
        self.loops.get(step).is_some_and(|loops| loops.contains(&of))
    }

    /// What is wrong with where the steps are.
    pub(super) fn problems(&self, definition: &Definition) -> Vec<Problem> {
        let placed =
            self.problems.iter().map(|(step, message)| Problem::new(format!("steps.{step}"), message));
        let controls = definition.steps.iter().flat_map(|(id, step)| {
            let path = format!("steps.{id}");
            let mut problems = Vec::new();
            let into = loop_edge(&step.block);
            if let Some(edge) = into
                && step.on.0.get(edge).is_none_or(Vec::is_empty)
            {
                let message = format!("The loop does nothing; say under `on` which step follows `{edge}`");
                problems.push(Problem::new(join(&path, "on"), message));
            }
            if step.block == STOP {
                problems.extend(step.on.0.keys().map(|outcome| {
                    Problem::new(join(&join(&path, "on"), outcome), "The run ends here; remove the edge")
                }));
            }
            let controlled = into.is_some() || step.block == STOP || step.block == super::control::JOIN;
            let fields = [("retry", step.retry.is_some()), ("deadline", step.deadline.is_some())];
            problems.extend(fields.iter().filter(|(_, given)| controlled && *given).map(|(field, _)| {
                let message =
                    format!("`{}` calls no handler, so it takes no `{field}`; remove it", step.block);
                Problem::new(join(&path, field), message)
            }));
            problems
        });
        placed.chain(controls).collect()
    }

    /// Why a step cannot read a variable: it belongs to a loop that is not around the step.
    pub(super) fn hidden(&self, definition: &Definition, reader: &str, one: &Use) -> Option<String> {
        let mut around = self.loops.get(reader)?.clone();
        // The condition of a loop sees what its rounds see.
        if is_condition(definition, reader, &one.field) {
            around.push(reader);
        }
        let of = self.loops.get(one.variable.as_str())?;
        let inner = of.last()?;
        (!around.starts_with(of)).then(|| {
            format!(
                "`{}` belongs to the loop `{inner}`, so its data can be read there alone; outside, the loop itself has results",
                one.variable
            )
        })
    }
}

/// Whether a field is the condition of a loop, which is evaluated at the end of its rounds.
pub(super) fn is_condition(definition: &Definition, step: &str, field: &str) -> bool {
    field == "until" && definition.steps.get(step).is_some_and(|step| step.block == REPEAT)
}
