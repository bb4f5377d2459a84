//! The values of a run that are in memory.

use std::collections::HashSet;

use super::super::stop::{Stop, patiently};
use super::RunTask;
use crate::core::run::{self, Decision};
use crate::model::{RecordId, ValueRef};

impl RunTask {
    /// Keeps the values in memory that the run may still need.
    pub(super) fn remember(&mut self, decision: &Decision, record: RecordId) {
        for (index, entry) in decision.entries.iter().enumerate() {
            if let (Some(value), Ok(entry)) = (run::entry_value(entry), u16::try_from(index)) {
                self.values.insert(ValueRef { record, entry }, value);
            }
        }
        let needed: HashSet<ValueRef> = self.state.needed(&self.version.references).collect();
        self.values.retain(|place, _| needed.contains(place));
    }

    /// Reads the values from the store that are needed and not in memory.
    pub(super) async fn load_values(&mut self) -> Result<(), Stop> {
        let needed = self.state.needed(&self.version.references);
        let missing: Vec<ValueRef> = needed.filter(|place| !self.values.contains_key(place)).collect();
        if !missing.is_empty() {
            let values = patiently!(self.inner, &self.lease, self.inner.values(&missing).await);
            self.values.extend(values);
        }
        Ok(())
    }
}
