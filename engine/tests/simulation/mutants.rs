//! Mutants: worlds whose store or blocks do one thing wrong. That the checks find each of them shows that they bite.

use stepwell_engine::core::workflow::{Phase, WorkflowState};
use stepwell_engine::model::{ActivationStatus, Entry, RunId, decode_entries};
use stepwell_engine::store::{InboxEntry, Record, StartRun, WorkflowChange};

use crate::blocks::is_tick;
use crate::play::play;
use crate::world::World;

/// In one of so many worlds each mutant is found: most of them in one of the first ten.
const SEEDS: u64 = 150;

/// What is done wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// A run moves on from whatever sequence it is at.
    SequenceUnguarded,
    /// A run is moved also by processes that do not work on it.
    OwnerUnguarded,
    /// A process whose lease has expired commits all the same.
    LeaseUnfenced,
    /// What a dead process worked on is taken over by nobody.
    OrphansLeft,
    /// A callback is acknowledged and not stored.
    CallbackLost,
    /// A deadline passes before a callback that came earlier.
    DeadlineFirst,
    /// A panic counts as an interruption.
    PanicInterrupts,
    /// What `once` has recorded is not found again.
    OnceForgotten,
    /// The state of a callback that counts is not kept.
    StateKept,
    /// Events with a key start a run each.
    KeyForgotten,
    /// A tick's next is not kept.
    TickForgotten,
    /// A tick starts two runs.
    TickDoubled,
    /// A version that was replaced by one that overlaps stays active.
    OverlapKept,
    /// A URL accepts after it was stopped.
    StoppedAccepts,
    /// It is not kept who makes the calls of triggers' handlers.
    CallersForgotten,
}

impl Mutant {
    const ALL: [Self; 15] = [
        Self::SequenceUnguarded,
        Self::OwnerUnguarded,
        Self::LeaseUnfenced,
        Self::OrphansLeft,
        Self::CallbackLost,
        Self::DeadlineFirst,
        Self::PanicInterrupts,
        Self::OnceForgotten,
        Self::StateKept,
        Self::KeyForgotten,
        Self::TickForgotten,
        Self::TickDoubled,
        Self::OverlapKept,
        Self::StoppedAccepts,
        Self::CallersForgotten,
    ];

    /// What the check says that is to find it.
    const fn found_by(self) -> &'static str {
        match self {
            // Whatever two moves from one state break first.
            Self::SequenceUnguarded => "run ",
            Self::OwnerUnguarded | Self::LeaseUnfenced | Self::OrphansLeft => "o4: ",
            Self::CallbackLost | Self::DeadlineFirst => "d3: ",
            Self::PanicInterrupts => "s6: ",
            Self::OnceForgotten => "s11: ",
            Self::StateKept => "d4: ",
            Self::KeyForgotten => "t7: ",
            Self::TickForgotten | Self::TickDoubled => "t14: ",
            Self::CallersForgotten => "t2: ",
            Self::OverlapKept => "t4: ",
            Self::StoppedAccepts => "t5: ",
        }
    }

    /// Whether a world may find it.
    fn suits(self, world: &World) -> bool {
        match self {
            Self::OwnerUnguarded | Self::OrphansLeft | Self::CallersForgotten => world.engines > 1,
            Self::LeaseUnfenced => world.loses_leases(),
            Self::DeadlineFirst => world.has_deadline(),
            Self::OnceForgotten => world.has_block("ask"),
            Self::StateKept => world.has_block("gather"),
            Self::OverlapKept => world.has_block("lasting"),
            _ => true,
        }
    }

    /// The seed that finds it, and the number of worlds that were played, or what was broken instead.
    fn find(self) -> Result<(u64, usize), String> {
        let worlds = (0..SEEDS).map(World::draw).filter(|world| self.suits(world));
        let mut instead = None;
        for (before, mut world) in worlds.enumerate() {
            world.mutant = Some(self);
            let broken = play(&world).broken;
            if broken.iter().any(|problem| problem.contains(self.found_by())) {
                return Ok((world.seed, before + 1));
            }
            instead = instead.or_else(|| broken.into_iter().next());
        }
        Err(match instead {
            Some(problem) => format!("only this was: {problem}"),
            None => "nothing was".to_owned(),
        })
    }
}

/// Looks for every mutant; says whether all were found.
pub(crate) fn find_all(jobs: usize) -> bool {
    let next = std::sync::Mutex::new(Mutant::ALL.iter());
    let lost = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let Some(mutant) = next.lock().expect("no holder panics").next() else { return };
                    match mutant.find() {
                        Ok((seed, worlds)) => {
                            println!("mutant {mutant:?}: found in world {worlds}, of seed {seed}");
                        }
                        Err(instead) => {
                            println!("mutant {mutant:?}: `{}` was not broken, {instead}", mutant.found_by());
                            lost.store(true, std::sync::atomic::Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    !lost.into_inner()
}

/// What a mutant makes of a change of a workflow.
pub(crate) fn of_workflow(mutant: Option<Mutant>, mut change: WorkflowChange) -> WorkflowChange {
    let mut state: WorkflowState = serde_json::from_slice(&change.state).unwrap_or_default();
    let replaced = state.activations.iter().any(|activation| activation.phase == Phase::Active);
    match mutant {
        Some(Mutant::TickForgotten) => {
            for activation in &mut state.activations {
                activation.tick = activation.tick.filter(|tick| tick.running);
            }
        }
        Some(Mutant::OverlapKept) if replaced => {
            for activation in &mut state.activations {
                if activation.phase != Phase::Deactivating {
                    continue;
                }
                activation.phase = Phase::Active;
                for row in change.activations.iter_mut().filter(|row| row.id == activation.id) {
                    row.status = ActivationStatus::Active;
                }
            }
        }
        Some(Mutant::CallersForgotten) => state.callers.clear(),
        Some(Mutant::StoppedAccepts) => {
            for row in &mut change.activations {
                row.accepts |= row.status != ActivationStatus::Activating;
            }
            return change;
        }
        _ => return change,
    }
    change.state = serde_json::to_vec(&state).expect("a state is JSON");
    change
}

/// What a mutant makes of the start of a run.
pub(crate) fn of_start(mutant: Option<Mutant>, mut start: StartRun) -> StartRun {
    if mutant == Some(Mutant::KeyForgotten) {
        start.dedupe = None;
    }
    start
}

/// The second run that a mutant starts for a tick.
pub(crate) fn doubled(
    mutant: Option<Mutant>,
    start: &StartRun,
    another: impl FnOnce() -> (RunId, Record),
) -> Option<StartRun> {
    let entries = decode_entries(&start.record.body).unwrap_or_default();
    let tick = matches!(entries.first(), Some(Entry::RunStarted { data, .. }) if is_tick(data));
    if mutant != Some(Mutant::TickDoubled) || !tick {
        return None;
    }
    let mut second = start.clone();
    (second.run.id, second.record) = another();
    second.dedupe = None;
    Some(second)
}

/// What a mutant makes of an inbox.
pub(crate) fn of_inbox(mutant: Option<Mutant>, mut inbox: Vec<InboxEntry>) -> Vec<InboxEntry> {
    if mutant == Some(Mutant::DeadlineFirst) {
        for entry in &mut inbox {
            entry.at = jiff::Timestamp::MAX;
        }
    }
    inbox
}
