//! The rules, on the machine alone.

mod calls;
mod controls;
mod exhaustive;
mod rules;
mod sequences;
mod values;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use stepwell::block::IfInterrupted;
use stepwell::outcome::Outcome;

use super::*;
use crate::core::policy::RetryPolicy;
use crate::model::{HandlerName, RunStatus, StoredState as _, Unused, decode_state, encode_state};

/// A config that needs one variable, or none.
struct Config(BTreeSet<String>);

impl ResolveConfig for Config {
    fn references(&self) -> &BTreeSet<String> {
        &self.0
    }

    fn resolve(&self, variables: &Variables<'_>) -> Result<Value, String> {
        match self.0.iter().find(|name| !variables.contains_key(name.as_str())) {
            Some(missing) => Err(format!("config `value`: `{missing}` is undefined")),
            None => Ok(json!(self.0.iter().map(|name| variables[name.as_str()].clone()).collect::<Vec<_>>())),
        }
    }
}

/// A step with edges, such as `step(&[("ok", &["next"])])`.
fn step(on: &[(&str, &[&str])]) -> PlannedStep {
    PlannedStep {
        block: "test/block".into(),
        bounded: false,
        release: "test 1.0.0".into(),
        config: Arc::new(Config(BTreeSet::new())),
        retry: RetryPolicy { attempts: 3, first: Duration::from_secs(1), most: Duration::from_mins(1) },
        deadline: None,
        on: edges(on),
        finishes: true,
        control: None,
        cancels: false,
        if_interrupted: IfInterrupted::Repeat,
    }
}

/// The same as a step of a bounded block.
fn bounded(block: &str, step: PlannedStep) -> PlannedStep {
    PlannedStep { block: block.into(), bounded: true, ..step }
}

fn edges(on: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    on.iter()
        .map(|(id, steps)| ((*id).to_owned(), steps.iter().map(|step| (*step).to_owned()).collect()))
        .collect()
}

/// A run and everything that happened to it.
#[derive(Clone)]
struct World {
    plan: Plan,
    state: RunState,
    now: Timestamp,
    records: i64,
    values: HashMap<ValueRef, Value>,
    /// How many of them the latest decision needed.
    asked: usize,
    surroundings: Map<String, Value>,
    entries: Vec<Entry>,
    calls: Vec<Attempt>,
    called: Vec<RunId>,
    messages: Vec<Message>,
    slots: usize,
    block_slots: HashMap<String, usize>,
}

