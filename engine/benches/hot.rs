//! The hot parts of the engine, each alone: a decision, an expression, a journal record, a batch of commits.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use stepwell::block::IfInterrupted;
use stepwell::outcome::Outcome;
use stepwell_engine::core::policy::RetryPolicy;
use stepwell_engine::core::run::{
    self, Admission, Beginning, Decision, Event, Given, Plan, PlannedStep, ResolveConfig, Returned, Variables,
};
use stepwell_engine::expr::Template;
use stepwell_engine::model::{
    RecordId, RunId, RunStatus, ValueRef, VersionId, WorkflowId, encode_entries, encode_state,
};
use stepwell_engine::store::sqlite::SqliteStore;
use stepwell_engine::store::{PlaceChange, Record, RunChange, RunRow, StartRun, Store as _};
use tokio::task::JoinSet;
use uuid::Uuid;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    decision(&mut criterion);
    expression(&mut criterion);
    journal(&mut criterion);
    commits(&mut criterion);
    criterion.final_summary();
}

/// The body of a request that starts a run.
fn body() -> Value {
    json!({
        "n": 7, "event": "order.created", "id": "ord_01J8Z3V9Q27777777777",
        "customer": { "name": "Ada Lovelace", "email": "ada@example.com" },
        "items": [{ "sku": "A-100", "count": 2 }, { "sku": "B-200", "count": 1 }], "total": 129.5,
    })
}

struct Config(Template);

impl ResolveConfig for Config {
    fn references(&self) -> &BTreeSet<String> {
        self.0.references()
    }

    fn resolve(&self, variables: &Variables<'_>) -> Result<Value, String> {
        self.0.resolve(variables).map_err(|problem| problem.message)
    }
}

fn template(config: &Value) -> Template {
    Template::compile(config).unwrap_or_else(|_| panic!("{config} is a config"))
}

fn edge(outcome: &str, step: &str) -> BTreeMap<String, Vec<String>> {
    BTreeMap::from([(outcome.to_owned(), vec![step.to_owned()])])
}

/// Steps that each pass on what the one before has passed on.
fn plan(steps: usize) -> Plan {
    let planned = |number: usize| {
        let before =
            number.checked_sub(1).map_or("trigger.body".to_owned(), |before| format!("s{before}.value"));
        PlannedStep {
            block: "bench/pass".to_owned(),
            bounded: false,
            release: "bench 1.0.0".to_owned(),
            config: Arc::new(Config(template(&json!({ "value": format!("{{{{ {before} }}}}") })))),
            retry: RetryPolicy::DEFAULT,
            deadline: None,
            on: edge("passed", &format!("s{}", number + 1)),
            finishes: false,
            cancels: false,
            control: None,
            if_interrupted: IfInterrupted::Repeat,
        }
    };
    Plan::new(
        edge("received", "s0"),
        (0..steps).map(|number| (format!("s{number}"), planned(number))).collect(),
    )
}

/// A run whose step `at` is running, and its values.
fn run_at(plan: &Plan, at: u32) -> (Decision, HashMap<ValueRef, Value>) {
    let (mut values, none) = (HashMap::new(), (HashMap::new(), Map::new()));
    let beginning = Beginning {
        activation: None,
        outcome: Outcome { id: "received".to_owned(), data: json!({ "body": body() }) },
        replayed: None,
        caller: None,
    };
    let mut decision = run::start(plan, beginning, Admission::Free, &given(0, &values, &none));
    for execution in 1..=at {
        keep(&decision, i64::from(execution) - 1, &mut values);
        let given = given(i64::from(execution), &values, &none);
        decision = run::apply(plan, decision.state, passed(execution), &given).expect("the step is running");
    }
    keep(&decision, i64::from(at), &mut values);
    (decision, values)
}

fn keep(decision: &Decision, record: i64, values: &mut HashMap<ValueRef, Value>) {
    let stored: Value = serde_json::from_slice(&encode_entries(&decision.entries)).expect("entries are JSON");
    for (entry, stored) in (0..).zip(stored["entries"].as_array().expect("there are entries")) {
        let value =
            ["config", "data"].iter().find_map(|field| stored.get(field).or(stored["result"].get(field)));
        values.extend(value.map(|value| (ValueRef { record: RecordId(record), entry }, value.clone())));
    }
}

fn passed(execution: u32) -> Event {
    let outcome = Outcome { id: "passed".to_owned(), data: json!({ "value": body() }) };
    Event::Returned { execution, returned: Returned::Outcome(outcome) }
}

