//! What versions rely on, and whether the blocks of this binary keep to it.
//!
//! A version relies on what its blocks promised in each binary that has worked with it: what they stored must still be
//! read. It is compared by block and fingerprint, so that a start does not grow with the number of runs.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use stepwell::manifest::{App, BlockManifest};

use super::{Driver, Inner};
use crate::definition::Definition;
use crate::model::VersionId;
use crate::store::{Promise, Relying, StoreError};
use crate::validate::{Breakage, compare};

/// How many runs of a version are counted at most.
pub(super) const MOST_COUNTED: usize = 1000;

/// A block that is missing in this binary or no longer accepts what is stored, and what is left waiting by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unfit {
    /// The block's id.
    pub block: String,
    /// What is wrong with it.
    pub problems: Vec<String>,
    /// The workflows that rely on it.
    pub workflows: BTreeSet<String>,
    /// How many of their runs are left waiting; of each version 1000 are counted at most.
    pub runs: usize,
}

impl Driver {
    /// The blocks that are missing in this binary or no longer accept what is stored. The runs that rely on them wait,
    /// unharmed, for a binary that has them.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn unfit_blocks(&self) -> Result<Vec<Unfit>, StoreError> {
        let mut unfit: BTreeMap<String, Unfit> = BTreeMap::new();
        for Broken { block, problems, relying: Relying { workflow, runs, .. } } in
            self.inner.broken_promises().await?
        {
            let entry = unfit.entry(block.clone()).or_insert_with(|| Unfit {
                block,
                problems: Vec::new(),
                workflows: BTreeSet::new(),
                runs: 0,
            });
            entry.problems.extend(problems);
            entry.workflows.insert(workflow.0);
            entry.runs += runs;
        }
        let mut unfit: Vec<Unfit> = unfit.into_values().collect();
        for unfit in &mut unfit {
            let mut told = BTreeSet::new();
            unfit.problems.retain(|problem| told.insert(problem.clone()));
        }
        Ok(unfit)
    }
}

impl Inner {
    /// Leaves the runs that rely on what this binary does not keep to, before any of them is taken up.
    pub(super) async fn leave_unfit_versions(&self) -> Result<(), StoreError> {
        for Broken { block, problems, relying: Relying { version, workflow, runs } } in
            self.broken_promises().await?
        {
            self.store.leave_version(version).await?;
            tracing::warn!(block, workflow = %workflow, runs, problem = problems.join("; "), "runs are left waiting for a binary with this block");
        }
        Ok(())
    }

    /// The promises that this binary does not keep to a version that relies on them.
    async fn broken_promises(&self) -> Result<Vec<Broken>, StoreError> {
        let mut broken = Vec::new();
        for promise in self.store.promises().await? {
            let breaks = self.breaks(&promise);
            if breaks.is_empty() {
                continue;
            }
            for relying in self.store.relying(promise.fingerprint, MOST_COUNTED).await? {
                let problems = self.harm(relying.version, &promise.block, &breaks).await?;
                if !problems.is_empty() {
                    broken.push(Broken { block: promise.block.clone(), problems, relying });
                }
            }
        }
        Ok(broken)
    }

    /// What a version relies on and this binary does not keep to.
    pub(super) async fn misfits_of(&self, version: VersionId) -> Result<Vec<String>, StoreError> {
        let mut misfits = Vec::new();
        for promise in self.store.promises_to(version).await? {
            misfits.extend(self.harm(version, &promise.block, &self.breaks(&promise)).await?);
        }
        Ok(misfits)
    }

    /// What of this harms a version: that a block takes fewer configs does not, if it takes those of the version.
    async fn harm(
        &self,
        version: VersionId,
        block: &str,
        breaks: &Breaks,
    ) -> Result<Vec<String>, StoreError> {
        let mut harm = breaks.always.clone();
        if let (false, Some(block)) = (breaks.configs.is_empty(), self.catalog.get(block)) {
            harm.extend(self.refused_configs(version, block, &breaks.configs).await?);
        }
        Ok(harm)
    }

    /// Notes what a version relies on from now on, before anything is stored for it.
    pub(super) async fn rely_on(
        &self,
        version: VersionId,
        definition: &Definition,
    ) -> Result<(), StoreError> {
        let blocks: BTreeSet<&String> =
            definition.steps.values().map(|step| &step.block).chain([&definition.trigger.block]).collect();
        let promises = blocks.into_iter().filter_map(|block| self.promise(block)).collect();
        self.store.rely(version, promises).await
    }

    /// What a block of this binary promises.
    fn promise(&self, block: &str) -> Option<Promise> {
        let manifest = &self.catalog.get(block)?.manifest;
        let manifest = serde_json::to_string(&kept(manifest)).expect("a manifest is JSON");
        let fingerprint = Sha256::digest(manifest.as_bytes()).into();
        Some(Promise { fingerprint, block: block.to_owned(), manifest })
    }

    /// How this binary breaks a promise.
    fn breaks(&self, promise: &Promise) -> Breaks {
        let always = |problem: String| Breaks { always: vec![problem], configs: Vec::new() };
        let Some(known) = self.catalog.get(&promise.block) else {
            return always(format!("the block `{}` is not in this binary", promise.block));
        };
        let Ok(old) = serde_json::from_str::<BlockManifest>(&promise.manifest) else {
            return always(format!("what `{}` promised was written by a newer engine", promise.block));
        };
        let new = kept(&known.manifest);
        if old == new {
            return Breaks::default();
        }
        let app = |block| App { blocks: vec![block], ..App::new("", "") };
        let breakages = compare(&app(old), Some(&app(new))).breakages.into_iter();
        // Outcomes and connections are not stored: what comes next is judged by what is there then.
        let stored = breakages.filter(|broken| !broken.path.starts_with("outcomes"));
        let (configs, always): (Vec<_>, Vec<_>) =
            stored.partition(|broken| broken.path.split(['.', '[']).next() == Some("config"));
        Breaks { always: always.iter().map(ToString::to_string).collect(), configs }
    }
}

/// What a block promised and does not keep.
#[derive(Default)]
struct Breaks {
    /// What harms whoever relies on the block.
    always: Vec<String>,
    /// Where it takes fewer configs.
    configs: Vec<Breakage>,
}

impl Breaks {
    fn is_empty(&self) -> bool {
        self.always.is_empty() && self.configs.is_empty()
    }
}

/// A promise that is not kept to a version.
struct Broken {
    block: String,
    problems: Vec<String>,
    relying: Relying,
}

/// What stored values and waiting runs rely on; titles and limits may change.
fn kept(block: &BlockManifest) -> BlockManifest {
    let mut kept = BlockManifest::new(&block.id, block.kind, block.config.clone(), block.outcomes.clone());
    kept.handlers.clone_from(&block.handlers);
    kept.state.clone_from(&block.state);
    kept.registration.clone_from(&block.registration);
    kept
}
