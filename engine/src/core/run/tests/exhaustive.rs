//! Every history of a small run, up to bounds: early callbacks, defer, wake, cancellation and deadline in any order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::*;
use crate::model::AttemptResult;

/// What may still happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Budget {
    callbacks: u8,
    passes: u8,
    interruptions: u8,
    cancellations: u8,
    retryable: u8,
}

const BUDGET: Budget = Budget { callbacks: 2, passes: 3, interruptions: 1, cancellations: 1, retryable: 1 };

/// A run, the inbox that a store would keep, and what has been accepted.
#[derive(Clone)]
struct Node {
    world: World,
    inbox: Vec<(i64, Timestamp)>,
    accepted: Vec<i64>,
    budget: Budget,
    /// How it came about, for a failing check.
    path: Vec<String>,
}

/// The first step defers, with a deadline, a wake time and something to cancel; a second follows the deadline.
fn begin() -> Node {
    let first = PlannedStep {
        deadline: Some(Duration::from_secs(10)),
        cancels: true,
        ..step(&[("ok", &[]), ("deadline", &["late"])])
    };
    Node {
        world: World::start(&["first"], [("first", first), ("late", step(&[]))]),
        inbox: Vec::new(),
        accepted: Vec::new(),
        budget: BUDGET,
        path: Vec::new(),
    }
}

impl Node {
    /// Everything that may happen next.
    fn next(&self) -> Vec<Self> {
        let mut next = Vec::new();
        for call in &self.world.calls {
            for (name, returned) in answers(call.call) {
                let retryable = matches!(returned, Returned::Error { retry: Some(_), .. });
                next.extend(self.with(name, |node| {
                    node.budget.retryable = node.budget.retryable.checked_sub(u8::from(retryable))?;
                    node.world.returns(call.execution, returned);
                    Some(())
                }));
            }
            next.extend(self.with("interrupt", |node| {
                node.budget.interruptions = node.budget.interruptions.checked_sub(1)?;
                node.world.interrupt(call.execution);
                Some(())
            }));
        }
        next.extend(self.with("callback", |node| {
            node.budget.callbacks = node.budget.callbacks.checked_sub(1)?;
            node.world.state.accepts_callback(1).then_some(())?;
            let callback = 50 + i64::from(node.budget.callbacks);
            node.accepted.push(callback);
            node.inbox.push((callback, node.world.now));
            Some(())
        }));
        next.extend(self.with("take", |node| {
            let (callback, at) = *node.inbox.first()?;
            (node.world.state.takes(1, at) == Takes::Now).then_some(())?;
            node.inbox.remove(0);
            node.world.apply(Event::Callback { callback: RecordId(callback), execution: 1, at });
            Some(())
        }));
        next.extend(self.with("pass", |node| {
            node.budget.passes = node.budget.passes.checked_sub(1)?;
            node.world.now += jiff::SignedDuration::from_secs(6);
            if node.world.state.ended.is_none() {
                node.world.apply(Event::Tick);
            }
            Some(())
        }));
        next.extend(self.with("cancel", |node| {
            node.budget.cancellations = node.budget.cancellations.checked_sub(1)?;
            node.world.try_apply(Event::Cancel).ok()
        }));
        next
    }

    fn with(&self, name: &str, change: impl FnOnce(&mut Self) -> Option<()>) -> Option<Self> {
        let mut node = self.clone();
        node.path.push(name.to_owned());
        change(&mut node)?;
        node.check();
        Some(node)
    }

