//! What a world is made of: workflows, a plan of what happens, and what goes wrong. All of it follows from a seed.

use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};

use crate::client::CALLBACKS;
use crate::engines::LEASE;
use crate::mutants::Mutant;
use crate::shared::Guards;
use crate::sim::choose;

/// A world before it begins.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) seed: u64,
    /// How many engines there are.
    pub(crate) engines: usize,
    pub(crate) mutant: Option<Mutant>,
    pub(crate) workflows: Vec<Workflow>,
    pub(crate) faults: Faults,
    pub(crate) plan: Vec<Step>,
}

/// A workflow of a world.
#[derive(Debug)]
pub(crate) struct Workflow {
    pub(crate) name: String,
    pub(crate) definition: Value,
}

impl Workflow {
    fn calls(&self, other: &str) -> bool {
        let mut steps = self.definition["steps"].as_object().into_iter().flat_map(|steps| steps.values());
        steps.any(|step| step["config"]["workflow"] == other)
    }

    /// Whether other workflows call it, so that no events come to it.
    pub(crate) fn is_called(&self) -> bool {
        CALLED.contains(&self.name.as_str())
    }
}

/// What goes wrong by itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    /// How probably a change fails and is not stored.
    pub(crate) write_error: f64,
    /// How probably a change is stored, its answer is lost, and with it the lease.
    pub(crate) lease_lost: f64,
    /// How probably a look into the database fails.
    pub(crate) read_error: f64,
    /// How probably the database takes its time.
    pub(crate) slow: f64,
    /// At which change from now on the process dies.
    pub(crate) death: Option<Death>,
}

/// The death of a process at a change.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Death {
    /// How many changes come before.
    pub(crate) after: u32,
    /// Whether the change is stored.
    pub(crate) stored: bool,
}

/// One thing that happens, and how long it is until the next.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) action: Action,
    pub(crate) then: Duration,
}

/// Something that happens.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Enable {
        workflow: usize,
    },
    Disable {
        workflow: usize,
    },
    /// An event comes. `older` counts from the newest activation back.
    Event {
        workflow: usize,
        older: usize,
        key: u32,
        doing: &'static str,
        again: u32,
        copies: u32,
    },
    /// A person starts a run.
    Start {
        workflow: usize,
    },
    /// A callback comes to one of the executions that is known outside; to one that waits, if `waiting`.
    Callback {
        pick: usize,
        waiting: bool,
        doing: &'static str,
        copies: u32,
    },
    /// Somebody follows the URL of an execution as a link.
    Look {
        pick: usize,
        waiting: bool,
    },
    Cancel {
        pick: usize,
    },
    Retry {
        pick: usize,
    },
    /// A process dies here, and none lives in its place for a while.
    Die {
        pick: usize,
        down: Duration,
    },
    /// The process dies at a change that is still to come.
    DieAt {
        death: Death,
    },
    /// A process stands still for a while, and goes on.
    StandStill {
        pick: usize,
        time: Duration,
    },
    Wait,
}

impl World {
    /// The world of this seed.
    pub(crate) fn draw(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut workflows: Vec<Workflow> = (0..rng.usize(1..=3))
            .map(|index| Workflow { name: format!("flow-{index}"), definition: a_definition(&mut rng) })
            .collect();
        for name in CALLED {
            if workflows.iter().any(|workflow| workflow.calls(name)) {
                // What is called is enabled first.
                workflows.insert(0, Workflow { name: name.to_owned(), definition: a_called(&mut rng, name) });
            }
        }
        let faults = Faults {
            write_error: choose(&mut rng, &[(6, 0.0), (2, 0.02), (1, 0.15)]),
            lease_lost: choose(&mut rng, &[(6, 0.0), (2, 0.02)]),
            read_error: choose(&mut rng, &[(6, 0.0), (2, 0.01), (1, 0.05)]),
            slow: choose(&mut rng, &[(2, 0.0), (3, 0.1), (2, 0.4)]),
            death: None,
        };
        let count = workflows.len();
        let mut plan: Vec<Step> = (0..count)
            .map(|workflow| Step { action: Action::Enable { workflow }, then: a_pause(&mut rng) })
            .collect();
        for _ in 0..rng.usize(5..40) {
            plan.push(Step { action: an_action(&mut rng, count), then: a_pause(&mut rng) });
        }
        let mut rng = Rng::with_seed(!seed);
        let engines = choose(&mut rng, &[(6, 1), (1, 2), (1, 3)]);
        if engines > 1 {
            for _ in 0..rng.usize(1..=plan.len() / 4) {
                let step = Step { action: among_several(&mut rng), then: a_pause(&mut rng) };
                plan.insert(rng.usize(1..=plan.len()), step);
            }
        }
        Self { seed, engines, mutant: None, workflows, faults, plan }
    }
}