impl World {
    /// Starts a run whose trigger leads to `first`.
    fn start(first: &[&str], steps: impl IntoIterator<Item = (&'static str, PlannedStep)>) -> Self {
        Self::called_by(None, first, steps)
    }

    /// Starts a run that another has called.
    fn called_by(
        caller: Option<Caller>,
        first: &[&str],
        steps: impl IntoIterator<Item = (&'static str, PlannedStep)>,
    ) -> Self {
        let steps = steps.into_iter().map(|(id, step)| (id.to_owned(), step)).collect();
        let plan = Plan::new(edges(&[("received", first)]), steps);
        let mut world = Self {
            plan,
            state: RunState::default(),
            now: Timestamp::UNIX_EPOCH,
            records: 0,
            values: HashMap::new(),
            asked: 0,
            surroundings: Map::new(),
            entries: Vec::new(),
            calls: Vec::new(),
            called: Vec::new(),
            messages: Vec::new(),
            slots: 100,
            block_slots: HashMap::new(),
        };
        let outcome = Outcome { id: "received".into(), data: json!({"n": 1}) };
        let beginning = Beginning { activation: None, outcome, replayed: None, caller };
        let (record, decision) =
            world.decide(|plan, _, given| Ok(start(plan, beginning.clone(), Admission::Free, given)));
        world.carry_out(record, decision.expect("a start fits any plan"));
        world
    }

    /// Decides with all values. Given only those that it asks for, the core must decide the same.
    fn decide(
        &mut self,
        decide: impl Fn(&Plan, RunState, &Given<'_>) -> Result<Decision, Undecided>,
    ) -> (RecordId, Result<Decision, IllegalEvent>) {
        self.records += 1;
        let record = RecordId(self.records);
        let with = |values: &HashMap<ValueRef, Value>| {
            let given = Given {
                now: self.now,
                run: run(0),
                record,
                jitter: 0.0,
                slots: self.slots,
                block_slots: &self.block_slots,
                values,
                surroundings: &self.surroundings,
            };
            decide(&self.plan, self.state.clone(), &given)
        };
        let mut asked = HashMap::new();
        let sparing = loop {
            match with(&asked) {
                Err(Undecided::Lacking(places)) => {
                    asked.extend(places.into_iter().map(|place| (place, self.values[&place].clone())));
                }
                decided => break decided,
            }
        };
        assert_eq!(with(&self.values), sparing);
        self.asked = asked.len();
        let decision = sparing.map_err(|undecided| match undecided {
            Undecided::Illegal(illegal) => illegal,
            Undecided::Lacking(places) => unreachable!("{places:?} were given"),
        });
        (record, decision)
    }

    fn carry_out(&mut self, record: RecordId, decision: Decision) {
        for (index, entry) in decision.entries.iter().enumerate() {
            if let Some(value) = entry_value(entry).map(std::borrow::Cow::into_owned) {
                let entry = u16::try_from(index).expect("few entries");
                self.values.insert(ValueRef { record, entry }, value);
            }
        }
        // What the database would hand back must be the same state.
        let stored = encode_state(&decision.state);
        self.state = decode_state(&stored).expect("a stored state is read back");
        assert_eq!(self.state, decision.state);
        self.entries.extend(decision.entries);
        self.calls.extend(decision.calls);
        self.called.extend(decision.called);
        self.messages.extend(decision.messages);
    }

    fn try_apply(&mut self, event: Event) -> Result<(), IllegalEvent> {
        let (record, decision) =
            self.decide(move |plan, state, given| apply(plan, state, event.clone(), given));
        self.carry_out(record, decision?);
        Ok(())
    }

    #[track_caller]
    fn apply(&mut self, event: Event) -> &mut Self {
        self.try_apply(event).expect("the event fits the state");
        self
    }

    #[track_caller]
    fn returns(&mut self, execution: u32, returned: Returned) -> &mut Self {
        self.calls.retain(|call| call.execution != execution);
        self.apply(Event::Returned { execution, returned })
    }

    #[track_caller]
    fn callback(&mut self, callback: i64, execution: u32) -> &mut Self {
        let at = self.now;
        self.apply(Event::Callback { callback: RecordId(callback), execution, at })
    }

    fn interrupt(&mut self, execution: u32) -> &mut Self {
        self.calls.retain(|call| call.execution != execution);
        self.apply(Event::Interrupted { execution, message: "died".into() })
    }

    fn pass(&mut self, seconds: i64) -> &mut Self {
        self.now += jiff::SignedDuration::from_secs(seconds);
        self.apply(Event::Tick)
    }

    /// Time that passes after the run has ended.
    fn pass_ended(&mut self, seconds: i64) {
        self.now += jiff::SignedDuration::from_secs(seconds);
        assert!(self.try_apply(Event::Tick).is_err());
    }

    fn takes(&self, execution: u32) -> Takes {
        self.state.takes(execution, self.now)
    }

    fn calls(&self) -> Vec<(u32, Call)> {
        self.calls.iter().map(|attempt| (attempt.execution, attempt.call)).collect()
    }

    fn has(&self, wanted: impl Fn(&Entry) -> bool) -> bool {
        self.entries.iter().any(wanted)
    }
}

/// The id of a run, by a number.
fn run(number: u128) -> RunId {
    RunId(uuid::Uuid::from_u128(number))
}

fn outcome(id: &str) -> Returned {
    Returned::Outcome(Outcome { id: id.into(), data: json!({ "id": id }) })
}

fn defer() -> Returned {
    Returned::Defer { state: Sealed(vec![1, 2, 3]), waiting_for: None, question: None, wake: None }
}

fn no_op() -> Returned {
    Returned::NoOp { state: None, wake: None }
}

fn error(message: &str) -> Returned {
    Returned::Error { message: message.into(), retry: None }
}

fn retryable(message: &str) -> Returned {
    Returned::Error { message: message.into(), retry: Some(Duration::ZERO) }
}

fn finish(callback: i64) -> Call {
    Call::Finish { callback: RecordId(callback) }
}

fn unused(execution: u32, callback: i64, reason: Unused) -> Entry {
    Entry::CallbackUnused { execution, callback: RecordId(callback), reason }
}

fn status(world: &World) -> RunStatus {
    world.state.status()
}
