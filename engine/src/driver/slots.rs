//! What attempts start with: each takes a slot of the process, and one of its block if the block is bounded.
//!
//! A run waits for a slot of the block first, and for one of the process when it has that, so that an attempt that
//! waits for its block keeps no slot from another. Whoever waits keeps its place in the line until it has its turn or
//! has nothing more to start.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::task::{Context, Poll};

use jiff::Timestamp;
use stepwell::block::{BlockDefinition, Handlers};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::PollSemaphore;

use crate::core::run::{Plan, RunState};

/// The slots of a process.
pub(super) struct Slots {
    /// Those of the process.
    pub(super) process: Arc<Semaphore>,
    /// Those of each bounded block, by its id.
    blocks: HashMap<String, Arc<Semaphore>>,
}

impl Slots {
    /// All are free.
    pub(super) fn new<'a>(attempts: usize, blocks: impl IntoIterator<Item = &'a BlockDefinition>) -> Self {
        let bounded = blocks.into_iter().filter_map(|block| match &block.handlers {
            Handlers::Step(step) => Some((block.id(), usize::try_from(step.concurrency?).ok()?)),
            Handlers::Trigger(_) => None,
        });
        let blocks = bounded.map(|(block, bound)| (block, Arc::new(Semaphore::new(bound)))).collect();
        Self { process: Arc::new(Semaphore::new(attempts)), blocks }
    }
}

/// What a running attempt holds.
pub(super) struct Slot {
    pub(super) process: OwnedSemaphorePermit,
    /// Of its block, if that is bounded.
    pub(super) block: Option<OwnedSemaphorePermit>,
}

/// How many attempts of a run are due.
#[derive(Debug, Default)]
pub(super) struct Due {
    unbounded: usize,
    /// By the id of the block.
    bounded: BTreeMap<String, usize>,
}

impl Due {
    pub(super) fn of(state: &RunState, plan: &Plan, now: Timestamp) -> Self {
        let mut due = Self::default();
        for (_, execution) in state.ready(now) {
            match plan.steps.get(&execution.step) {
                Some(step) if step.bounded => *due.bounded.entry(step.block.clone()).or_default() += 1,
                _ => due.unbounded += 1,
            }
        }
        due
    }

    pub(super) fn is_empty(&self) -> bool {
        self.unbounded == 0 && self.bounded.is_empty()
    }

    fn of_block(&self, block: &str) -> usize {
        self.bounded.get(block).copied().unwrap_or(0)
    }
}

/// The slots that a run has at hand for its next attempts, and the lines that it stands in.
pub(super) struct AtHand {
    slots: Arc<Slots>,
    process: Line,
    blocks: HashMap<String, Line>,
}

impl AtHand {
    /// None yet.
    pub(super) fn new(slots: &Arc<Slots>) -> Self {
        Self { slots: Arc::clone(slots), process: Line::new(&slots.process), blocks: HashMap::new() }
    }

    /// Takes what is free, without waiting: `wanted` slots of the process, and of each block as many as are due.
    pub(super) fn take(&mut self, due: &Due, wanted: usize) {
        self.stand_at(due);
        for (block, line) in &mut self.blocks {
            line.take(due.of_block(block));
        }
        self.process.take(wanted);
    }

    /// Returns when there is one slot more for what is due; never if nothing is.
    pub(super) async fn wait(&mut self, due: &Due) {
        self.stand_at(due);
        std::future::poll_fn(|context| self.poll(due, context)).await;
    }

    fn poll(&mut self, due: &Due, context: &mut Context<'_>) -> Poll<()> {
        let mut polled = Poll::Pending;
        for (block, line) in &mut self.blocks {
            if line.held.len() < due.of_block(block) && line.poll(context).is_ready() {
                polled = Poll::Ready(());
            }
        }
        if self.process.held.is_empty()
            && self.lacks_only_the_process(due)
            && self.process.poll(context).is_ready()
        {
            polled = Poll::Ready(());
        }
        polled
    }

    /// How many attempts may start.
    pub(super) fn of_process(&self) -> usize {
        self.process.held.len()
    }

    /// How many attempts of each block may start.
    pub(super) fn of_blocks(&self) -> HashMap<String, usize> {
        self.blocks.iter().map(|(block, line)| (block.clone(), line.held.len())).collect()
    }

    /// The slot of an attempt that starts; of this block, if it is bounded.
    pub(super) fn start(&mut self, bounded: Option<&str>) -> Option<Slot> {
        let process = self.process.held.pop()?;
        let block = match bounded {
            Some(block) => Some(self.blocks.get_mut(block)?.held.pop()?),
            None => None,
        };
        Some(Slot { process, block })
    }

    /// Keeps a slot of the process at hand, of an attempt that has ended.
    pub(super) fn keep(&mut self, process: OwnedSemaphorePermit) {
        self.process.held.push(process);
    }