impl World {
    /// Whether a step of its workflows has a deadline.
    pub(crate) fn has_deadline(&self) -> bool {
        self.instances().any(|instance| instance["deadline"].is_string())
    }

    /// Whether its workflows have a block of this name.
    pub(crate) fn has_block(&self, name: &str) -> bool {
        self.instances().any(|instance| instance["block"] == block(name))
    }

    /// Whether one of several engines stands still for longer than its lease holds.
    pub(crate) fn loses_leases(&self) -> bool {
        let still = |step: &Step| matches!(step.action, Action::StandStill { time, .. } if time > LEASE);
        self.engines > 1 && self.plan.iter().any(still)
    }

    /// The triggers and steps of its workflows.
    fn instances(&self) -> impl Iterator<Item = &Value> {
        self.workflows.iter().flat_map(|workflow| {
            let steps = workflow.definition["steps"].as_object().into_iter().flat_map(|steps| steps.values());
            steps.chain([&workflow.definition["trigger"]])
        })
    }

    /// What the shared database looks at before it changes something.
    pub(crate) fn guards(&self) -> Guards {
        Guards {
            lease: self.mutant != Some(Mutant::LeaseUnfenced),
            owner: self.mutant != Some(Mutant::OwnerUnguarded),
        }
    }
}

impl Faults {
    pub(crate) fn none() -> Self {
        Self::default()
    }
}

fn a_pause(rng: &mut Rng) -> Duration {
    let most = choose(rng, &[(4, 0), (3, 20), (4, 2000), (2, 20_000), (1, 120_000)]);
    Duration::from_millis(rng.u64(0..=most))
}

fn an_action(rng: &mut Rng, workflows: usize) -> Action {
    let workflow = rng.usize(0..workflows);
    let copies = choose(rng, &[(6, 1), (2, 2), (1, 3)]);
    let kinds = [(10, 0), (8, 1), (2, 2), (2, 3), (2, 4), (2, 5), (2, 6), (3, 7), (1, 8), (1, 9), (1, 10)];
    match choose(rng, &kinds) {
        0 => Action::Event {
            workflow,
            older: choose(rng, &[(6, 0), (2, 1), (1, 2)]),
            key: rng.u32(0..5),
            doing: choose(
                rng,
                &[(20, "start"), (1, "ignore"), (1, "reject"), (1, "fail"), (1, "panic"), (1, "hang")],
            ),
            again: choose(rng, &[(2, 0), (2, 1), (1, 3)]),
            copies,
        },
        1 => Action::Callback {
            pick: rng.usize(0..1000),
            waiting: rng.u8(0..4) > 0,
            doing: choose(rng, CALLBACKS),
            copies,
        },
        2 => Action::Enable { workflow },
        3 => Action::Disable { workflow },
        4 => Action::Start { workflow },
        5 => Action::Cancel { pick: rng.usize(0..1000) },
        6 => Action::Retry { pick: rng.usize(0..1000) },
        7 => Action::DieAt { death: Death { after: rng.u32(0..8), stored: rng.bool() } },
        8 => Action::Die { pick: workflow, down: a_while(rng, &[(2, 0), (1, 5000), (1, 300_000)]) },
        9 => Action::Look { pick: rng.usize(0..1000), waiting: rng.u8(0..4) > 0 },
        _ => Action::Wait,
    }
}

