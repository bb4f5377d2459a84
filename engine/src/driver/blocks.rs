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
use crate::validate::compare;

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
        for (promise, problems, relying) in self.inner.broken_promises().await? {
            let entry = unfit.entry(promise.block.clone()).or_insert_with(|| Unfit {
                block: promise.block,
                problems: Vec::new(),
                workflows: BTreeSet::new(),
                runs: 0,
            });
            entry.problems.extend(problems);
            for Relying { workflow, runs, .. } in relying {
                entry.workflows.insert(workflow.0);
                entry.runs += runs;
            }
        }
        let mut unfit: Vec<Unfit> = unfit.into_values().collect();
        for unfit in &mut unfit {
            unfit.problems.dedup();
        }
        Ok(unfit)
    }
}

impl Inner {
    /// Leaves the runs that rely on what this binary does not keep to, before any of them is taken up.
    pub(super) async fn leave_unfit_versions(&self) -> Result<(), StoreError> {
        for (promise, problems, relying) in self.broken_promises().await? {
            for Relying { version, workflow, runs } in relying {
                self.store.leave_version(version).await?;
                tracing::warn!(block = promise.block, workflow = %workflow, runs, problem = problems.join("; "), "runs are left waiting for a binary with this block");
            }
        }
        Ok(())
    }

    /// The promises that this binary does not keep, with what is wrong and what relies on them.
    async fn broken_promises(&self) -> Result<Vec<(Promise, Vec<String>, Vec<Relying>)>, StoreError> {
        let mut broken = Vec::new();
        for promise in self.store.promises().await? {
            let problems = self.breaks(&promise);
            if problems.is_empty() {
                continue;
            }
            let relying = self.store.relying(promise.fingerprint, MOST_COUNTED).await?;
            if !relying.is_empty() {
                broken.push((promise, problems, relying));
            }
        }
        Ok(broken)
    }

    /// What a version relies on and this binary does not keep to.
    pub(super) async fn misfits_of(&self, version: VersionId) -> Result<Vec<String>, StoreError> {
        let promises = self.store.promises_to(version).await?;
        Ok(promises.iter().flat_map(|promise| self.breaks(promise)).collect())
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
    fn breaks(&self, promise: &Promise) -> Vec<String> {
        let Some(known) = self.catalog.get(&promise.block) else {
            return vec![format!("the block `{}` is not in this binary", promise.block)];
        };
        let Ok(old) = serde_json::from_str::<BlockManifest>(&promise.manifest) else {
            return vec![format!("what `{}` promised was written by a newer engine", promise.block)];
        };
        let new = kept(&known.manifest);
        if old == new {
            return Vec::new();
        }
        let app = |block| App { blocks: vec![block], ..App::new("", "") };
        let breakages = compare(&app(old), Some(&app(new))).breakages.into_iter();
        // Outcomes and connections are not stored: what comes next is judged by what is there then.
        let stored = breakages.filter(|broken| !broken.path.starts_with("outcomes"));
        stored.map(|broken| broken.to_string()).collect()
    }
}

/// What stored values and waiting runs rely on; titles and limits may change.
fn kept(block: &BlockManifest) -> BlockManifest {
    let mut kept = BlockManifest::new(&block.id, block.kind, block.config.clone(), block.outcomes.clone());
    kept.handlers.clone_from(&block.handlers);
    kept.state.clone_from(&block.state);
    kept.registration.clone_from(&block.registration);
    kept
}
