//! The simulation: worlds that follow from seeds drive core, store and driver, and rules are checked after each step.
//!
//! `cargo xtask sim` calls it; CONTRIBUTING.md says how to read what it tells.

mod blocks;
mod check;
mod client;
mod engines;
mod journal;
mod lanes;
mod ledger;
mod life;
mod log;
mod mutants;
mod play;
mod process;
mod shared;
mod sim;
mod store;
mod words;
mod world;

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use stepwell::block::BlockDefinition;

use play::{Played, play};
use world::World;

/// How many worlds `cargo test` plays.
const SEEDS: u64 = 40;
/// How many failures are told.
const MOST_TOLD: usize = 5;

/// Plays worlds, each twice, and checks that nothing is broken and both are the same.
#[derive(Parser)]
#[expect(clippy::struct_excessive_bools, reason = "they are the flags of a command line")]
struct Arguments {
    /// How many worlds
    #[arg(long)]
    seeds: Option<u64>,
    /// The seed of the first
    #[arg(long)]
    seed: Option<u64>,
    /// Shows each world and its trace
    #[arg(long)]
    show: bool,
    /// Looks for each mutant instead: a deliberate fault that the checks must find
    #[arg(long)]
    mutants: bool,
    /// How many worlds at once; as many as there are processors, if left out
    #[arg(long)]
    jobs: Option<usize>,
    /// What the test's name has to contain, as `cargo test` says it
    filters: Vec<String>,
    /// Tells the name of the only test, as `cargo test` asks for it
    #[arg(long)]
    list: bool,
    #[arg(long, hide = true)]
    nocapture: bool,
    #[arg(long, short, hide = true)]
    quiet: bool,
    #[arg(long, hide = true)]
    test_threads: Option<usize>,
    #[arg(long, hide = true)]
    ignored: bool,
}

/// A world in which something broke.
struct Failed {
    seed: u64,
    broken: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.list {
        println!("simulation: test");
        return ExitCode::SUCCESS;
    }
    if arguments.ignored || !arguments.filters.iter().all(|filter| "simulation".contains(filter.as_str())) {
        return ExitCode::SUCCESS;
    }
    keep_quiet();
    if arguments.seeds.or(arguments.seed).is_none() {
        shared::check();
    }
    let first = arguments.seed.unwrap_or(0);
    let count = arguments.seeds.unwrap_or(if arguments.seed.is_some() { 1 } else { SEEDS });
    let jobs =
        arguments.jobs.or_else(|| std::thread::available_parallelism().ok().map(Into::into)).unwrap_or(1);
    if arguments.mutants {
        return if mutants::find_all(jobs) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let failed: Mutex<Vec<Failed>> = Mutex::default();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        return;
                    }
                    let seed = first.wrapping_add(index);
                    if let Some(broken) = try_world(seed, arguments.show) {
                        eprintln!("seed {seed} failed: {}", broken[0]);
                        failed.lock().expect("no holder panics").push(Failed { seed, broken });
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        scope.spawn(|| {
            let mut told = Instant::now();
            while done.load(Ordering::Relaxed) < count {
                std::thread::sleep(Duration::from_millis(20));
                if told.elapsed() >= Duration::from_secs(2) {
                    told = Instant::now();
                    progress(done.load(Ordering::Relaxed), count, &failed, began);
                }
            }
        });
    });
    progress(count, count, &failed, began);
    let mut failed = failed.into_inner().expect("no holder panics");
    if failed.is_empty() {
        println!("simulation: {count} worlds from seed {first}, each played twice alike: ok");
        return ExitCode::SUCCESS;
    }
    failed.sort_unstable_by_key(|failed| failed.seed);
    tell(&failed, arguments.show);
    ExitCode::FAILURE
}

/// The blocks of the worlds.
fn our_blocks() -> Vec<&'static BlockDefinition> {
    let ours = |block: &&BlockDefinition| {
        block.function.starts_with(concat!(module_path!(), "::blocks::"))
            || ["core/join", "core/for-each", "core/call-workflow", "core/workflow-called"]
                .contains(&block.id().as_str())
    };
    stepwell::block::registered().into_iter().filter(ours).collect()
}

/// Plays a world twice, and says what broke.
fn try_world(seed: u64, show: bool) -> Option<Vec<String>> {
    let world = World::draw(seed);
    let Played { trace, mut broken } = play(&world);
    let again = play(&world);
    let longest = trace.len().max(again.trace.len());
    if let Some(line) = (0..longest).find(|line| trace.get(*line) != again.trace.get(*line)) {
        let at = |trace: &[String]| trace.get(line).cloned().unwrap_or_else(|| "(ended)".to_owned());
        broken.push(format!(
            "played twice it differs at line {line}:\n      first: {}\n      then:  {}",
            at(&trace),
            at(&again.trace)
        ));
    }
    if show {
        show_world(&world, &trace);
    }
    (!broken.is_empty()).then_some(broken)
}

fn show_world(world: &World, trace: &[String]) {
    let mut out = std::io::stdout().lock();
    let mut line = |text: String| drop(writeln!(out, "{text}"));
    line(format!("the world of seed {}, with {} engines: {:?}", world.seed, world.engines, world.faults));
    for workflow in &world.workflows {
        line(format!("{}: {:#}", workflow.name, workflow.definition));
    }
    for step in &world.plan {
        line(format!("plan: {:?}, then {:?}", step.action, step.then));
    }
    for traced in trace {
        line(traced.clone());
    }
}

fn tell(failed: &[Failed], shown: bool) {
    for (index, Failed { seed, broken }) in failed.iter().take(MOST_TOLD).enumerate() {
        if index == 0 && !shown {
            let world = World::draw(*seed);
            show_world(&world, &play(&world).trace);
        }
        println!("seed {seed}:");
        for problem in broken {
            println!("    {problem}");
        }
        println!("    again with: cargo xtask sim --seed {seed} --show");
    }
    let seeds: Vec<String> = failed.iter().map(|failed| failed.seed.to_string()).collect();
    println!("{} worlds failed, of the seeds {}", failed.len(), seeds.join(" "));
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn progress(done: u64, count: u64, failed: &Mutex<Vec<Failed>>, began: Instant) {
    let rate = done as f64 / began.elapsed().as_secs_f64();
    let failed = failed.lock().expect("no holder panics").len();
    eprintln!("{done} of {count} seeds, {rate:.0}/s, {failed} failed");
}

/// Says nothing of panics that were asked for, and notes all others.
fn keep_quiet() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload_as_str().unwrap_or_default();
        if message == blocks::TOLD_TO_PANIC {
            return;
        }
        usual(panic);
        sim::note_panic(&panic.to_string());
    }));
}