/// What happens to one of several engines: it dies, or stands still, perhaps for longer than its lease holds.
fn among_several(rng: &mut Rng) -> Action {
    let pick = rng.usize(0..6);
    match choose(rng, &[(3, 0), (2, 1), (2, 2)]) {
        0 => Action::StandStill { pick, time: a_while(rng, &[(1, 3000), (2, 11_000), (2, 40_000)]) },
        1 => Action::Die { pick, down: a_while(rng, &[(1, 0), (2, 20_000), (1, 120_000)]) },
        _ => Action::DieAt { death: Death { after: rng.u32(0..30), stored: rng.bool() } },
    }
}

fn a_while(rng: &mut Rng, choices: &[(u32, u64)]) -> Duration {
    Duration::from_millis(choose(rng, choices))
}

/// A workflow: one of the triggers before one of the shapes.
fn a_definition(rng: &mut Rng) -> Value {
    let trigger = choose(rng, &[(2, "hook"), (2, "plain"), (3, "lasting")]);
    let (first, steps) = if rng.u8(0..4) == 0 { calling(rng, CALLED[0]) } else { a_shape(rng) };
    let trigger = json!({ "block": block(trigger), "on": { "happened": first } });
    bounded(rng, &trigger, &steps)
}

fn a_shape(rng: &mut Rng) -> (Value, Value) {
    SHAPES[rng.usize(0..SHAPES.len())](rng)
}

/// A workflow that others call. The last calls no other.
fn a_called(rng: &mut Rng, name: &str) -> Value {
    let (first, steps) = match name {
        "called" if rng.u8(0..3) == 0 => calling(rng, "deeper"),
        _ => a_shape(rng),
    };
    let trigger = json!({ "block": "core/workflow-called", "on": { "called": first } });
    bounded(rng, &trigger, &steps)
}

/// A workflow with these steps; perhaps it bounds how many of its runs go on at once.
fn bounded(rng: &mut Rng, trigger: &Value, steps: &Value) -> Value {
    let mut definition = json!({ "title": "A world's workflow", "trigger": trigger, "steps": steps });
    if rng.u8(0..4) == 0 {
        definition["concurrency"] = json!({ "limit": rng.u32(1..=2) });
        if rng.u8(0..4) == 0 {
            definition["concurrency"]["key"] = json!(LANE);
        }
    }
    definition
}

/// What the runs of a workflow are counted by, where it is not all of them together.
pub(crate) const LANE: &str = "{{ trigger.event }}";

/// A shape of steps: those that the trigger leads to, and all by id.
type Shape = fn(&mut Rng) -> (Value, Value);

/// To add a shape, add a function here.
const SHAPES: &[Shape] = &[one, chain, parallel, with_error_edge, with_deadline, with_retry, with_loop];

/// The workflows that are called, each by those before it.
const CALLED: [&str; 2] = ["called", "deeper"];

fn one(rng: &mut Rng) -> (Value, Value) {
    (json!("a"), json!({ "a": any(rng, "{{ trigger.event }}", "end") }))
}

fn chain(rng: &mut Rng) -> (Value, Value) {
    let steps = json!({
        "a": any(rng, "{{ trigger.event }}", "b"),
        "b": step("ask", "{{ a.number }}", "c"),
        "c": any(rng, "{{ b.number }}", "end"),
    });
    (json!("a"), steps)
}

fn parallel(rng: &mut Rng) -> (Value, Value) {
    let steps = json!({
        "a": step("ask", "{{ trigger.event }}", "d"),
        "b": any(rng, "{{ trigger.event }}", "end"),
        "c": step("listen", "{{ trigger.event }}", "end"),
        "d": any(rng, "{{ a.number }}", "end"),
    });
    (json!(["a", "b", "c"]), steps)
}

