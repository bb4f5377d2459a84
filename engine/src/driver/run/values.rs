//! The values of a run that are in memory.

use std::collections::HashSet;

use super::super::stop::{Stop, patiently};
use super::super::version::Version;
use super::{FEW_VALUES, RunTask};
use crate::core::run::{self, Attempt, RunState};
use crate::model::{Entry, RecordId, UnreadableRecord, ValueRef};

/// The values that the next decisions may need.
pub(in crate::driver) fn needed(state: &RunState, version: &Version) -> Vec<ValueRef> {
    state.needed(&version.references).collect()
}

/// The same, if they are so few that one read of all is best. Of others each is read when it is needed: a loop of many
/// rounds that wakes for each of them would read all results every time.
pub(super) fn few(state: &RunState, version: &Version) -> Vec<ValueRef> {
    let needed: Vec<ValueRef> = state.needed(&version.references).take(FEW_VALUES + 1).collect();
    if needed.len() > FEW_VALUES { Vec::new() } else { needed }
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

    /// Reads the values that the run may need, once and if they are few.
    pub(super) async fn load_few(&mut self) -> Result<(), Stop> {
        if !self.few_loaded {
            self.load_values(few(&self.state, &self.version)).await?;
            self.few_loaded = true;
        }
        Ok(())
    }

    /// Reads the configs that calls are made with. Those that were made with them need no reading.
    pub(super) async fn load_configs(&mut self, calls: &[Attempt], made: RecordId) -> Result<(), Stop> {
        let configs = calls.iter().map(|attempt| attempt.config).filter(|config| config.record != made);
        self.load_values(configs).await
    }

    /// Reads the data that the run began with.
    pub(super) async fn load_trigger(&mut self) -> Result<(), Stop> {
        let trigger = self.state.values.get("trigger").copied();
        self.load_values(trigger).await
    }

    /// Reads those of these values that are not in memory.
    pub(super) async fn load_values(
        &mut self,
        places: impl IntoIterator<Item = ValueRef>,
    ) -> Result<(), Stop> {
        let missing: Vec<ValueRef> =
            places.into_iter().filter(|place| !self.values.contains_key(place)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let found = patiently!(
            self.inner,
            &self.lease,
            match self.inner.values(&missing).await {
                Err(error) if error.source.is::<UnreadableRecord>() => {
                    return Err(self.lacks_a_value(&*error.source));
                }
                // Whoever sent the callback is told, and sends it again.
                Err(error) if self.arriving.is_some() => return Err(Stop::Unstored(error)),
                values => values,
            }
        );
        if let Some(place) = missing.iter().find(|place| !found.contains_key(place)) {
            let nothing = format!("entry {} of record {} holds none", place.entry, place.record.0);
            return Err(self.lacks_a_value(&nothing));
        }
        self.values.extend(found);
        Ok(())
    }

    fn lacks_a_value(&self, why: &(impl std::fmt::Display + ?Sized)) -> Stop {
        let problem = format!("a value that it needs cannot be read: {why}");
        Stop::Unreadable { sequence: self.sequence, problem }
    }
}
