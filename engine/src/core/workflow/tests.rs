use jiff::SignedDuration;
use uuid::Uuid;

use super::*;

struct World {
    state: WorkflowState,
    now: Timestamp,
    calls: Vec<Call>,
    /// The last row of each activation.
    rows: Vec<Activation>,
}

impl World {
    fn new() -> Self {
        Self {
            state: WorkflowState::default(),
            now: Timestamp::UNIX_EPOCH,
            calls: Vec::new(),
            rows: Vec::new(),
        }
    }

    fn try_apply(&mut self, event: Event) -> Result<&mut Self, IllegalEvent> {
        let decision = apply(self.state.clone(), event, self.now, 0.0)?;
        let stored = serde_json::to_vec(&decision.state).expect("a state is JSON");
        self.state = serde_json::from_slice(&stored).expect("a stored state is read back");
        for row in decision.activations {
            self.rows.retain(|known| known.id != row.id);
            self.rows.push(row);
        }
        self.calls = decision.calls;
        Ok(self)
    }

    #[track_caller]
    fn apply(&mut self, event: Event) -> &mut Self {
        self.try_apply(event).expect("the event fits the state")
    }

    fn enable(&mut self, number: u128) -> &mut Self {
        self.apply(Event::Enable {
            version: VersionId(Uuid::from_u128(number)),
            activation: id(number),
            registers: true,
        })
    }

    fn enabled(number: u128) -> Self {
        let mut world = Self::new();
        world.enable(number).apply(Event::Activated(id(number), Ok(registration())));
        world
    }

    fn pass(&mut self, seconds: i64) -> &mut Self {
        self.now += SignedDuration::from_secs(seconds);
        self.apply(Event::Tick)
    }

    fn row(&self, number: u128) -> (ActivationStatus, bool) {
        let row = self.rows.iter().find(|row| row.id == id(number)).expect("the activation exists");
        (row.status(), row.accepts)
    }
}

fn id(number: u128) -> ActivationId {
    ActivationId(Uuid::from_u128(number))
}

fn registration() -> Sealed {
    Sealed(vec![7])
}

fn down() -> Result<(), String> {
    Err("provider down".into())
}

#[test]
fn t1_the_activation_exists_before_activate_is_called() {
    let mut world = World::new();
    world.enable(1);
    assert_eq!(world.calls, [Call::Activate(id(1))]);
    assert_eq!(world.row(1), (ActivationStatus::Activating, false));
}

#[test]
fn t2_a_call_that_was_interrupted_is_repeated_with_the_same_id() {
    let mut world = World::new();
    world.enable(1).apply(Event::Interrupted(id(1), "died".into()));
    assert_eq!(world.calls, [Call::Activate(id(1))]);
    world.apply(Event::Activated(id(1), Ok(registration())));
    assert!(world.try_apply(Event::Activated(id(1), Ok(registration()))).is_err(), "activate succeeds once");
    world.apply(Event::Disable).apply(Event::Interrupted(id(1), "died".into()));
    assert_eq!(world.calls, [Call::Deactivate(id(1))]);
    world.apply(Event::Deactivated(id(1), Ok(())));
    assert!(world.try_apply(Event::Deactivated(id(1), Ok(()))).is_err(), "deactivate succeeds once");
}

#[test]
fn t3_failed_activation_is_not_enabled_and_never_deactivated() {
    let mut world = World::new();
    world.enable(1).apply(Event::Activated(id(1), Err("no permission".into())));
    assert_eq!(world.row(1), (ActivationStatus::ActivationFailed, false));
    assert_eq!((world.state.enabled(), world.state.error.as_deref()), (None, Some("no permission")));
    assert!(world.try_apply(Event::Disable).is_err());
    world.enable(2);
    assert_eq!(world.calls, [Call::Activate(id(2))], "the failed activation is not deactivated");
}

#[test]
fn t4_replacing_deactivates_the_old_version_and_then_activates_the_new_one() {
    let mut world = World::enabled(1);
    world.enable(2);
    assert_eq!(world.calls, [Call::Deactivate(id(1))]);
    world.apply(Event::Deactivated(id(1), Ok(())));
    assert_eq!(world.calls, [Call::Activate(id(2))]);
    world.apply(Event::Activated(id(2), Ok(registration())));
    assert_eq!(world.row(1), (ActivationStatus::Deactivated, false));
    assert_eq!(world.row(2), (ActivationStatus::Active, true));
}

