//! Random sequences of events: whatever happens in whatever order, the invariants hold.

use proptest::prelude::*;

use super::*;
use crate::model::AttemptResult;

/// What the outside does next; numbers choose among what is possible.
#[derive(Debug, Clone)]
enum Move {
    Return(usize, u8),
    Interrupt(usize),
    Callback(usize),
    Take(usize),
    Pass(u8),
    Slots(u8),
    BlockSlots(u8),
    Cancel,
    Retry,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        8 => (any::<usize>(), any::<u8>()).prop_map(|(which, what)| Move::Return(which, what)),
        1 => any::<usize>().prop_map(Move::Interrupt),
        3 => any::<usize>().prop_map(Move::Callback),
        3 => any::<usize>().prop_map(Move::Take),
        2 => any::<u8>().prop_map(Move::Pass),
        1 => (0_u8..4).prop_map(Move::Slots),
        1 => (0_u8..4).prop_map(Move::BlockSlots),
        1 => Just(Move::Cancel),
        1 => Just(Move::Retry),
    ];
    prop::collection::vec(one, 1..120)
}

/// A bounded block.
const NARROW: &str = "test/narrow";

fn world() -> World {
    let cancels = PlannedStep { cancels: true, ..step(&[("ok", &["d", "e"]), ("error", &["e"])]) };
    let deadline = PlannedStep {
        deadline: Some(Duration::from_secs(100)),
        cancels: true,
        ..step(&[("ok", &["e"]), ("deadline", &["d"])])
    };
    World::start(
        &["a", "b"],
        [
            ("a", step(&[("ok", &["c"])])),
            ("b", cancels),
            ("c", bounded(NARROW, deadline)),
            ("d", step(&[("ok", &["e"])])),
            ("e", step(&[])),
        ],
    )
}

/// The world, and the inbox that a store would keep.
struct Play {
    world: World,
    inbox: Vec<(i64, u32, Timestamp)>,
    accepted: Vec<i64>,
    next: i64,
}

impl Play {
    fn make(&mut self, next: &Move) {
        match next {
            Move::Return(which, what) => {
                let Some(call) = self.chosen(*which) else { return };
                let returned = answer(call.call, *what);
                self.world.returns(call.execution, returned);
            }
            Move::Interrupt(which) => {
                let Some(call) = self.chosen(*which) else { return };
                self.world.interrupt(call.execution);
            }
            Move::Callback(which) => {
                let executions = self.world.state.executions as usize;
                let execution = u32::try_from(which % executions + 1).expect("few executions");
                if self.world.state.accepts_callback(execution) {
                    self.next += 1;
                    self.accepted.push(self.next);
                    self.inbox.push((self.next, execution, self.world.now));
                }
            }
            Move::Take(which) => {
                if self.inbox.is_empty() {
                    return;
                }
                let (_, execution, at) = self.inbox[which % self.inbox.len()];
                let first =
                    self.inbox.iter().position(|entry| entry.1 == execution).expect("it was just seen");
                if self.world.state.takes(execution, at) == Takes::Now {
                    let (callback, execution, at) = self.inbox.remove(first);
                    self.world.apply(Event::Callback { callback: RecordId(callback), execution, at });
                }
            }
            Move::Pass(seconds) => {
                self.world.now += jiff::SignedDuration::from_secs(i64::from(*seconds));
                if self.world.state.ended.is_none() {
                    self.world.apply(Event::Tick);
                }
            }
            Move::Slots(slots) => self.world.slots = usize::from(*slots),
            Move::BlockSlots(slots) => {
                self.world.block_slots.insert(NARROW.to_owned(), usize::from(*slots));
            }
            Move::Cancel => {
                let _ = self.world.try_apply(Event::Cancel);
            }
            Move::Retry => {
                let _ = self.world.try_apply(Event::Retry);
            }
        }
    }

    fn chosen(&self, which: usize) -> Option<Attempt> {
        let calls = &self.world.calls;
        (!calls.is_empty()).then(|| calls[which % calls.len()].clone())
    }

