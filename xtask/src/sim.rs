//! The simulation: worlds that follow from seeds, in a build of their own or in the one that the tests use.

use clap::Args;

use crate::{Failure, cargo};

/// How many worlds `ci` plays: some seconds in a build for development.
const SHORT: u64 = 200;

/// Plays simulated worlds, each twice, and checks the lifecycle's rules after each step
#[derive(Args)]
pub(crate) struct Sim {
    /// How many worlds; one, if only a seed is given
    #[arg(long)]
    seeds: Option<u64>,
    /// The seed of the first world; each that follows has the next
    #[arg(long)]
    seed: Option<u64>,
    /// Shows each world, its plan and its trace
    #[arg(long)]
    show: bool,
    /// Looks for each mutant instead: a fault on purpose that the checks must find
    #[arg(long, conflicts_with_all = ["seeds", "seed", "show"])]
    mutants: bool,
    /// Builds without optimization, which is ready sooner and plays slower
    #[arg(long)]
    dev: bool,
}

impl Sim {
    /// What `ci` plays, in the build that its tests use.
    pub(crate) const fn short() -> Self {
        Self { seeds: Some(SHORT), seed: None, show: false, mutants: false, dev: true }
    }

    /// The mutants, in the same build.
    pub(crate) const fn mutants() -> Self {
        Self { seeds: None, seed: None, show: false, mutants: true, dev: true }
    }

    pub(crate) fn run(&self) -> Result<(), Failure> {
        let build = if self.dev { &[][..] } else { &["--release"] };
        let (seeds, seed) =
            (self.seeds.map(|seeds| seeds.to_string()), self.seed.map(|seed| seed.to_string()));
        let mut arguments = vec!["test", "--quiet", "--workspace", "--test", "simulation"];
        arguments.extend(build);
        arguments.push("--");
        for (name, value) in [("--seeds", &seeds), ("--seed", &seed)] {
            arguments.extend(value.iter().flat_map(|value| [name, value]));
        }
        arguments.extend(self.show.then_some("--show"));
        arguments.extend(self.mutants.then_some("--mutants"));
        cargo::run(&arguments, &[])
    }
}