fn given<'a>(
    record: i64,
    values: &'a HashMap<ValueRef, Value>,
    (block_slots, surroundings): &'a (HashMap<String, usize>, Map<String, Value>),
) -> Given<'a> {
    Given {
        now: Timestamp::UNIX_EPOCH,
        run: RunId(Uuid::nil()),
        record: RecordId(record),
        jitter: 0.5,
        slots: 8,
        block_slots,
        values,
        surroundings,
    }
}

/// A step ends and the next one begins, early and late in a run.
fn decision(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decision");
    let (plan, none) = (plan(1_000), (HashMap::new(), Map::new()));
    for at in [1, 900] {
        let (before, values) = run_at(&plan, at);
        group.bench_function(BenchmarkId::from_parameter(at), |bencher| {
            bencher.iter_batched(
                || (before.state.clone(), passed(at + 1)),
                |(state, event)| {
                    let decision = run::apply(&plan, state, event, &given(i64::from(at) + 1, &values, &none))
                        .expect("the step is running");
                    encode_state(&decision.state)
                },
                BatchSize::SmallInput,
            );
        });
    }
}

fn expression(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("expression");
    let variables = json!({ "trigger": { "body": body() } });
    let variables = variables.as_object().expect("it is an object");
    for (name, text) in [
        ("path", "{{ trigger.body.customer.email }}"),
        ("text", "Dear {{ trigger.body.customer.name }}, thank you"),
        ("filters", "{{ trigger.body['items'] | map(attribute='sku') | join(', ') | upper }}"),
    ] {
        let template = template(&json!({ "field": text }));
        group.bench_function(name, |bencher| bencher.iter(|| template.resolve(black_box(variables))));
    }
}

fn journal(criterion: &mut Criterion) {
    let (decision, _) = run_at(&plan(3), 1);
    criterion.bench_function("journal record", |bencher| {
        bencher.iter(|| encode_entries(black_box(&decision.entries)));
    });
}

/// Runs that each move on once, in one batch of the writer, on the disk of `target`.
fn commits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("commits");
    let runtime = tokio::runtime::Runtime::new().expect("there is a runtime");
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("there is a directory");
    let store = Arc::new(SqliteStore::open(directory.path()).expect("there is a database"));
    let (decision, _) = run_at(&plan(3), 1);
    let (state, body) = (encode_state(&decision.state), encode_entries(&decision.entries));
    for size in [1_u64, 16, 64, 256] {
        let runs: Vec<RunId> = (0..size).map(|_| RunId(Uuid::now_v7())).collect();
        for run in &runs {
            runtime.block_on(store.start_run(started(&store, *run, &state, &body))).expect("the run starts");
        }
        let mut sequence = 0;
        group.throughput(Throughput::Elements(size));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| {
                runtime.block_on(async {
                    let mut moves = JoinSet::new();
                    for run in &runs {
                        let store = Arc::clone(&store);
                        let change = moved(&store, *run, sequence, &state, &body);
                        moves.spawn(async move { store.commit_run(change).await });
                    }
                    for moved in moves.join_all().await {
                        moved.expect("the run moves on");
                    }
                });
                sequence += 1;
            });
        });
    }
}

fn record(store: &SqliteStore, run: RunId, body: &[u8]) -> Record {
    Record { id: store.next_record(), run, at: Timestamp::now(), body: body.to_vec() }
}

fn started(store: &SqliteStore, run: RunId, state: &[u8], body: &[u8]) -> StartRun {
    let row = RunRow {
        id: run,
        workflow: WorkflowId("bench".to_owned()),
        version: VersionId(Uuid::nil()),
        status: RunStatus::Running,
        state: state.to_vec(),
        sequence: 0,
        due_at: None,
        created_at: Timestamp::now(),
        finished_at: None,
        parent: None,
        set_aside: false,
    };
    let record = record(store, run, body);
    StartRun {
        run: row,
        record,
        owned: true,
        activation: None,
        dedupe: None,
        answer: None,
        lane: None,
        messages: Vec::new(),
    }
}

fn moved(store: &SqliteStore, run: RunId, sequence: i64, state: &[u8], body: &[u8]) -> RunChange {
    RunChange {
        id: run,
        sequence,
        status: RunStatus::Running,
        state: state.to_vec(),
        due_at: None,
        owned: true,
        finished_at: None,
        record: Some(record(store, run, body)),
        arrival: None,
        taken: Vec::new(),
        place: PlaceChange::None,
        postponed: Vec::new(),
        called: Vec::new(),
        messages: Vec::new(),
    }
}
