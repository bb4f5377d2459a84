//! The values of a run that are in memory.

use std::collections::HashSet;

use super::super::stop::{Stop, patiently};
use super::super::version::Version;
use super::{FEW_VALUES, RunTask};
use crate::core::run::{self, RunState};
use crate::model::{Entry, RecordId, UnreadableRecord, ValueRef};

/// The values that the next decisions may need.
pub(in crate::driver) fn needed(state: &RunState, version: &Version) -> Vec<ValueRef> {
    state.needed(&version.references).collect()
}

impl RunTask {
    /// Keeps the values in memory that the run may still need.
    pub(super) fn remember(&mut self, entries: Vec<Entry>, record: RecordId) {
        for (index, entry) in entries.into_iter().enumerate() {
            if let (Some(value), Ok(entry)) = (run::into_value(entry), u16::try_from(index)) {
                self.values.insert(ValueRef { record, entry }, value);
            }
        }
        if self.values.len() > self.most_values {
            let needed: HashSet<ValueRef> = self.state.needed(&self.version.references).collect();
            self.values.retain(|place, _| needed.contains(place));
            self.most_values = FEW_VALUES.max(2 * self.values.len());
        }
    }

    /// Reads the values from the store that are needed. Afterwards each new one is remembered as it is made.
    pub(super) async fn load_values(&mut self) -> Result<(), Stop> {
        if self.values_loaded {
            return Ok(());
        }
        let needed = needed(&self.state, &self.version);
        if !needed.is_empty() {
            self.values = patiently!(
                self.inner,
                &self.lease,
                match self.inner.values(&needed).await {
                    Err(error) if error.source.is::<UnreadableRecord>() => {
                        let problem = format!("a value that it needs cannot be read: {}", error.source);
                        return Err(Stop::Unreadable { sequence: self.sequence, problem });
                    }
                    values => values,
                }
            );
        }
        self.values_loaded = true;
        Ok(())
    }
}