#[test]
fn t4_if_the_new_activation_fails_the_workflow_is_left_disabled_and_says_why() {
    let mut world = World::enabled(1);
    world
        .enable(2)
        .apply(Event::Deactivated(id(1), Ok(())))
        .apply(Event::Activated(id(2), Err("quota".into())));
    assert_eq!((world.state.enabled(), world.state.error.as_deref()), (None, Some("quota")));
    assert_eq!(world.row(1), (ActivationStatus::Deactivated, false));
}

#[test]
fn t5_the_old_url_accepts_while_it_is_replaced_and_at_most_ten_minutes() {
    let mut world = World::enabled(1);
    world.enable(2);
    assert_eq!(world.row(1), (ActivationStatus::Deactivating, true));
    world.apply(Event::Deactivated(id(1), Ok(())));
    assert!(world.row(1).1, "until the new one is active");
    world.pass(599);
    assert!(world.row(1).1);
    world.pass(1);
    assert_eq!(world.row(1), (ActivationStatus::Deactivated, false));
}

#[test]
fn t5_disabling_stops_the_url_in_the_same_decision() {
    let mut world = World::enabled(1);
    world.apply(Event::Disable);
    assert_eq!(world.row(1), (ActivationStatus::Deactivating, false));
    let mut switching = World::enabled(1);
    switching.enable(2).apply(Event::Disable);
    assert!(!switching.row(1).1 && !switching.row(2).1);
}

#[test]
fn t8_a_failing_deactivate_is_retried_then_shown_and_can_be_retried_by_hand() {
    let mut world = World::enabled(1);
    world.apply(Event::Disable);
    for delay in [1, 2, 4, 8] {
        world.apply(Event::Deactivated(id(1), down()));
        assert_eq!(world.row(1).0, ActivationStatus::Deactivating);
        world.pass(delay);
        assert_eq!(world.calls, [Call::Deactivate(id(1))]);
    }
    world.apply(Event::Deactivated(id(1), down()));
    assert_eq!(world.row(1).0, ActivationStatus::DeactivationFailed);
    assert!(
        world.state.get(id(1)).is_some_and(|activation| activation.registration.is_some()),
        "never forgotten"
    );
    world.apply(Event::Disable);
    assert_eq!(world.calls, [Call::Deactivate(id(1))]);
}

#[test]
fn t8_a_version_whose_predecessor_cannot_be_deactivated_is_enabled_all_the_same() {
    let mut world = World::enabled(1);
    world.enable(2);
    for delay in [1, 2, 4, 8] {
        world.apply(Event::Deactivated(id(1), down())).pass(delay);
    }
    world.apply(Event::Deactivated(id(1), down()));
    assert_eq!(world.calls, [Call::Activate(id(2))]);
}

#[test]
fn t2_a_workflow_that_is_disabled_while_activate_runs_is_deactivated_after_it() {
    let mut world = World::new();
    world.enable(1).apply(Event::Disable).apply(Event::Activated(id(1), Ok(registration())));
    assert_eq!(world.calls, [Call::Deactivate(id(1))]);
    assert_eq!(world.row(1), (ActivationStatus::Deactivating, false));
}

#[test]
fn a_version_is_not_enabled_while_another_still_is() {
    let mut world = World::new();
    world.enable(1);
    let second = Event::Enable { version: VersionId(Uuid::from_u128(2)), activation: id(2), registers: true };
    assert!(world.try_apply(second).is_err());
}

#[test]
fn a_trigger_without_activate_is_enabled_at_once() {
    let mut world = World::new();
    let event = |number| Event::Enable {
        version: VersionId(Uuid::from_u128(number)),
        activation: id(number),
        registers: false,
    };
    world.apply(event(1));
    assert_eq!((world.row(1), world.calls.len()), ((ActivationStatus::Active, true), 0));
    world.apply(event(2));
    assert_eq!(
        (world.row(1), world.row(2)),
        ((ActivationStatus::Deactivated, false), (ActivationStatus::Active, true))
    );
}
