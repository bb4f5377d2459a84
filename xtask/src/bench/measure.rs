//! The measurement: which workloads on which databases, and what is made of the figures.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::place::Database;
use super::report::Report;
use super::stage::{Plan, Stage};
use super::workloads::Workload;
use super::{Outcome, failed, plot};
use crate::cargo;
use crate::failure::Failure;

/// What to measure, and how.
#[derive(clap::Args)]
pub(super) struct Measure {
    /// The workloads; all of them by default
    workloads: Vec<Workload>,
    /// The databases, such as `sqlite,postgres`
    #[arg(long, value_delimiter = ',', default_value = "sqlite")]
    database: Vec<Database>,
    /// How often each workload is measured; the median is told
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How many seconds each part of a round goes on
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// With how many deferred runs the engine is looked at
    #[arg(long, value_delimiter = ',', default_value = "10000,100000")]
    deferred: Vec<usize>,
    /// How many runs pass through the history of `history`, of which half are kept
    #[arg(long, default_value_t = 100_000)]
    passing: usize,
    /// Two short rounds with few runs
    #[arg(long)]
    quick: bool,
    /// Write the figures to this file
    #[arg(long)]
    json: Option<PathBuf>,
    /// Draw the rates into this file
    #[arg(long)]
    svg: Option<PathBuf>,
    /// Compare with the figures in this file, which `--json` has written
    #[arg(long)]
    compare: Option<PathBuf>,
    /// Measure this engine, which has the blocks of `bench-blocks`, instead of the one that is built here
    #[arg(long)]
    engine: Option<PathBuf>,
}

impl Measure {
    pub(super) fn run(&self) -> Outcome<()> {
        if cfg!(debug_assertions) {
            return again_optimized();
        }
        let earlier = self.compare.as_deref().map(Report::read).transpose()?;
        // One thread, so that the clients take as little of the machine as they can.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let report = runtime.map_err(failed("the runtime"))?.block_on(self.measure())?;
        println!("{}", report.table(earlier.as_ref()));
        for (what, told) in &report.conditions {
            println!("{what}: {told}");
        }
        if let Some(path) = &self.json {
            report.write(path)?;
        }
        if let Some(path) = &self.svg {
            std::fs::write(path, plot::svg(&report)).map_err(failed(&path.display().to_string()))?;
        }
        Ok(())
    }

    async fn measure(&self) -> Outcome<Report> {
        let plan = self.plan();
        let beside = std::env::current_exe().map_err(failed("this program"))?;
        let beside = |name: &str| beside.with_file_name(name);
        let engine = self.engine.clone().unwrap_or_else(|| beside("bench-blocks"));
        let mut report = Report { conditions: conditions(&plan), ..Report::default() };
        for database in &self.database {
            let mut stage =
                Stage::start(*database, plan.clone(), engine.clone(), beside("stepwell"), &mut report)
                    .await?;
            for workload in Workload::chosen(&self.workloads) {
                eprintln!("== {} on {}", workload.name(), database.name());
                workload.measure(&mut stage).await?;
            }
        }
        report.conditions.insert("load average at the end".to_owned(), load_average());
        Ok(report)
    }

    fn plan(&self) -> Plan {
        if self.quick {
            return Plan {
                rounds: 2,
                time: Duration::from_secs(1),
                deferred: vec![1_000],
                history: 1_000,
                passing: 10_000,
                workflows: 50,
            };
        }
        Plan {
            rounds: self.rounds.max(1),
            time: Duration::from_secs(self.seconds.max(1)),
            deferred: self.deferred.clone(),
            history: 10_000,
            passing: self.passing,
            workflows: 1_000,
        }
    }
}

/// Builds everything as it is deployed, and this program as well: what the clients take is taken from the engine.
pub(super) fn again_optimized() -> Outcome<()> {
    cargo::run(
        &[
            "build",
            "--profile",
            "dist",
            "--package",
            "xtask",
            "--package",
            "bench-blocks",
            "--package",
            "stepwell-engine",
        ],
        &[],
    )?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| cargo::root().join("target"), PathBuf::from);
    let program = target.join("dist/xtask");
    let status = Command::new(&program).args(std::env::args_os().skip(1)).status();
    if status.map_err(failed(&program.display().to_string()))?.success() {
        return Ok(());
    }
    Err(Failure::new("the bench has failed"))
}

fn conditions(plan: &Plan) -> std::collections::BTreeMap<String, String> {
    let first_line = |path: &str, prefix: &str| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(prefix)).unwrap_or_default();
        line.rsplit(": ").next().unwrap_or_default().to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let commit =
        Command::new("git").args(["describe", "--always", "--dirty"]).current_dir(cargo::root()).output();
    let commit = commit.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    [
        ("processor", format!("{} ({cores} cores)", first_line("/proc/cpuinfo", "model name"))),
        ("memory", first_line("/proc/meminfo", "MemTotal").trim().to_owned()),
        ("kernel", first_line("/proc/sys/kernel/osrelease", "")),
        ("commit", commit.unwrap_or_default()),
        ("load average at the start", load_average()),
        ("rounds", format!("{} of {} s for each part", plan.rounds, plan.time.as_secs())),
        ("file system", file_system(&cargo::root())),
    ]
    .map(|(what, told)| (what.to_owned(), told))
    .into()
}

fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

fn file_system(path: &Path) -> String {
    let output = Command::new("stat").args(["--file-system", "--format", "%T"]).arg(path).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
