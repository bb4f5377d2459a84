//! Every history of a workflow that is enabled, switched and disabled, up to bounds.

use std::collections::{BTreeSet, VecDeque};

use super::*;

/// A workflow, the calls that are running, and what its handlers have done outside.
#[derive(Clone)]
struct Node {
    state: WorkflowState,
    /// The last row of each activation.
    rows: Vec<Activation>,
    now: Timestamp,
    running: Vec<Call>,
    /// The activations whose `activate` and `deactivate` have succeeded.
    activated: BTreeSet<u128>,
    deactivated: BTreeSet<u128>,
    enables: u128,
    disables: u8,
    failures: u8,
    passes: u8,
    path: Vec<String>,
}

fn number(id: ActivationId) -> u128 {
    id.0.as_u128()
}

impl Node {
    fn begin() -> Self {
        Self {
            state: WorkflowState::default(),
            rows: Vec::new(),
            now: Timestamp::UNIX_EPOCH,
            running: Vec::new(),
            activated: BTreeSet::new(),
            deactivated: BTreeSet::new(),
            enables: 0,
            disables: 0,
            failures: 0,
            passes: 0,
            path: Vec::new(),
        }
    }

    /// Applies an event; `None` if it does not fit.
    fn apply(&self, name: String, event: Event) -> Option<Self> {
        let decision = apply(self.state.clone(), event, self.now, 0.0, HERE).ok()?;
        let mut node = self.clone();
        node.path.push(name);
        node.state = decision.state;
        for row in decision.activations {
            node.rows.retain(|known| known.id != row.id);
            node.rows.push(row);
        }
        node.running.extend(decision.calls);
        node.check();
        Some(node)
    }

    /// Everything that may happen next.
    fn next(&self) -> Vec<Self> {
        let mut next = Vec::new();
        for switch in [Switch::Replace, Switch::Overlap] {
            if self.enables < 3 {
                let number = self.enables + 1;
                let event = Event::Enable {
                    version: VersionId(Uuid::from_u128(number)),
                    activation: id(number),
                    registers: true,
                    switch,
                };
                let enabled = self.apply(format!("enable {number} by {switch:?}"), event);
                next.extend(enabled.map(|node| Self { enables: number, ..node }));
            }
        }
        if self.disables < 2 {
            let disabled = self.apply("disable".to_owned(), Event::Disable);
            next.extend(disabled.map(|node| Self { disables: node.disables + 1, ..node }));
        }
        if self.passes < 2 {
            let mut later = self.clone();
            later.now += SignedDuration::from_mins(6);
            let passed = later.apply("pass".to_owned(), Event::Tick);
            next.extend(passed.map(|node| Self { passes: node.passes + 1, ..node }));
        }
        for call in &self.running {
            next.extend(self.returns(*call));
        }
        next
    }

    fn returns(&self, call: Call) -> Vec<Self> {
        let mut ended = self.clone();
        ended.running.retain(|running| *running != call);
        let mut next = Vec::new();
        let fails = self.failures < 2;
        match call {
            Call::Activate(id) => {
                let mut done = ended.clone();
                done.activated.insert(number(id));
                next.extend(done.apply(format!("{call:?} ok"), Event::Activated(id, Ok(registration()))));
                if fails {
                    ended.failures += 1;
                    next.extend(
                        ended.apply(format!("{call:?} fails"), Event::Activated(id, Err("no".into()))),
                    );
                    next.extend(
                        ended.apply(format!("{call:?} dies"), Event::Interrupted(call, "died".into())),
                    );
                }
            }
            Call::Deactivate(id) => {
                let mut done = ended.clone();
                done.deactivated.insert(number(id));
                next.extend(done.apply(format!("{call:?} ok"), Event::Deactivated(id, Ok(()))));
                if fails {
                    ended.failures += 1;
                    next.extend(ended.apply(format!("{call:?} fails"), Event::Deactivated(id, down())));
                    next.extend(
                        ended.apply(format!("{call:?} dies"), Event::Interrupted(call, "died".into())),
                    );
                }
            }
            Call::Renew(_) | Call::Tick(..) => {}
        }
        next
    }

    /// What holds after every event.
    fn check(&self) {
        let told = || format!("{}: {:#?}", self.path.join(", "), self.state);
        let active = |activation: &&Activation| activation.phase == Phase::Active;
        assert!(
            self.state.activations.iter().filter(active).count() <= 1,
            "one version is enabled: {}",
            told()
        );
        let once = |(index, call)| !self.running[..index].contains(call);
        assert!(self.running.iter().enumerate().all(once), "a call is made once: {}", told());
        let known: Vec<Call> = self.state.activations.iter().flat_map(Activation::calls).collect();
        assert_eq!(
            self.state.calls().len(),
            self.state.callers.len(),
            "who makes each call is known: {}",
            told()
        );
        for call in &known {
            assert!(self.running.contains(call), "{call:?} is running: {}", told());
        }
        for row in &self.rows {
            let number = number(row.id);
            if row.accepts {
                assert!(self.activated.contains(&number), "who accepts was activated: {}", told());
            }
            if self.deactivated.contains(&number) {
                assert!(self.activated.contains(&number), "what never was is not deactivated: {}", told());
            }
            let kept = self.state.get(row.id).is_some();
            let registered = self.activated.contains(&number) && !self.deactivated.contains(&number);
            assert!(kept || !registered, "a registration is never forgotten: {}", told());
        }
        let settled = self.running.is_empty() && !self.state.is_switching();
        let waits = self.state.activations.iter().any(|one| matches!(one.phase, Phase::DeactivateAt(_)));
        if settled && !waits && self.state.enabled().is_some() {
            let accepting = self.rows.iter().filter(|row| row.accepts).count();
            let failed =
                self.state.activations.iter().filter(|one| one.phase == Phase::DeactivationFailed).count();
            assert!((1..=1 + failed).contains(&accepting), "the enabled version accepts: {}", told());
        }
    }

    fn key(&self) -> String {
        let Self { state, now, running, activated, deactivated, enables, disables, failures, passes, .. } =
            self;
        format!("{state:?}{now}{running:?}{activated:?}{deactivated:?}{enables}{disables}{failures}{passes}")
    }
}

#[test]
fn t2_t3_t4_t5_t8_every_history_of_a_switched_workflow_keeps_the_invariants() {
    let mut seen = BTreeSet::new();
    let mut queue = VecDeque::from([Node::begin()]);
    while let Some(node) = queue.pop_front() {
        for node in node.next() {
            if seen.insert(node.key()) {
                queue.push_back(node);
            }
        }
    }
    assert!(seen.len() > 2_000, "{} nodes", seen.len());
}
