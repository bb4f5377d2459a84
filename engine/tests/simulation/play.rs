//! Lets a world happen: its plan first, then calm until everything has come to rest, then its end.

use std::sync::Arc;
use std::time::Duration;

use stepwell_engine::core::run::Phase;
use stepwell_engine::definition::Definition;
use stepwell_engine::driver::{Clock as _, Driver};
use stepwell_engine::model::{ActivationId, ActivationStatus, ExecutionId, RunId, WorkflowId};
use stepwell_engine::store::sqlite::MemoryDatabase;

use crate::blocks::name;
use crate::check::{BY_HAND, Checker};
use crate::client;
use crate::engines::{Engines, LEASE};
use crate::lanes::Lanes;
use crate::ledger::{End, Event, EventAnswer, Ledger};
use crate::shared::SharedDatabase;
use crate::sim::{Sim, short};
use crate::store::Database;
use crate::world::{Action, World};

/// How long a world rests at least: longer than any deadline, wake time or back-off that it draws.
const REST: Duration = Duration::from_mins(2);
/// How often it is let go on while something is still being done.
const PATIENCE: usize = 120;
/// How many steps may wait one after the other in a run.
const LONGEST_CHAIN: usize = 8;

/// What came of a world.
pub(crate) struct Played {
    pub(crate) trace: Vec<String>,
    pub(crate) broken: Vec<String>,
}

/// Lets a world happen.
pub(crate) fn play(world: &World) -> Played {
    let sim = Sim::enter(world);
    sim.ledger().lanes = Lanes::of(world);
    let logged = crate::log::into(&sim);
    let database = Arc::new(MemoryDatabase::new().expect("there is memory for a database"));
    let open = || database.open_inline().expect("the database in memory works");
    let checker = Checker::new(&sim, open());
    let database = match world.engines {
        1 => Database::Own(Arc::clone(&database)),
        _ => Database::Shared(SharedDatabase::new(open(), Arc::clone(&sim) as _, LEASE, world.guards())),
    };
    let engines = Engines::new(&sim, database, world.engines);
    let mut play = Play { sim: Arc::clone(&sim), world, checker, engines };
    for step in &world.plan {
        play.act(&step.action);
        play.engines.live_for(step.then);
        play.checker.look();
    }
    play.come_to_rest();
    play.end();
    sim.trace(play.checker.summary());
    drop(play);
    drop(logged);
    let (trace, Ledger { broken, .. }) = sim.leave();
    Played { trace, broken }
}

struct Play<'a> {
    sim: Arc<Sim>,
    world: &'a World,
    checker: Checker,
    engines: Engines,
}

