//! Which variables a run may still need, so that its state does not grow with what is behind it.

use std::collections::{BTreeMap, HashMap};

use super::plan::{Control, PlannedStep};
use super::state::{Execution, Place};
use super::transition::{TRIGGER, Transition};

/// The variables that the steps of a version refer to.
#[derive(Clone)]
pub(super) struct Needs {
    /// A number for each variable.
    variables: HashMap<String, usize>,
    /// For each step, what it and those that may follow it refer to.
    steps: HashMap<String, StepNeeds>,
}

#[derive(Clone)]
struct StepNeeds {
    /// Before its config is resolved.
    from: Set,
    /// After that.
    after: Set,
}

/// A set of variables, by number.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Set(Vec<u64>);

impl Set {
    fn new(variables: usize) -> Self {
        Self(vec![0; variables.div_ceil(64)])
    }

    fn insert(&mut self, variable: usize) {
        self.0[variable / 64] |= 1 << (variable % 64);
    }

    fn contains(&self, variable: usize) -> bool {
        self.0[variable / 64] & (1 << (variable % 64)) != 0
    }

    /// Takes over what another set has; whether there was anything new.
    fn extend(&mut self, other: &Self) -> bool {
        let mut grown = false;
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            grown |= *more & !*word != 0;
            *word |= more;
        }
        grown
    }
}

impl Needs {
    pub(super) fn of(steps: &HashMap<String, PlannedStep>) -> Self {
        let names = steps.values().flat_map(references).map(String::as_str).chain([TRIGGER]);
        let mut variables = HashMap::new();
        for name in names {
            let number = variables.len();
            variables.entry(name.to_owned()).or_insert(number);
        }
        let none = Set::new(variables.len());
        let mut needs: HashMap<String, StepNeeds> = HashMap::new();
        for (id, step) in steps {
            let (mut from, mut after) = (none.clone(), none.clone());
            for name in references(step) {
                from.insert(variables[name]);
            }
            if let Some(Control::Repeat { until }) = &step.control {
                for name in until.references() {
                    after.insert(variables[name]);
                }
            }
            needs.insert(id.clone(), StepNeeds { from, after });
        }
        // Those that follow come first, so that without circles one pass finds all.
        let order = followers_first(steps);
        let mut more = true;
        while more {
            more = false;
            for id in &order {
                let Some(mut own) = needs.remove(*id) else { continue };
                for target in steps[*id].on.values().flatten() {
                    if let Some(StepNeeds { from, .. }) = needs.get(target) {
                        more |= own.after.extend(from);
                    }
                }
                own.from.extend(&own.after);
                needs.insert((*id).to_owned(), own);
            }
        }
        Self { variables, steps: needs }
    }
}

/// The variables that a step itself refers to.
fn references(step: &PlannedStep) -> impl Iterator<Item = &String> {
    let until = match &step.control {
        Some(Control::Repeat { until }) => Some(until.references()),
        _ => None,
    };
    step.config.references().iter().chain(until.into_iter().flatten())
}

/// All steps; but for circles, each after those that follow it.
fn followers_first(steps: &HashMap<String, PlannedStep>) -> Vec<&str> {
    let mut order = Vec::with_capacity(steps.len());
    let mut seen = std::collections::HashSet::new();
    for id in steps.keys() {
        let mut open = vec![(id.as_str(), false)];
        while let Some((id, done)) = open.pop() {
            let Some((id, step)) = steps.get_key_value(id) else { continue };
            if done {
                order.push(id.as_str());
            } else if seen.insert(id) {
                open.push((id, true));
                open.extend(step.on.values().flatten().map(|next| (next.as_str(), false)));
            }
        }
    }
    order
}

impl Transition<'_> {
    /// Forgets the values that no step which may still come refers to. They stay in the journal.
    pub(super) fn forget_values(&mut self) {
        let needs = &self.plan.needs;
        let mut needed = Set::new(needs.variables.len());
        // The key of a run's lane is told from its trigger.
        needed.insert(needs.variables[TRIGGER]);
        for Execution { step, .. } in self.state.live.values() {
            if let Some(step) = needs.steps.get(step) {
                needed.extend(&step.after);
            }
        }
        let places = self.state.queued.iter().flatten().chain(&self.state.unfinished);
        for step in places.map(|Place { step, .. }| step).chain(&self.plan.on_error) {
            if let Some(step) = needs.steps.get(step) {
                needed.extend(&step.from);
            }
        }
        let is_needed = |name: &String| needs.variables.get(name).is_some_and(|name| needed.contains(*name));
        let retain = |values: &mut BTreeMap<String, _>| values.retain(|name, _| is_needed(name));
        retain(&mut self.state.values);
        self.state.rounds.values_mut().for_each(|round| retain(&mut round.values));
    }
}