    /// What holds after every event.
    fn check(&self) {
        let state = &self.world.state;
        let told = || format!("{}: {:?}\n{:#?}", self.path.join(", "), state, self.world.entries);
        assert_eq!(state.ended.is_some(), state.live.is_empty(), "{}", told());
        let mut running: Vec<u32> = state.running().collect();
        let mut called: Vec<u32> = self.world.calls.iter().map(|call| call.execution).collect();
        running.sort_unstable();
        called.sort_unstable();
        assert_eq!(running, called, "every running attempt was called, once: {}", told());
        for fate in self.fates().values() {
            assert!(fate.unused <= 1, "a callback is recorded as unused once: {}", told());
        }
        let resolutions = self.world.entries.iter().filter(|entry| {
            matches!(
                entry,
                Entry::AttemptEnded {
                    execution: 1,
                    result: AttemptResult::Outcome { .. } | AttemptResult::Exit,
                    ..
                }
            )
        });
        assert!(resolutions.count() <= 1, "an execution is resolved once: {}", told());
        if self.inbox.is_empty() && state.ended.is_some() {
            for callback in &self.accepted {
                let fate = self.fates().get(callback).copied().unwrap_or_default();
                assert!(fate.handed + fate.unused >= 1, "callback {callback} was lost: {}", told());
            }
        }
    }

    /// What became of each callback that was taken.
    fn fates(&self) -> BTreeMap<i64, Fate> {
        let mut fates: BTreeMap<i64, Fate> = BTreeMap::new();
        for entry in &self.world.entries {
            match entry {
                Entry::AttemptStarted { callback: Some(callback), .. } => {
                    fates.entry(callback.0).or_default().handed += 1;
                }
                Entry::CallbackUnused { callback, .. } => fates.entry(callback.0).or_default().unused += 1,
                _ => {}
            }
        }
        fates
    }

    /// Two nodes with the same key have the same future.
    fn key(&self) -> String {
        let calls: Vec<_> = self.world.calls.iter().map(|call| (call.execution, call.call)).collect();
        let resolved = self.world.has(|entry| {
            matches!(entry, Entry::AttemptEnded { execution: 1, result: AttemptResult::Outcome { .. }, .. })
        });
        // Where values lie makes no difference.
        let mut state = RunState { values: BTreeMap::new(), ..self.world.state.clone() };
        for execution in state.live.values_mut() {
            execution.config = ValueRef { record: RecordId(0), entry: 0 };
        }
        let state = serde_json::to_string(&state).expect("a state is JSON");
        format!(
            "{state}{calls:?}{:?}{:?}{:?}{:?}{resolved}{:?}",
            self.inbox,
            self.accepted,
            self.budget,
            self.fates(),
            self.world.now
        )
    }
}

/// What the called handler may answer.
fn answers(call: Call) -> Vec<(&'static str, Returned)> {
    let wake = Some(When::After(Duration::from_secs(5)));
    let sleep = Returned::Defer { state: Sealed(vec![1]), waiting_for: None, question: None, wake };
    match call {
        Call::Execute => {
            vec![("ok", outcome("ok")), ("defer", defer()), ("sleep", sleep), ("retry", retryable("busy"))]
        }
        Call::Finish { .. } => vec![
            ("finish", outcome("ok")),
            ("no-op", no_op()),
            ("reject", Returned::Rejected("stray".into())),
            ("retry", retryable("busy")),
        ],
        Call::Wake => {
            vec![
                ("wake", outcome("ok")),
                ("again", Returned::NoOp { state: None, wake }),
                ("retry", retryable("busy")),
            ]
        }
        Call::Cancel => vec![("cancelled", Returned::Cancelled), ("retry", retryable("busy"))],
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Fate {
    handed: u32,
    unused: u32,
}

#[test]
fn d2_d3_d5_d7_d8_d11_every_history_of_a_small_run_keeps_the_invariants() {
    let mut seen = BTreeSet::new();
    let mut queue = VecDeque::from([begin()]);
    let mut ends = BTreeSet::new();
    while let Some(node) = queue.pop_front() {
        let next = node.next();
        // Where nothing more may happen within the bounds, the run has ended, waits, or is to be tried again later.
        if next.is_empty() {
            let status = node.world.state.status();
            ends.insert(status);
            let is_over =
                status.is_final() || status == RunStatus::Waiting || node.world.state.due_at().is_some();
            assert!(is_over, "{}: {:?}", node.path.join(", "), node.world.state);
        }
        for node in next {
            if seen.insert(node.key()) {
                queue.push_back(node);
            }
        }
    }
    assert!(seen.len() > 5_000, "{} nodes", seen.len());
    assert!(ends.is_superset(&[RunStatus::Completed, RunStatus::Cancelled].into()), "{ends:?}");
}
