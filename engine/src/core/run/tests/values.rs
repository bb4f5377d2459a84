//! Which values stay in the state of a run.

use super::*;

fn referring(names: &[&str], step: PlannedStep) -> PlannedStep {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    PlannedStep { config: Arc::new(Config(names)), ..step }
}

fn kept(world: &World) -> Vec<&str> {
    world.state.values.keys().map(String::as_str).collect()
}

#[test]
fn values_leave_the_state_when_no_step_that_may_come_refers_to_them() {
    let steps = [
        ("a", step(&[("ok", &["b"])])),
        ("b", step(&[("ok", &["c"])])),
        ("c", referring(&["a"], step(&[("ok", &["d"])]))),
        ("d", referring(&["c"], step(&[]))),
    ];
    let mut world = World::start(&["a"], steps);
    assert_eq!(kept(&world), ["trigger"]);
    world.returns(1, outcome("ok"));
    assert_eq!(kept(&world), ["a", "trigger"]);
    world.returns(2, outcome("ok"));
    assert_eq!(world.values[&world.calls[0].config], json!([{ "id": "ok" }]));
    assert_eq!(kept(&world), ["trigger"], "the config of `c` is resolved, and nothing refers to `b`");
    world.returns(3, outcome("ok"));
    assert_eq!(world.values[&world.calls[0].config], json!([{ "id": "ok" }]));
}

#[test]
fn o2_a_failed_run_keeps_the_values_that_a_retry_needs() {
    let steps = [
        ("a", step(&[("ok", &["b"])])),
        ("b", step(&[("ok", &["c"])])),
        ("c", referring(&["a"], step(&[]))),
        ("tell", referring(&["a"], step(&[]))),
    ];
    let mut world = World::start(&["a"], steps);
    world.returns(1, outcome("ok")).returns(2, error("broken"));
    assert_eq!(kept(&world), ["a", "trigger"]);
    world.apply(Event::Retry);
    world.plan.on_error = vec!["tell".into()];
    world.returns(3, outcome("ok"));
    assert_eq!(world.values[&world.calls[0].config], json!([{ "id": "ok" }]));
    world.returns(4, error("broken"));
    assert_eq!(
        world.values[&world.calls[0].config],
        json!([{ "id": "ok" }]),
        "the error handler needs it too"
    );
}

#[test]
fn a_loop_keeps_what_its_rounds_and_the_steps_after_it_refer_to() {
    let control = PlannedStep {
        control: Some(Control::ForEach),
        config: Arc::new(super::controls::Constant(json!({ "items": [1, 2] }))),
        ..step(&[("each", &["in"]), ("done", &["after"])])
    };
    let steps = [
        ("a", step(&[("ok", &["b"])])),
        ("b", step(&[("ok", &["loop"])])),
        ("loop", control),
        ("in", referring(&["a"], step(&[("ok", &["in2"])]))),
        ("in2", referring(&["in"], step(&[]))),
        ("after", referring(&["b"], step(&[]))),
    ];
    let mut world = World::start(&["a"], steps);
    world.returns(1, outcome("ok")).returns(2, outcome("ok"));
    for round in 0..2 {
        assert_eq!(kept(&world), ["a", "b", "trigger"]);
        world.returns(4 + 2 * round, outcome("ok")).returns(5 + 2 * round, outcome("ok"));
    }
    assert_eq!(world.values[&world.calls[0].config], json!([{ "id": "ok" }]));
}

#[test]
fn a_loop_needs_its_results_when_it_ends_and_not_at_each_round() {
    let items: Vec<u32> = (0..200).collect();
    let control = PlannedStep {
        control: Some(Control::ForEach),
        config: Arc::new(super::controls::Constant(json!({ "items": items, "concurrency": 200 }))),
        ..step(&[("each", &["in"]), ("done", &["after"])])
    };
    let steps = [("loop", control), ("in", step(&[])), ("after", referring(&["loop"], step(&[])))];
    let mut world = World::start(&["loop"], steps);
    for execution in 2..=200 {
        world.returns(execution, outcome("ok"));
        assert_eq!(world.asked, 0, "round {execution}");
    }
    world.returns(201, outcome("ok"));
    assert_eq!(world.asked, 199, "all results but the one that has just come");
    assert_eq!(world.values[&world.calls[0].config][0]["results"].as_array().map(Vec::len), Some(200));
}

#[test]
fn no_step_misses_a_value_in_any_graph() {
    const NAMES: [&str; 9] = ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8"];
    for seed in 0..2_000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let names = &NAMES[..random.usize(2..=NAMES.len())];
        let steps = names.iter().enumerate().map(|(index, name)| {
            let next: Vec<&str> =
                names[index + 1..].iter().filter(|_| random.u8(0..3) == 0).copied().collect();
            let refers: Vec<&str> = names[..index].iter().filter(|_| random.u8(0..4) == 0).copied().collect();
            (*name, referring(&refers, step(&[("ok", next.as_slice())])))
        });
        let steps: Vec<_> = steps.collect();
        let mut world = World::start(&["s0"], steps);
        let mut latest: BTreeMap<String, Value> = BTreeMap::new();
        while !world.calls.is_empty() && status(&world) == RunStatus::Running {
            let call = world.calls[random.usize(..world.calls.len())].clone();
            let data = json!(call.execution);
            latest.insert(call.step.clone(), data.clone());
            let seen = world.entries.len();
            world.returns(call.execution, Returned::Outcome(Outcome { id: "ok".into(), data }));
            for entry in &world.entries[seen..] {
                let Entry::ExecutionStarted { step, config, .. } = entry else { continue };
                let names = world.plan.steps[step].config.references();
                let values: Option<Vec<&Value>> = names.iter().map(|name| latest.get(name)).collect();
                assert_eq!(
                    *config,
                    values.map_or(Value::Null, |values| json!(values)),
                    "{step}, seed {seed}"
                );
            }
        }
    }
}
