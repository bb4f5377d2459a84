//! Drafts: written with their secrets sealed, and exported without them.

use super::Inner;
use super::answer::Refusal;
use crate::core::workflow::WorkflowState;
use crate::definition::{Definition, Problem, check};
use crate::model::WorkflowId;
use crate::secrets::{Place, sealed_paths};
use crate::store::{Draft, WorkflowRow};

/// A draft that was written, or was there already.
#[derive(Debug, Clone)]
pub struct Drafted {
    /// The workflow.
    pub row: WorkflowRow,
    /// Whether the draft was the same before; then nothing was written.
    pub unchanged: bool,
    /// Whether the enabled version is this draft.
    pub published: bool,
}

impl super::Driver {
    /// Creates a workflow, or replaces its title and draft. The secrets in its configs are sealed; where one is
    /// `{"$secret": "stored"}`, that of the stored draft is kept. A draft that is as it was is not written.
    ///
    /// # Errors
    ///
    /// When a secret is to be kept and none is stored, or the database fails.
    pub async fn put_draft(&self, id: &WorkflowId, definition: &Definition) -> Result<Drafted, Refusal> {
        let inner = &self.inner;
        let earlier = inner.store.workflow(id).await?;
        // A draft that this engine cannot read keeps no secrets for it.
        let stored = earlier.as_ref().and_then(|row| Definition::from_json(&row.draft).ok());
        let stored = stored.map(|parsed| inner.sealed(id, parsed.definition));
        let mut definition = definition.clone();
        definition.restore_secrets(stored.as_ref()).map_err(Refusal::Problems)?;
        if let (Some(row), Some(stored)) = (earlier, stored)
            && let Some(stored) = inner.opened(id, stored)
            && Some(stored) == inner.opened(id, definition.clone())
        {
            let published = inner.is_published(&row).await?;
            return Ok(Drafted { row, unchanged: true, published });
        }
        let definition = inner.sealed(id, definition);
        let draft = Draft {
            id: id.clone(),
            title: definition.title.clone(),
            definition: definition.to_value().to_string(),
            now: self.now(),
        };
        let row = inner.store.put_draft(draft).await?;
        let published = inner.is_published(&row).await?;
        Ok(Drafted { row, unchanged: false, published })
    }

    /// The draft, or a version, as a file that can be applied. Secrets are `{"$secret": "stored"}`.
    ///
    /// # Errors
    ///
    /// When there is no such workflow or version, this engine cannot read it, or the database fails.
    pub async fn export(&self, id: &WorkflowId, version: Option<u32>) -> Result<String, Refusal> {
        let inner = &self.inner;
        let row = inner.store.workflow(id).await?;
        let row = row.ok_or_else(|| Refusal::NotFound(format!("There is no workflow `{id}`")))?;
        let text = match version {
            None => row.draft,
            Some(number) => {
                let versions = inner.store.versions(id).await?;
                let version =
                    versions.into_iter().map(|(version, _)| version).find(|one| one.number == number);
                let none = || Refusal::NotFound(format!("There is no version {number} of `{id}`"));
                version.ok_or_else(none)?.definition
            }
        };
        let definition = Definition::from_json(&text).map_err(Refusal::Problems)?.definition;
        Ok(inner.sealed(id, definition).to_file(&id.0))
    }
}

impl Inner {
    /// A definition whose secrets are sealed.
    fn sealed(&self, id: &WorkflowId, mut definition: Definition) -> Definition {
        for (_, block, config) in definition.configs_mut() {
            if let Some(known) = self.catalog.get(&block) {
                let place = Place { workflow: &id.0, block: &block };
                self.keys.seal_config(place, known.manifest.config.as_value(), config);
            }
        }
        definition
    }

    /// A definition as text with its secrets in clear, to be compared; `None` if one cannot be opened.
    fn opened(&self, id: &WorkflowId, mut definition: Definition) -> Option<String> {
        for (_, block, config) in definition.configs_mut() {
            self.keys.open_config(Place { workflow: &id.0, block: &block }, config).ok()?;
        }
        Some(definition.to_value().to_string())
    }

    /// What is wrong with a definition that is to become a version: all that its file would be refused for, and what
    /// only shows once its secrets are open.
    pub(super) fn problems(&self, id: &WorkflowId, mut definition: Definition) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (path, block, config) in definition.configs_mut() {
            if self.keys.open_config(Place { workflow: &id.0, block: &block }, config).is_err() {
                problems.extend(sealed_paths(config).into_iter().map(|field| {
                    let message = "The stored secret cannot be opened with the keys of this engine; restore its key file, or write the secret again";
                    Problem::new(format!("{path}.config.{field}"), message)
                }));
            }
        }
        problems.extend(check(&definition, &self.catalog));
        problems
    }

    /// Whether the enabled version is what the draft says.
    async fn is_published(&self, row: &WorkflowRow) -> Result<bool, Refusal> {
        let state: WorkflowState = serde_json::from_slice(&row.state).unwrap_or_default();
        let Some(enabled) = state.enabled() else { return Ok(false) };
        let version = self.store.version(enabled).await?;
        Ok(version.is_some_and(|version| version.definition == row.draft))
    }
}