impl Play<'_> {
    fn begin<F: Future<Output = ()> + Send + 'static>(&mut self, task: impl FnOnce(Driver) -> F) {
        self.engines.begin(task);
    }

    fn act(&mut self, action: &Action) {
        self.sim.trace(format!("== {action:?}"));
        match *action {
            Action::Enable { workflow } => self.enable(workflow),
            Action::Disable { workflow } => self.disable(workflow),
            Action::Event { workflow, .. } if self.world.workflows[workflow].is_called() => {
                self.start(workflow);
            }
            Action::Event { workflow, older, key, doing, again, copies } => {
                let workflow = self.world.workflows[workflow].name.clone();
                let key = Some(format!("key {key}"));
                let activations = self.checker.activations(&workflow);
                if let Some(activation) = activations.get(older).or(activations.first()) {
                    self.event(&workflow, activation.id, key, doing, (again, copies));
                }
            }
            Action::Start { workflow } => self.start(workflow),
            Action::Callback { pick, waiting, doing, copies } => {
                if let Some(execution) = self.pick_execution(pick, waiting) {
                    for _ in 0..copies {
                        self.begin(|driver| client::call_back(driver, execution, doing, Duration::ZERO));
                    }
                }
            }
            Action::Look { pick, waiting } => {
                if let Some(execution) = self.pick_execution(pick, waiting) {
                    self.begin(|driver| client::look(driver, execution));
                }
            }
            Action::Cancel { pick } => {
                if let Some(run) = self.pick_run(pick) {
                    self.begin(|driver| async move {
                        let answer = driver.cancel(run).await.map_err(|refusal| refusal.to_string());
                        Sim::current()
                            .trace(format!("cancelling run {} is answered {answer:?}", short(run.0)));
                    });
                }
            }
            Action::Retry { pick } => {
                if let Some(run) = self.pick_run(pick) {
                    self.begin(|driver| async move {
                        let answer = driver.retry(run).await.map_err(|refusal| refusal.to_string());
                        Sim::current().trace(format!("retrying run {} is answered {answer:?}", short(run.0)));
                    });
                }
            }
            Action::Die { pick, down } => self.engines.die(pick, down),
            Action::StandStill { pick, time } => self.engines.stand_still(pick, time),
            Action::DieAt { death } => self.sim.faults().death = Some(death),
            Action::Wait => {}
        }
    }

    fn enable(&mut self, workflow: usize) {
        let workflow = &self.world.workflows[workflow];
        let id = WorkflowId(workflow.name.clone());
        let parsed = Definition::from_value(&workflow.definition).expect("the worlds' definitions are right");
        self.begin(|driver| async move {
            let enabled = async {
                driver.put_draft(&id, &parsed.definition).await?;
                driver.enable(&id).await
            };
            let answer =
                enabled.await.map(|version| version.number).map_err(|refusal| format!("{refusal:?}"));
            Sim::current().trace(format!("enabling {id} is answered {answer:?}"));
        });
    }

    fn disable(&mut self, workflow: usize) {
        let workflow = self.world.workflows[workflow].name.clone();
        let known: Vec<ActivationId> = self.checker.activations(&workflow).iter().map(|row| row.id).collect();
        self.begin(|driver| async move {
            let disabled = driver.disable(&WorkflowId(workflow.clone())).await;
            let sim = Sim::current();
            sim.trace(format!(
                "disabling {workflow} is answered {:?}",
                disabled.as_ref().map_err(ToString::to_string)
            ));
            if disabled.is_ok() {
                let now = sim.now();
                let mut ledger = sim.ledger();
                for id in known {
                    ledger.activations.entry(id).or_default().stopped.get_or_insert(now);
                }
            }
        });
    }

    fn event(
        &mut self,
        workflow: &str,
        activation: ActivationId,
        key: Option<String>,
        doing: &'static str,
        (again, copies): (u32, u32),
    ) -> usize {
        let row = self.world.workflows.iter().find(|known| known.name == workflow);
        let keyed = row.is_some_and(|row| row.definition["trigger"]["block"] != crate::world::block("hook"));
        let number = {
            let mut ledger = self.sim.ledger();
            let workflow = WorkflowId(workflow.to_owned());
            ledger.events.push(Event { workflow, key: key.filter(|_| keyed), sent: 0, answers: Vec::new() });
            ledger.events.len() - 1
        };
        for _ in 0..copies {
            self.begin(|driver| client::send(driver, activation, number, doing, again));
        }
        number
    }

    fn start(&mut self, workflow: usize) {
        let id = WorkflowId(self.world.workflows[workflow].name.clone());
        self.begin(|driver| async move {
            let started = driver.start_run(&id, None, serde_json::json!({ "event": BY_HAND })).await;
            let sim = Sim::current();
            match started {
                Ok(run) => {
                    sim.trace(format!("run {} was started by hand", short(run.0)));
                    sim.ledger().by_hand.insert(run);
                }
                Err(refusal) => sim.trace(format!("starting a run by hand is refused: {refusal}")),
            }
        });
    }

    fn pick_run(&self, pick: usize) -> Option<RunId> {
        let runs = self.checker.runs();
        (!runs.is_empty()).then(|| runs[pick % runs.len()].id)
    }

    fn pick_execution(&self, pick: usize, waiting: bool) -> Option<ExecutionId> {
        let ledger = self.sim.ledger();
        let waits = |id: &&ExecutionId| {
            let calls = ledger.calls.range((**id, 0)..=(**id, u32::MAX));
            matches!(
                calls.last().and_then(|(_, call)| call.end),
                Some(End::Deferred { .. } | End::NoOp { .. } | End::NextState | End::Rejected)
            )
        };
        let known: Vec<ExecutionId> = if waiting {
            ledger.executions.iter().filter(waits).copied().collect()
        } else {
            ledger.executions.clone()
        };
        (!known.is_empty()).then(|| known[pick % known.len()])
    }

    /// Nothing goes wrong any more, and everything that is due is done.
    fn come_to_rest(&mut self) {
        self.sim.trace("== nothing goes wrong from here on");
        self.sim.calm_down();
        self.engines.bring_all_back();
        self.settle(REST);
        self.checker.look_at_rest();
    }

    fn settle(&mut self, time: Duration) {
        self.engines.live_for(time);
        for _ in 0..PATIENCE {
            if !self.checker.is_busy() || !self.sim.ledger().broken.is_empty() {
                return;
            }
            self.engines.live_for(Duration::from_secs(1));
        }
        self.sim.broken("it does not come to rest");
    }

    /// What accepts events starts runs, what waits can be finished, and what is enabled can be disabled.
    fn end(&mut self) {
        for workflow in self.world.workflows.iter().filter(|workflow| !workflow.is_called()) {
            let activations = self.checker.activations(&workflow.name);
            let Some(active) = activations.iter().find(|row| row.status == ActivationStatus::Active) else {
                continue;
            };
            let event = self.event(&workflow.name, active.id, Some("the last".to_owned()), "start", (0, 1));
            self.settle(Duration::from_secs(1));
            if !matches!(self.sim.ledger().events[event].answers[..], [EventAnswer::Started(_)]) {
                self.sim.broken(format!("{} is enabled and starts nothing", workflow.name));
            }
        }
        // The runs of a lane may go on one after the other.
        for _ in 0..LONGEST_CHAIN * self.checker.runs().len().max(1) {
            let waiting = self.waiting();
            if waiting.is_empty() {
                break;
            }
            for execution in waiting {
                self.sim.trace(format!("{} is finished", name(execution)));
                self.begin(|driver| client::call_back(driver, execution, "done", Duration::ZERO));
            }
            self.settle(Duration::from_secs(1));
        }
        for _ in 0..2 {
            for workflow in 0..self.world.workflows.len() {
                self.disable(workflow);
            }
            self.settle(Duration::from_mins(1));
        }
        self.checker.look_at_end();
    }

    fn waiting(&self) -> Vec<ExecutionId> {
        let mut waiting = Vec::new();
        for row in self.checker.runs().iter().filter(|row| !row.status.is_final()) {
            let state = Checker::run_state(row);
            let waits = state.live.iter().filter(|(_, execution)| execution.phase == Phase::Waiting);
            waiting.extend(waits.map(|(number, _)| ExecutionId { run: row.id, number: *number }));
        }
        waiting
    }
}