fn with_error_edge(rng: &mut Rng) -> (Value, Value) {
    let mut a = any(rng, "{{ trigger.event }}", "end");
    a["on"]["error"] = json!("b");
    (json!("a"), json!({ "a": a, "b": any(rng, "{{ trigger.event }}", "end") }))
}

fn with_deadline(rng: &mut Rng) -> (Value, Value) {
    let name = choose(rng, &[(3, "ask"), (2, "gather"), (2, "listen"), (1, "doze"), (1, "work")]);
    let mut a = step(name, "{{ trigger.event }}", "end");
    a["deadline"] = json!(format!("{}s", rng.u32(1..60)));
    a["on"]["deadline"] = json!("b");
    (json!("a"), json!({ "a": a, "b": step("work", "{{ trigger.event }}", "end") }))
}

fn with_retry(rng: &mut Rng) -> (Value, Value) {
    let mut a = any(rng, "{{ trigger.event }}", "end");
    a["retry"] = json!({ "attempts": rng.u32(1..4), "first_delay": "2s", "longest_delay": "3s" });
    (json!("a"), json!({ "a": a }))
}

/// How many rounds a loop has.
pub(crate) const ROUNDS: u32 = 3;
/// How many rounds of a loop may go on at once.
pub(crate) const ROUNDS_AT_ONCE: usize = 2;

fn with_loop(rng: &mut Rng) -> (Value, Value) {
    let items: Vec<u32> = (0..ROUNDS).collect();
    let each = json!({ "items": items, "concurrency": ROUNDS_AT_ONCE });
    let steps = json!({
        "a": { "block": "core/for-each", "config": each, "on": { "each": "b", "done": "d" } },
        "b": any(rng, "{{ a.item }}", "c"),
        "c": any(rng, "{{ a.item }}", "end"),
        "d": step("work", "{{ trigger.event }}", "end"),
    });
    (json!("a"), steps)
}

/// Calls another workflow, perhaps beside something else, and goes on with what comes of it.
fn calling(rng: &mut Rng, workflow: &str) -> (Value, Value) {
    let wait = rng.u8(0..4) > 0;
    let data = json!({ "event": "{{ trigger.event }}" });
    let mut call = json!({
        "block": "core/call-workflow",
        "config": { "workflow": workflow, "data": data, "wait": wait },
        "on": { if wait { "completed" } else { "started" }: "b" },
    });
    if rng.u8(0..3) == 0 {
        call["on"]["error"] = json!("b");
    }
    if rng.u8(0..3) == 0 {
        call["deadline"] = json!(format!("{}s", rng.u32(1..60)));
        call["on"]["deadline"] = json!("b");
    }
    if rng.u8(0..3) == 0 {
        call["retry"] = json!({ "attempts": rng.u32(1..4), "first_delay": "2s", "longest_delay": "3s" });
    }
    let first = if rng.u8(0..3) == 0 { json!(["a", "c"]) } else { json!("a") };
    let mut steps = json!({ "a": call, "b": any(rng, "{{ trigger.event }}", "end") });
    if first.is_array() {
        steps["c"] = any(rng, "{{ trigger.event }}", "end");
    }
    (first, steps)
}

/// A step of any block.
fn any(rng: &mut Rng, number: &str, next: &str) -> Value {
    let name =
        choose(rng, &[(3, "work"), (1, "careful"), (5, "ask"), (3, "gather"), (2, "listen"), (2, "doze")]);
    step(name, number, next)
}

fn step(name: &str, number: &str, next: &str) -> Value {
    json!({ "block": block(name), "config": { "number": number }, "on": { "done": next, "other": "end" } })
}

/// The id of a block of the worlds.
pub(crate) fn block(name: &str) -> String {
    format!("{}/{name}", env!("CARGO_PKG_NAME"))
}
