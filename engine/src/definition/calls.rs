//! The workflows that a definition calls: whether they can be called, and with this data. Only a server knows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};

use super::control::{CALL, WORKFLOW_CALLED};
use super::inputs::{data_problems, inputs_schema};
use super::parse::{is_workflow_id, join};
use super::{Concurrency, Definition, Problem, StepInstance};
use crate::expr::Template;

/// A workflow that may be called.
#[derive(Debug, Clone)]
pub struct Callable {
    /// Its enabled version; its draft if none is enabled.
    pub definition: Definition,
    /// Whether it is enabled.
    pub enabled: bool,
}

/// A step that calls a workflow.
struct Call<'a> {
    /// The path of its config.
    path: String,
    workflow: &'a str,
    step: &'a StepInstance,
}

/// Whether a call waits for the end of its run.
fn waits(call: &Call<'_>) -> bool {
    call.step.config.get("wait") != Some(&Value::Bool(false))
}

/// Whether a call waits however long that takes.
fn waits_for_ever(call: &Call<'_>) -> bool {
    waits(call) && call.step.deadline.is_none()
}

impl Definition {
    fn calls(&self) -> impl Iterator<Item = Call<'_>> {
        self.steps.iter().filter(|(_, step)| step.block == CALL).filter_map(|(id, step)| {
            let workflow = step.config.get("workflow")?.as_str()?;
            Some(Call { path: format!("steps.{id}.config"), workflow, step })
        })
    }

    /// The ids of the workflows that its steps call, in the order of the file.
    pub fn called_workflows(&self) -> impl Iterator<Item = &str> {
        self.calls().map(|call| call.workflow)
    }
}

/// Calls that name what is no id of a workflow, which needs no server to be seen.
pub(super) fn ids_of_called(definition: &Definition) -> Vec<Problem> {
    let wrong = definition.calls().filter(|call| !is_workflow_id(call.workflow));
    let problem = |call: Call<'_>| {
        let message = format!(
            "`{}` is no id of a workflow: 1 to 100 letters, digits, `-` and `_`, such as `send-invoice`; change it",
            call.workflow
        );
        Problem::new(join(&call.path, "workflow"), message)
    };
    wrong.map(problem).collect()
}

/// What is wrong with the calls of a workflow. `known` has every workflow that it calls, and that those call in their
/// turn; it may itself be among them. A workflow that is not enabled may be called by one that it calls itself, so that
/// one of the two can be enabled first.
pub fn call_problems(id: &str, definition: &Definition, known: &BTreeMap<String, Callable>) -> Vec<Problem> {
    let calls = Calls { id, definition, known };
    definition.calls().flat_map(|call| calls.judge(&call)).collect()
}

struct Calls<'a> {
    id: &'a str,
    definition: &'a Definition,
    known: &'a BTreeMap<String, Callable>,
}

