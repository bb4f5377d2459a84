//! The state and the values of a run, to and from the store.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::Inner;
use super::version::Version;
use crate::core::run::{self, RunState};
use crate::model::{RecordId, RunId, UnreadableRecord, ValueRef, decode_entries};
use crate::store::{Record, StoreError};

/// So many bytes most states have at most.
const USUAL_STATE: usize = 1024;

/// The stored form of a run's state.
pub(super) fn encode_state(state: &RunState) -> Vec<u8> {
    let mut stored = Vec::with_capacity(USUAL_STATE);
    serde_json::to_writer(&mut stored, state)
        .expect("a run's state is numbers, strings and maps with string or integer keys");
    stored
}

impl Inner {
    /// Those of the variables `run` and `workflow` that the version refers to.
    pub(super) fn surroundings(&self, run: RunId, version: &Version) -> Map<String, Value> {
        let workflow = &version.row.workflow;
        let mut surroundings = Map::new();
        if version.references.contains("run") {
            let run = json!({ "id": run.to_string(), "url": self.urls.run_url(run) });
            surroundings.insert("run".to_owned(), run);
        }
        if version.references.contains("workflow") {
            let workflow = json!({
                "id": workflow.0,
                "title": version.definition.title,
                "url": self.urls.workflow_url(workflow),
                "version": version.row.number,
            });
            surroundings.insert("workflow".to_owned(), workflow);
        }
        surroundings
    }

    /// The values at these places. A record that this engine cannot read is an error whose source is an
    /// [`UnreadableRecord`](crate::model::UnreadableRecord).
    pub(super) async fn values(&self, places: &[ValueRef]) -> Result<HashMap<ValueRef, Value>, StoreError> {
        let records = self.store.records(&records_of(places)).await?;
        values_in(&records, places)
            .map_err(|error| StoreError { operation: "reading the journal", source: error.into() })
    }
}

/// The records that hold the values at these places.
pub(super) fn records_of(places: &[ValueRef]) -> Vec<RecordId> {
    let mut ids: Vec<RecordId> = places.iter().map(|place| place.record).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The values at these places, as far as these records hold them.
pub(super) fn values_in(
    records: &[Record],
    places: &[ValueRef],
) -> Result<HashMap<ValueRef, Value>, UnreadableRecord> {
    let mut values = HashMap::new();
    for record in records {
        let entries = decode_entries(&record.body)?;
        for place in places.iter().filter(|place| place.record == record.id) {
            if let Some(value) = entries.get(usize::from(place.entry)).and_then(run::entry_value) {
                values.insert(*place, value.into_owned());
            }
        }
    }
    Ok(values)
}