    fn check(&self) {
        let state = &self.world.state;
        let mut running: Vec<u32> = state.running().collect();
        let mut called: Vec<u32> = self.world.calls.iter().map(|call| call.execution).collect();
        running.sort_unstable();
        called.sort_unstable();
        assert_eq!(running, called, "every running attempt was called, once");
        assert_eq!(state.ended.is_some(), state.live.is_empty(), "a run ends when nothing of it lives");
    }

    /// Lets everything come to its end.
    fn play_out(&mut self) {
        self.world.slots = 100;
        self.world.block_slots.insert(NARROW.to_owned(), 100);
        for _ in 0..2_000 {
            self.make(&Move::Pass(255));
            for index in 0..self.inbox.len() {
                self.make(&Move::Take(index));
            }
            match self.world.calls.first().cloned() {
                Some(call) => {
                    self.world.returns(call.execution, answer(call.call, 0));
                }
                None if self.world.state.ended.is_some() && self.inbox.is_empty() => return,
                None => {
                    let deferred = self.world.state.live.keys().next().copied();
                    if let Some(execution) = deferred {
                        self.make(&Move::Callback(execution as usize - 1));
                    }
                }
            }
        }
        panic!("the run neither ended nor waited: {:?}", self.world.state);
    }
}

/// An answer that the called handler may give; 0 resolves.
fn answer(call: Call, what: u8) -> Returned {
    let wake = Some(When::After(Duration::from_secs(u64::from(what))));
    match (call, what % 8) {
        (Call::Cancel, 0..=4) => Returned::Cancelled,
        (Call::Cancel, _) => retryable("down"),
        (_, 0) => outcome("ok"),
        (_, 1) => Returned::Exit,
        (_, 2) => error("broken"),
        (_, 3) => retryable("busy"),
        (Call::Execute, 4) => {
            Returned::Defer { state: Sealed(vec![1]), waiting_for: None, question: None, wake }
        }
        (Call::Execute, _) => defer(),
        (Call::Wake, 4) => Returned::NoOp { state: None, wake },
        (Call::Finish { .. } | Call::Wake, 4 | 5) => no_op(),
        (Call::Wake, _) => retryable("busy"),
        (Call::Finish { .. }, _) => Returned::Rejected("stray".into()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn d5_any_sequence_keeps_the_invariants_and_comes_to_an_end(moves in moves()) {
        let mut play = Play { world: world(), inbox: Vec::new(), accepted: Vec::new(), next: 1_000_000 };
        for next in &moves {
            play.make(next);
            play.check();
            let status = play.world.state.status();
            prop_assert_eq!(status.is_final(), play.world.state.ended.is_some());
        }
        play.play_out();
        play.check();
        for callback in &play.accepted {
            let handed = play.world.entries.iter().filter(|entry| matches!(entry,
                Entry::AttemptStarted { callback: Some(started), .. } if started.0 == *callback)).count();
            let unused = play.world.entries.iter().filter(|entry| matches!(entry,
                Entry::CallbackUnused { callback: unused, .. } if unused.0 == *callback)).count();
            prop_assert!(handed + unused >= 1, "callback {} was lost", callback);
            prop_assert!(unused <= 1);
        }
        let ends = play.world.entries.iter().filter(|entry| matches!(entry, Entry::RunEnded { .. })).count();
        let retries = play.world.entries.iter().filter(|entry| matches!(entry, Entry::RetryRequested)).count();
        prop_assert_eq!(ends, retries + 1);
        let attempts_started = play.world.entries.iter().filter(|entry| matches!(entry, Entry::AttemptStarted { .. })).count();
        let attempts_ended = play.world.entries.iter().filter(|entry| matches!(entry, Entry::AttemptEnded { .. })).count();
        prop_assert_eq!(attempts_started, attempts_ended);
        let resolved_by_outcome = play.world.entries.iter().filter_map(|entry| match entry {
            Entry::AttemptEnded { execution, result: AttemptResult::Outcome { .. } | AttemptResult::Exit, .. } => Some(*execution),
            _ => None,
        });
        let mut seen = std::collections::BTreeSet::new();
        for execution in resolved_by_outcome {
            prop_assert!(seen.insert(execution), "execution {} had two outcomes", execution);
        }
    }
}
