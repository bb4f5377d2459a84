mod exhaustive;

use jiff::SignedDuration;
use uuid::Uuid;

use super::*;
use crate::model::{ActivationStatus, decode_state, encode_state};

/// The process that makes the calls.
const HERE: Epoch = Epoch(1);

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
        let decision = apply(self.state.clone(), event, self.now, 0.0, HERE)?;
        let stored = encode_state(&decision.state);
        self.state = decode_state(&stored).expect("a stored state is read back");
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
            switch: Switch::Replace,
        })
    }

    fn overlap(&mut self, number: u128) -> &mut Self {
        self.apply(Event::Enable {
            version: VersionId(Uuid::from_u128(number)),
            activation: id(number),
            registers: true,
            switch: Switch::Overlap,
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

fn registration() -> Registered {
    Registered { registration: Sealed(vec![7]), expires: None, tick: None }
}

fn after(seconds: u64) -> When {
    When::After(Duration::from_secs(seconds))
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
    world.enable(1).apply(Event::Interrupted(Call::Activate(id(1)), "died".into()));
    assert_eq!(world.calls, [Call::Activate(id(1))]);
    world.apply(Event::Activated(id(1), Ok(registration())));
    assert!(world.try_apply(Event::Activated(id(1), Ok(registration()))).is_err(), "activate succeeds once");
    world.apply(Event::Disable).apply(Event::Interrupted(Call::Deactivate(id(1)), "died".into()));
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
    let delays = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512].into_iter().chain(std::iter::repeat(600));
    for (failures, delay) in (1..).zip(delays) {
        world.apply(Event::Deactivated(id(1), down()));
        let failed = failures >= 5;
        assert_eq!(world.row(1).0 == ActivationStatus::DeactivationFailed, failed, "after {failures}");
        world.pass(delay);
        if world.calls.is_empty() {
            break;
        }
        assert_eq!(world.calls, [Call::Deactivate(id(1))]);
    }
    assert_eq!(world.row(1).0, ActivationStatus::DeactivationFailed);
    // The jitter takes half of it at most.
    assert!(world.now.duration_since(Timestamp::UNIX_EPOCH) > SignedDuration::from_hours(48));
    assert!(
        world.state.get(id(1)).is_some_and(|activation| activation.registration.is_some()),
        "never forgotten"
    );
    world.apply(Event::Disable);
    assert_eq!(world.calls, [Call::Deactivate(id(1))]);
}

#[test]
fn t8_a_deactivate_that_is_interrupted_again_and_again_is_retried_like_one_that_fails() {
    let mut world = World::enabled(1);
    world.apply(Event::Disable);
    let died = || Event::Interrupted(Call::Deactivate(id(1)), "died".into());
    for _ in 0..2 {
        world.apply(died());
        assert_eq!(world.calls, [Call::Deactivate(id(1))], "at once");
    }
    for delay in [1, 2, 4, 8] {
        world.apply(died());
        assert_eq!((world.calls.len(), world.row(1).0), (0, ActivationStatus::Deactivating));
        world.pass(delay);
        assert_eq!(world.calls, [Call::Deactivate(id(1))]);
    }
    world.apply(died());
    assert_eq!(
        world.state.get(id(1)).map(|one| (one.registration.is_some(), one.error.as_deref())),
        Some((true, Some("died (7 times in a row)")))
    );
    world.apply(Event::Disable).apply(died());
    assert_eq!(world.calls, [Call::Deactivate(id(1))], "at once, as after the first interruption");
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
fn t8_a_deactivate_that_waits_for_its_next_try_is_called_at_once_when_asked_for() {
    let mut world = World::enabled(1);
    let again = || Event::DeactivateAgain;
    assert!(world.try_apply(again()).is_err(), "it is active");
    world.apply(Event::Disable);
    assert!(world.try_apply(again()).is_err(), "it is running");
    world.apply(Event::Deactivated(id(1), down()));
    world.apply(again());
    assert_eq!(world.calls, [Call::Deactivate(id(1))]);
    world.apply(Event::Deactivated(id(1), Ok(())));
    assert!(world.try_apply(again()).is_err(), "it is done");
}

#[test]
fn t4_t5_a_deactivate_that_hangs_holds_the_next_version_up_for_ten_minutes_at_most() {
    let mut world = World::enabled(1);
    world.enable(2).pass(599);
    assert_eq!((world.calls.len(), world.row(1)), (0, (ActivationStatus::Deactivating, true)));
    assert_eq!(world.state.due_at(), Timestamp::from_second(600).ok());
    world.pass(1);
    assert_eq!(world.calls, [Call::Activate(id(2))]);
    assert_eq!(world.row(1), (ActivationStatus::Deactivating, false));
    world.apply(Event::Activated(id(2), Ok(registration())));
    world.apply(Event::Deactivated(id(1), down()));
    assert_eq!(world.row(2), (ActivationStatus::Active, true));
    assert_eq!(world.row(1), (ActivationStatus::Deactivating, false));
}

#[test]
fn t4_a_version_that_waits_for_a_disabled_one_is_due_when_it_waits_no_longer() {
    let mut world = World::enabled(1);
    world.apply(Event::Disable).enable(2);
    assert_eq!((world.calls.len(), world.state.due_at()), (0, Timestamp::from_second(600).ok()));
    world.pass(600);
    assert_eq!(world.calls, [Call::Activate(id(2))]);
    assert_eq!(world.state.due_at(), None);
}

#[test]
fn t2_t3_an_activate_that_is_interrupted_again_and_again_is_given_up_and_says_what_to_do() {
    let mut world = World::new();
    world.enable(1);
    for _ in 0..3 {
        world.apply(Event::Interrupted(Call::Activate(id(1)), "died".into()));
    }
    assert_eq!(world.row(1), (ActivationStatus::ActivationFailed, false));
    let error = world.state.error.as_deref().unwrap_or_default();
    assert!(error.contains("3 times in a row") && error.contains("look outside"), "{error}");
}

#[test]
fn t2_who_makes_a_call_is_known_until_it_ends() {
    let mut world = World::new();
    world.enable(1);
    assert_eq!(world.state.calls(), [(Call::Activate(id(1)), Some(HERE))]);
    world.apply(Event::Activated(id(1), Ok(registration())));
    assert_eq!((world.state.calls(), &world.state.callers[..]), (vec![], &[][..]));
}

#[test]
fn t2_who_makes_a_call_is_unknown_after_a_change_by_an_engine_that_does_not_note_it() {
    let mut world = World::new();
    world.enable(1);
    world.state.callers.clear();
    world.apply(Event::Snapshot { version: VersionId(Uuid::from_u128(2)) });
    assert_eq!(world.state.calls(), [(Call::Activate(id(1)), None)]);
    world.apply(Event::Interrupted(Call::Activate(id(1)), "died".into()));
    assert_eq!(world.state.calls(), [(Call::Activate(id(1)), Some(HERE))]);
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
    let second = Event::Enable {
        version: VersionId(Uuid::from_u128(2)),
        activation: id(2),
        registers: true,
        switch: Switch::Replace,
    };
    assert!(world.try_apply(second).is_err());
}

#[test]
fn a_trigger_without_activate_is_enabled_at_once() {
    let mut world = World::new();
    let event = |number| Event::Enable {
        version: VersionId(Uuid::from_u128(number)),
        activation: id(number),
        registers: false,
        switch: Switch::Replace,
    };
    world.apply(event(1));
    assert_eq!((world.row(1), world.calls.len()), ((ActivationStatus::Active, true), 0));
    world.apply(event(2));
    assert_eq!(
        (world.row(1), world.row(2)),
        ((ActivationStatus::Deactivated, false), (ActivationStatus::Active, true))
    );
}

#[test]
fn t4_overlap_activates_the_new_version_before_the_old_one_is_deactivated() {
    let mut world = World::enabled(1);
    world.overlap(2);
    assert_eq!(world.calls, [Call::Activate(id(2))]);
    assert_eq!(world.row(1), (ActivationStatus::Active, true));
    world.apply(Event::Activated(id(2), Ok(registration())));
    assert_eq!(world.calls, [Call::Deactivate(id(1))]);
    assert_eq!(
        (world.row(1), world.row(2)),
        ((ActivationStatus::Deactivating, true), (ActivationStatus::Active, true))
    );
    world.apply(Event::Deactivated(id(1), Ok(())));
    assert_eq!(world.row(1), (ActivationStatus::Deactivated, false));
    assert_eq!(world.state.enabled(), Some(VersionId(Uuid::from_u128(2))));
}

#[test]
fn t4_an_overlapping_activation_that_fails_leaves_the_old_one_enabled() {
    let mut world = World::enabled(1);
    world.overlap(2).apply(Event::Activated(id(2), Err("quota".into())));
    assert_eq!(world.row(1), (ActivationStatus::Active, true));
    assert_eq!(
        (world.state.enabled(), world.state.error.as_deref()),
        (Some(VersionId(Uuid::from_u128(1))), Some("quota"))
    );
}

#[test]
fn t5_an_overlapped_url_accepts_until_it_is_deactivated_and_at_most_ten_minutes() {
    let mut world = World::enabled(1);
    world.overlap(2).apply(Event::Activated(id(2), Ok(registration())));
    world.apply(Event::Deactivated(id(1), down())).pass(599);
    assert!(world.row(1).1);
    world.pass(1);
    assert!(!world.row(1).1);
}

fn expiring(seconds: u64) -> World {
    let mut world = World::new();
    let registered = Registered { expires: Some(after(seconds)), ..registration() };
    world.enable(1).apply(Event::Activated(id(1), Ok(registered)));
    world
}

#[test]
fn t12_a_registration_is_renewed_before_it_expires() {
    let mut world = expiring(1000);
    world.pass(799);
    assert_eq!(world.calls, []);
    world.pass(1);
    assert_eq!(world.calls, [Call::Renew(id(1))]);
    let next = Registered { registration: Sealed(vec![8]), expires: Some(after(1000)), tick: None };
    world.apply(Event::Renewed(id(1), Ok(next)));
    assert_eq!(world.state.get(id(1)).and_then(|one| one.registration.clone()), Some(Sealed(vec![8])));
    world.pass(800);
    assert_eq!(world.calls, [Call::Renew(id(1))], "again and again");
    assert_eq!(world.row(1), (ActivationStatus::Active, true));
}

#[test]
fn t12_a_long_lived_registration_is_renewed_a_day_before() {
    let world = expiring(30 * 86_400);
    assert_eq!(world.state.due_at(), Timestamp::from_second(29 * 86_400).ok());
}

#[test]
fn t12_a_failing_renewal_is_shown_and_retried() {
    let mut world = expiring(1000);
    world.pass(800);
    for delay in [1, 2, 4, 8, 16, 32, 64] {
        world.apply(Event::Renewed(id(1), Err("down".into())));
        let error = world.state.get(id(1)).and_then(|one| one.error.clone()).unwrap_or_default();
        assert!(error.contains("could not be renewed: down"), "{error}");
        world.pass(delay);
        assert_eq!(world.calls, [Call::Renew(id(1))]);
    }
    world.apply(Event::Renewed(id(1), Ok(registration())));
    assert_eq!(world.state.get(id(1)).and_then(|one| one.error.clone()), None);
}

#[test]
fn t12_a_trigger_is_deactivated_only_after_its_running_renewal() {
    let mut world = expiring(1000);
    world.pass(800).apply(Event::Disable);
    assert_eq!((world.calls.len(), world.row(1).1), (0, false));
    world.apply(Event::Renewed(id(1), Ok(registration())));
    assert_eq!(world.calls, [Call::Deactivate(id(1))]);
}

#[test]
fn t12_what_waits_for_a_running_renewal_is_not_due_before_its_end() {
    let mut world = expiring(1000);
    world.pass(800).apply(Event::Disable);
    assert_eq!(world.state.due_at(), None, "an engine would look again and again");
}

fn ticking() -> World {
    let mut world = World::new();
    let registered = Registered { tick: Some(after(60)), ..registration() };
    world.enable(1).apply(Event::Activated(id(1), Ok(registered)));
    world
}

fn tick(seconds: i64) -> Call {
    Call::Tick(id(1), Timestamp::from_second(seconds).expect("within the calendar"))
}

#[test]
fn t14_ticks_are_called_one_after_the_other_each_named_by_the_one_before() {
    let mut world = ticking();
    world.pass(59);
    assert_eq!(world.calls, []);
    world.pass(1);
    assert_eq!(world.calls, [tick(60)]);
    world.pass(600);
    assert_eq!(world.calls, [], "it is called once");
    world.apply(Event::Ticked(id(1), Ok(Some(When::At(Timestamp::from_second(120).expect("a time"))))));
    assert_eq!(world.calls, [tick(120)], "a late tick is called with its own time");
    world.apply(Event::Ticked(id(1), Ok(None))).pass(86_400);
    assert_eq!(world.calls, []);
}

#[test]
fn t14_a_failing_or_interrupted_tick_is_called_again_with_the_same_time() {
    let mut world = ticking();
    world.pass(60).apply(Event::Ticked(id(1), Err("down".into()))).pass(1);
    assert_eq!(world.calls, [tick(60)]);
    world.apply(Event::Interrupted(tick(60), "died".into()));
    assert_eq!(world.calls, [tick(60)], "at once");
    world.apply(Event::Interrupted(tick(60), "died".into()));
    assert_eq!(world.calls, [], "not at once for ever");
    world.pass(4);
    assert_eq!(world.calls, [tick(60)]);
}

#[test]
fn t14_a_disabled_workflow_does_not_tick() {
    let mut world = ticking();
    world.apply(Event::Disable).apply(Event::Deactivated(id(1), Ok(()))).pass(60);
    assert_eq!(world.calls, []);
}
