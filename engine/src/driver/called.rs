//! The workflows that a definition calls, looked for before it is enabled.

use std::collections::BTreeMap;

use super::Inner;
use super::decode_workflow;
use crate::definition::{Callable, Definition, Problem, call_problems};
use crate::model::WorkflowId;
use crate::store::{StoreError, WorkflowRow};

impl super::Driver {
    /// What is wrong with the workflows that a workflow calls: one does not exist, is not enabled or not for calls, does
    /// not take the data, or would wait for its caller's place.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn call_problems(
        &self,
        id: &WorkflowId,
        definition: &Definition,
    ) -> Result<Vec<Problem>, StoreError> {
        self.inner.call_problems(id, definition).await
    }
}

impl Inner {
    pub(super) async fn call_problems(
        &self,
        id: &WorkflowId,
        definition: &Definition,
    ) -> Result<Vec<Problem>, StoreError> {
        let mut known: BTreeMap<String, Callable> = BTreeMap::new();
        let mut open: Vec<String> = definition.called_workflows().map(str::to_owned).collect();
        while let Some(called) = open.pop() {
            if called == id.0 || known.contains_key(&called) {
                continue;
            }
            let Some(row) = self.store.workflow(&WorkflowId(called.clone())).await? else { continue };
            if let Some(callable) = self.callable_of(&row).await? {
                open.extend(callable.definition.called_workflows().map(str::to_owned));
                known.insert(called, callable);
            }
        }
        Ok(call_problems(&id.0, definition, &known))
    }

    /// The enabled version of a workflow, or its draft; `None` if this engine cannot read it.
    async fn callable_of(&self, row: &WorkflowRow) -> Result<Option<Callable>, StoreError> {
        let enabled = decode_workflow(&row.state).ok().and_then(|state| state.enabled());
        let version = match enabled {
            Some(version) => self.store.version(version).await?,
            None => None,
        };
        let enabled = version.is_some();
        let text = version.map_or_else(|| row.draft.clone(), |version| version.definition);
        let parsed = Definition::from_json(&text).ok();
        Ok(parsed.map(|parsed| Callable { definition: parsed.definition, enabled }))
    }
}