    /// Gives back what a decision has not used, but for the slots of blocks whose attempts are due and lack one of the
    /// process; and leaves the lines where there is nothing more to wait for.
    pub(super) fn settle(&mut self, due: &Due) {
        self.process.held.clear();
        self.blocks.retain(|block, line| {
            line.held.truncate(due.of_block(block));
            due.of_block(block) > 0
        });
        if !self.lacks_only_the_process(due) {
            self.process = Line::new(&self.slots.process);
        }
    }

    /// Whether an attempt is due that needs no slot of a block, or has it.
    fn lacks_only_the_process(&self, due: &Due) -> bool {
        due.unbounded > 0 || self.blocks.values().any(|line| !line.held.is_empty())
    }

    fn stand_at(&mut self, due: &Due) {
        for block in due.bounded.keys().filter(|block| !self.blocks.contains_key(*block)).collect::<Vec<_>>()
        {
            if let Some(slots) = self.slots.blocks.get(block) {
                self.blocks.insert(block.clone(), Line::new(slots));
            }
        }
    }
}

/// Slots of one kind.
struct Line {
    held: Vec<OwnedSemaphorePermit>,
    /// Where the next is waited for; first come, first served.
    line: PollSemaphore,
}

impl Line {
    fn new(slots: &Arc<Semaphore>) -> Self {
        Self { held: Vec::new(), line: PollSemaphore::new(Arc::clone(slots)) }
    }

    fn take(&mut self, wanted: usize) {
        while self.held.len() < wanted {
            let Ok(slot) = self.line.clone_inner().try_acquire_owned() else { return };
            self.held.push(slot);
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.line.poll_acquire(context).map(|slot| self.held.extend(slot))
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    const NARROW: &str = "test/narrow";

    fn slots(attempts: usize, narrow: usize) -> Arc<Slots> {
        let blocks = HashMap::from([(NARROW.to_owned(), Arc::new(Semaphore::new(narrow)))]);
        Arc::new(Slots { process: Arc::new(Semaphore::new(attempts)), blocks })
    }

    /// One attempt of the bounded block is due.
    fn due() -> Due {
        Due { unbounded: 0, bounded: BTreeMap::from([(NARROW.to_owned(), 1)]) }
    }

    /// A run with one attempt of the bounded block, which it starts if there are slots.
    fn run(slots: &Arc<Slots>) -> (AtHand, Option<Slot>) {
        let mut run = AtHand::new(slots);
        run.take(&due(), 1);
        let slot = run.start(Some(NARROW));
        if slot.is_none() {
            run.settle(&due());
        }
        (run, slot)
    }

    /// Whether a run that waits has one slot more.
    fn has_its_turn(run: &mut AtHand) -> bool {
        run.stand_at(&due());
        run.poll(&due(), &mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn s13_runs_wait_for_a_block_in_order_and_keep_no_slot_of_the_process() {
        let slots = slots(9, 1);
        let (_first, running) = run(&slots);
        let ((mut second, none), (mut third, _)) = (run(&slots), run(&slots));
        assert!(none.is_none());
        assert!(!has_its_turn(&mut second) && !has_its_turn(&mut third));
        assert_eq!(slots.process.available_permits(), 8);
        drop(running);
        let (_latecomer, none) = run(&slots);
        assert!(none.is_none());
        assert!(!has_its_turn(&mut third) && has_its_turn(&mut second));
        second.take(&due(), 1);
        drop(second.start(Some(NARROW)).expect("it has both slots"));
        assert!(has_its_turn(&mut third));
    }

    #[test]
    fn s13_who_has_nothing_more_to_start_leaves_its_turn_to_the_next() {
        let slots = slots(9, 1);
        let (_first, running) = run(&slots);
        let [(mut second, _), (mut third, _), (mut fourth, _)] = [run(&slots), run(&slots), run(&slots)];
        for run in [&mut second, &mut third, &mut fourth] {
            assert!(!has_its_turn(run));
        }
        second.settle(&Due::default());
        drop(running);
        // The turn of the third has come, and it does not take it.
        third.settle(&Due::default());
        assert!(has_its_turn(&mut fourth));
    }

    #[test]
    fn s13_a_slot_of_the_block_is_kept_while_the_process_has_none() {
        let slots = slots(1, 1);
        let mut other = AtHand::new(&slots);
        other.take(&Due::default(), 1);
        let (mut waits, none) = run(&slots);
        assert!(none.is_none());
        assert_eq!(waits.of_blocks(), HashMap::from([(NARROW.to_owned(), 1)]));
        assert!(!has_its_turn(&mut waits));
        drop(other);
        assert!(has_its_turn(&mut waits));
        assert!(waits.start(Some(NARROW)).is_some());
    }
}
