//! The state and the values of a run, to and from the store.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::Inner;
use super::version::Version;
use crate::core::run::{self, RunState};
use crate::model::{RecordId, RunId, ValueRef, decode_entries};
use crate::store::StoreError;

/// The stored form of a run's state.
pub(super) fn encode_state(state: &RunState) -> Vec<u8> {
    serde_json::to_vec(state).expect("a run's state is numbers, strings and maps with string or integer keys")
}

impl Inner {
    /// The variables `run` and `workflow`.
    pub(super) fn surroundings(&self, run: RunId, version: &Version) -> Map<String, Value> {
        let workflow = &version.row.workflow;
        let run = json!({ "id": run.to_string(), "url": self.urls.run_url(run) });
        let workflow = json!({
            "id": workflow.0,
            "title": version.definition.title,
            "url": self.urls.workflow_url(workflow),
            "version": version.row.number,
        });
        Map::from_iter([("run".to_owned(), run), ("workflow".to_owned(), workflow)])
    }

    /// The values at these places. A record that this engine cannot read is an error whose source is an
    /// [`UnreadableRecord`](crate::model::UnreadableRecord).
    pub(super) async fn values(&self, places: &[ValueRef]) -> Result<HashMap<ValueRef, Value>, StoreError> {
        let mut ids: Vec<RecordId> = places.iter().map(|place| place.record).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut values = HashMap::new();
        for record in self.store.records(&ids).await? {
            let entries = decode_entries(&record.body)
                .map_err(|error| StoreError { operation: "reading the journal", source: error.into() })?;
            for place in places.iter().filter(|place| place.record == record.id) {
                if let Some(value) = entries.get(usize::from(place.entry)).and_then(run::entry_value) {
                    values.insert(*place, value);
                }
            }
        }
        Ok(values)
    }
}