impl<'a> Calls<'a> {
    fn get(&self, id: &str) -> Option<&'a Definition> {
        if id == self.id { Some(self.definition) } else { self.known.get(id).map(|known| &known.definition) }
    }

    fn judge(&self, call: &Call<'_>) -> Vec<Problem> {
        let workflow = call.workflow;
        let problem = |message: String| vec![Problem::new(join(&call.path, "workflow"), message)];
        let Some(target) = self.get(workflow) else {
            return problem(format!("There is no workflow `{workflow}`; apply it and enable it first"));
        };
        let enabled = workflow == self.id || self.known.get(workflow).is_some_and(|known| known.enabled);
        if !enabled && !self.lead_to(workflow, self.id, |_| true) {
            return problem(format!("The workflow `{workflow}` is not enabled; enable it first"));
        }
        let block = &target.trigger.block;
        if block != WORKFLOW_CALLED {
            return problem(format!(
                "The workflow `{workflow}` begins with `{block}`; only one that begins with `{WORKFLOW_CALLED}` can be called"
            ));
        }
        if let Some(holder) = self.deadlock(call, target) {
            return problem(format!(
                "The call would wait for a place that `{holder}` holds until the call is over: its `concurrency` counts both; give it a key that differs, or call without waiting"
            ));
        }
        if let Some(Circle { way, bounded }) = self.circle(call) {
            return problem(format!(
                "`{}` call one another and wait: by the `concurrency` of `{bounded}`, two of their runs may wait for each other's places for ever; give one of these calls a `deadline`, or call without waiting",
                way.join("` → `")
            ));
        }
        unfit_data(call, target)
    }

    /// Whether one workflow calls another, if only by others.
    fn lead_to(&self, from: &str, to: &str, by: impl Fn(&Call<'_>) -> bool) -> bool {
        self.way(from, to, by).is_some()
    }

    /// The shortest way of calls from one workflow to another: those that are called, the last of which is the other.
    fn way<'b>(&'b self, from: &str, to: &str, by: impl Fn(&Call<'_>) -> bool) -> Option<Vec<&'b str>> {
        let mut open = VecDeque::from([(from, Vec::new())]);
        let mut seen = BTreeSet::new();
        while let Some((one, way)) = open.pop_front() {
            for call in self.get(one).into_iter().flat_map(Definition::calls).filter(&by) {
                if seen.insert(call.workflow) {
                    let way = [way.as_slice(), &[call.workflow]].concat();
                    if call.workflow == to {
                        return Some(way);
                    }
                    open.push_back((call.workflow, way));
                }
            }
        }
        None
    }

    /// A circle of calls that wait for ever, which begins with this one and has a workflow whose runs are bounded. Each of
    /// them may hold a place that the next but one waits for: with which keys they will call, nobody can see.
    fn circle(&self, call: &Call<'a>) -> Option<Circle<'_>> {
        if !waits_for_ever(call) {
            return None;
        }
        let is_bounded = |one: &&str| self.get(one).is_some_and(|one| one.concurrency.is_some());
        let mut all = self.known.keys().map(String::as_str).chain([self.id]).filter(is_bounded);
        all.find_map(|bounded| {
            let mut way = vec![self.id, call.workflow];
            if self.id != bounded && call.workflow != bounded {
                // A way by this workflow is the business of the call that it leaves by.
                let onwards = |next: &Call<'_>| waits_for_ever(next) && next.workflow != self.id;
                let begins = Some(call.workflow).filter(|first| *first != self.id)?;
                way.extend(self.way(begins, bounded, onwards)?);
            }
            if *way.last()? != self.id {
                way.extend(self.way(way.last()?, self.id, waits_for_ever)?);
            }
            Some(Circle { way, bounded })
        })
    }

    /// The workflow for one of whose runs another would wait that waits for it, as far as that can be seen: all its runs
    /// count together, or it calls itself with the key that it has.
    fn deadlock(&self, call: &Call<'_>, target: &Definition) -> Option<&'a str> {
        if !waits(call) {
            return None;
        }
        if call.workflow == self.id
            && let Some(Concurrency { key: Some(key), .. }) = &target.concurrency
        {
            return passes_on(&call.step.config, key).then_some(self.id);
        }
        let in_circle = |one: &str| {
            (one == call.workflow || self.lead_to(call.workflow, one, waits))
                && (one == self.id || self.lead_to(one, self.id, waits))
        };
        let mut candidates = self.known.keys().map(String::as_str).chain([self.id]);
        candidates.find(|one| {
            let bound = self.get(one).and_then(|definition| definition.concurrency.as_ref());
            bound.is_some_and(|bound| bound.key.is_none()) && in_circle(one)
        })
    }
}

/// Workflows of which each calls the next, and the first is the last.
struct Circle<'a> {
    way: Vec<&'a str>,
    /// One of them that bounds its runs.
    bounded: &'a str,
}

/// Whether a call gives the field that a key such as `{{ trigger.customer }}` names just as the caller was given it.
fn passes_on(config: &Value, key: &str) -> bool {
    let Ok(template) = Template::compile(&json!({ "key": key })) else { return false };
    let [path] = template.paths() else { return false };
    let Some(("trigger", fields)) = path.names.split_first().map(|(first, rest)| (first.as_str(), rest))
    else {
        return false;
    };
    let data = config.get("data");
    let given = fields.iter().try_fold(data, |value, name| Some(value?.get(name))).flatten();
    let same = |given: &str| {
        let given = Template::compile(&json!({ "key": given }));
        given.is_ok_and(|given| matches!(given.paths(), [one] if one.alone && one.names == path.names))
    };
    path.alone && given.and_then(Value::as_str).is_some_and(same)
}

/// What in a call's data does not fit the inputs, whatever its expressions give.
fn unfit_data(call: &Call<'_>, target: &Definition) -> Vec<Problem> {
    let Some(schema) = inputs_schema(&target.trigger) else { return Vec::new() };
    let Ok(template) = Template::compile(&call.step.config) else { return Vec::new() };
    let within = |path: &String| match path.strip_prefix("data")? {
        "" => Some(String::new()),
        rest => rest.strip_prefix('.').map(str::to_owned),
    };
    let open = template.templated().iter().filter_map(within).collect();
    let none = json!({});
    let problems = data_problems(&schema, call.step.config.get("data").unwrap_or(&none), &open);
    problems.into_iter().map(|problem| Problem { path: join(&call.path, &problem.path), ..problem }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workflow with a step `call` of this config, if any.
    fn workflow(config: Option<&Value>, more: &Value) -> Definition {
        let mut definition = json!({
            "title": "Test",
            "trigger": { "block": WORKFLOW_CALLED, "on": { "called": "call" } },
            "steps": { "call": { "block": CALL, "config": config } },
        });
        if config.is_none() {
            definition["steps"] = json!({});
            definition["trigger"]["on"] = json!({});
        }
        definition.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Definition::from_value(&definition).unwrap().definition
    }

    fn calls(workflow_id: &str) -> Definition {
        workflow(Some(&json!({ "workflow": workflow_id })), &json!({}))
    }

    fn known<const N: usize>(all: [(&str, Definition, bool); N]) -> BTreeMap<String, Callable> {
        all.into_iter()
            .map(|(id, definition, enabled)| (id.to_owned(), Callable { definition, enabled }))
            .collect()
    }

    #[track_caller]
    fn check(definition: &Definition, known: &BTreeMap<String, Callable>, expected: &[(&str, &str)]) {
        let problems = call_problems("a", definition, known);
        assert_eq!(problems.len(), expected.len(), "{problems:?}");
        for (problem, (path, part)) in problems.iter().zip(expected) {
            assert!(problem.path == *path && problem.message.contains(part), "{problem:?}");
        }
    }

    const WORKFLOW: &str = "steps.call.config.workflow";

    #[test]
    fn s14_a_workflow_that_is_called_exists_is_enabled_and_is_for_calls() {
        let manual = workflow(None, &json!({ "trigger": { "block": "core/manual" } }));
        check(&calls("b"), &known([]), &[(WORKFLOW, "There is no workflow `b`")]);
        check(&calls("b"), &known([("b", workflow(None, &json!({})), true)]), &[]);
        check(
            &calls("b"),
            &known([("b", workflow(None, &json!({})), false)]),
            &[(WORKFLOW, "`b` is not enabled; enable it first")],
        );
        check(&calls("b"), &known([("b", manual, true)]), &[(WORKFLOW, "begins with `core/manual`")]);
    }

    #[test]
    fn s14_of_workflows_that_call_each_other_one_is_enabled_first() {
        check(&calls("a"), &known([]), &[]);
        check(&calls("b"), &known([("b", calls("c"), false), ("c", calls("a"), false)]), &[]);
    }

    #[test]
    fn s14_constants_in_the_data_are_judged_by_the_inputs() {
        let inputs = json!({ "inputs": { "n": { "type": "number" }, "t": { "type": "text" } } });
        let target = workflow(None, &json!({ "trigger": { "block": WORKFLOW_CALLED, "config": inputs } }));
        let known = known([("b", target, true)]);
        let with = |data: Value| workflow(Some(&json!({ "workflow": "b", "data": data })), &json!({}));
        check(&with(json!({ "n": 1, "t": "{{ trigger.t }}" })), &known, &[]);
        check(&with(json!("{{ trigger }}")), &known, &[]);
        check(
            &with(json!({ "n": "x", "t": "{{ trigger.t }}", "u": 1 })),
            &known,
            &[("steps.call.config.data.n", "must be a number"), ("steps.call.config.data.u", "no field `u`")],
        );
        check(
            &calls("b"),
            &known,
            &[("steps.call.config.data.n", "is required"), ("steps.call.config.data.t", "is required")],
        );
    }

    #[test]
    fn s12_s14_a_call_that_waits_for_its_callers_place_is_refused_where_it_can_be_seen() {
        let bounded = |config: Value, key: Option<&str>| {
            let bound = key.map_or_else(|| json!({ "limit": 1 }), |key| json!({ "limit": 1, "key": key }));
            workflow(Some(&config), &json!({ "concurrency": bound }))
        };
        let itself = |data: Value| json!({ "workflow": "a", "data": data });
        let refused: &[(&str, &str)] = &[(WORKFLOW, "a place that `a` holds")];
        check(&bounded(itself(json!({})), None), &known([]), refused);
        check(&bounded(json!({ "workflow": "a", "wait": false }), None), &known([]), &[]);
        let key = Some("{{ trigger.customer }}");
        check(&bounded(itself(json!({ "customer": "{{trigger.customer}}" })), key), &known([]), refused);
        // Around by another workflow, which is the one that is bounded.
        let other = bounded(json!({ "workflow": "a" }), None);
        check(&calls("b"), &known([("b", other, true)]), &[(WORKFLOW, "a place that `b` holds")]);
        let other = bounded(json!({ "workflow": "c" }), None);
        let leaf = workflow(None, &json!({}));
        check(&calls("b"), &known([("b", other, true), ("c", leaf, true)]), &[]);
    }

    #[test]
    fn s12_s14_bounded_workflows_that_may_wait_for_one_another_are_refused() {
        let keyed = json!({ "concurrency": { "limit": 2, "key": "{{ trigger.customer }}" } });
        let calls = |other: &str, more: &Value| workflow(Some(&json!({ "workflow": other })), more);
        let with_deadline = |mut definition: Definition| {
            for step in definition.steps.values_mut() {
                step.deadline = Some(std::time::Duration::from_mins(1));
            }
            definition
        };
        let plain = json!({});
        let refused: &[(&str, &str)] =
            &[(WORKFLOW, "`a` → `b` → `a` call one another and wait: by the `concurrency` of `b`")];
        check(&calls("b", &plain), &known([("b", calls("a", &keyed), true)]), refused);
        // Whichever closes the circle is refused: a draft is taken for what will be enabled.
        check(&calls("b", &plain), &known([("b", calls("a", &keyed), false)]), refused);
        let of_a: &[(&str, &str)] = &[(WORKFLOW, "by the `concurrency` of `a`")];
        check(&calls("b", &keyed), &known([("b", calls("a", &plain), true)]), of_a);
        // By its own key it may meet another run that goes the other way.
        let next = json!({ "workflow": "a", "data": { "customer": "{{ trigger.next }}" } });
        let itself: &[(&str, &str)] = &[(WORKFLOW, "`a` → `a` call one another")];
        check(&workflow(Some(&next), &keyed), &known([]), itself);
        // By others, of which one is bounded.
        let far: &[(&str, &str)] = &[(WORKFLOW, "`a` → `b` → `c` → `a` call one another")];
        let others = |last: Definition| known([("b", calls("c", &plain), true), ("c", last, true)]);
        check(&calls("b", &plain), &others(calls("a", &keyed)), far);
        // A call that does not wait, or not for ever, ends every circle that it is in.
        let starts = json!({ "workflow": "a", "wait": false });
        check(&calls("b", &plain), &others(workflow(Some(&starts), &keyed)), &[]);
        check(&calls("b", &plain), &others(with_deadline(calls("a", &keyed))), &[]);
        check(&with_deadline(calls("b", &plain)), &others(calls("a", &keyed)), &[]);
        // A circle that has no bounded workflow is left alone, though there is another that has.
        let mut both = calls("b", &plain);
        both.steps.insert("other".into(), calls("c", &plain).steps["call"].clone());
        let others = known([("b", calls("a", &plain), true), ("c", calls("a", &keyed), true)]);
        let other: &[(&str, &str)] = &[("steps.other.config.workflow", "`a` → `c` → `a`")];
        check(&both, &others, other);
        // Without a circle each waits for those that come after it.
        check(
            &calls("b", &keyed),
            &known([("b", calls("c", &keyed), true), ("c", workflow(None, &keyed), true)]),
            &[],
        );
        check(
            &calls("b", &keyed),
            &known([("b", calls("c", &plain), true), ("c", calls("c", &plain), true)]),
            &[],
        );
    }
}
