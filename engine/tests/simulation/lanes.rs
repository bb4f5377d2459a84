//! The lanes of bounded workflows as the committed records tell them, in the order in which they were committed (s12).

use std::collections::BTreeMap;

use stepwell_engine::model::{Entry, RunId, WorkflowId};

use crate::sim::short;
use crate::world::{LANE, World};

/// Which runs wait in line or go on, by workflow and key.
#[derive(Default)]
pub(crate) struct Lanes {
    limits: BTreeMap<WorkflowId, Limit>,
    of: BTreeMap<RunId, (WorkflowId, Option<i64>)>,
    lines: BTreeMap<(WorkflowId, Option<i64>), Vec<RunId>>,
}

/// How many runs of a workflow may go on at once.
#[derive(Debug, Clone, Copy)]
struct Limit {
    most: usize,
    by_event: bool,
}

impl Lanes {
    pub(crate) fn of(world: &World) -> Self {
        let bounded = world.workflows.iter().filter_map(|workflow| {
            let concurrency = workflow.definition.get("concurrency")?;
            let most = usize::try_from(concurrency["limit"].as_u64()?).ok()?;
            let limit = Limit { most, by_event: concurrency["key"] == LANE };
            Some((WorkflowId(workflow.name.clone()), limit))
        });
        Self { limits: bounded.collect(), ..Self::default() }
    }

    /// A run of this workflow was committed.
    pub(crate) fn started(&mut self, workflow: &WorkflowId, run: RunId, entries: &[Entry]) {
        let Some(limit) = self.limits.get(workflow) else { return };
        let Some(Entry::RunStarted { data, .. }) = entries.first() else { return };
        let key = data["event"].as_i64().filter(|_| limit.by_event);
        // Its answer may have been lost before.
        if self.of.insert(run, (workflow.clone(), key)).is_none() {
            self.lines.entry((workflow.clone(), key)).or_default().push(run);
        }
    }

    /// A record of a run was committed. What breaks s12.
    pub(crate) fn read(&mut self, run: RunId, entries: &[Entry]) -> Vec<String> {
        let Some(lane) = self.of.get(&run) else { return Vec::new() };
        let most = self.limits.get(&lane.0).map_or(0, |limit| limit.most);
        let queue = self.lines.entry(lane.clone()).or_default();
        let mut broken = Vec::new();
        for entry in entries {
            match entry {
                Entry::RunAdmitted => match queue.iter().position(|other| *other == run) {
                    Some(before) if before < most => {}
                    place => broken.push(format!(
                        "s12: run {} goes on at place {place:?} of its lane, where {most} may",
                        short(run.0)
                    )),
                },
                Entry::RetryRequested => queue.push(run),
                Entry::RunEnded { .. } => queue.retain(|other| *other != run),
                _ => {}
            }
        }
        broken
    }

    /// Whether a run has to wait until others have ended.
    pub(crate) fn waits(&self, run: RunId) -> bool {
        let Some(lane) = self.of.get(&run) else { return false };
        let most = self.limits.get(&lane.0).map_or(0, |limit| limit.most);
        let place = self.lines.get(lane).and_then(|line| line.iter().position(|other| *other == run));
        place.is_some_and(|before| before >= most)
    }
}
