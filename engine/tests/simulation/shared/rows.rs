//! What the database does for one process as for another: whoever changes something needs its lease.

use async_trait::async_trait;
use jiff::Timestamp;
use stepwell_engine::model::{Epoch, OperationId, RunId, RunStatus, VersionId, WorkflowId};
use stepwell_engine::store::{
    CommitError, ConnectionRow, Finished, OperationRow, Promise, Relying, RunFilter, RunRow, Size,
    Store as _, StoreError, Upkeep, Vault,
};

use super::SharedStore;

macro_rules! pass_on {
    ($name:ident: $(fn $read:ident($($given:ident: $kind:ty),*) -> $answer:ty;)*
        change $(fn $write:ident($($with:ident: $of:ty),*) -> $result:ty;)*
        $(own $item:item)*) => {
        #[async_trait]
        impl $name for SharedStore {
            $(async fn $read(&self, $($given: $kind),*) -> Result<$answer, StoreError> {
                self.rows().$read($($given),*).await
            })*
            $(async fn $write(&self, $($with: $of),*) -> Result<$result, StoreError> {
                self.fence()?;
                self.rows().$write($($with),*).await
            })*
            $($item)*
        }
    };
}

pass_on! { Upkeep:
    fn finished_beyond(workflow: &WorkflowId, newest: usize) -> Option<Finished>;
    fn size() -> Size;
    fn count_runs(filter: RunFilter) -> usize;
    fn oldest(status: RunStatus) -> Option<RunRow>;
    fn operation(id: OperationId) -> Option<OperationRow>;
    fn operations(limit: usize) -> Vec<OperationRow>;
    fn promises_to(version: VersionId) -> Vec<Promise>;
    fn promises() -> Vec<Promise>;
    fn relying(fingerprint: [u8; 32], limit: usize) -> Vec<Relying>;
    change
    fn remove_runs(version: VersionId, until: Finished, limit: usize) -> usize;
    fn remove_records(limit: usize) -> bool;
    fn remove_keys(before: Timestamp, limit: usize) -> usize;
    fn remove_operations(before: Timestamp, limit: usize) -> usize;
    fn remove_version(id: VersionId) -> bool;
    fn give_back_space() -> bool;
    fn put_operation(row: OperationRow) -> ();
    fn adopt_operations() -> Vec<OperationRow>;
    fn rely(version: VersionId, promises: Vec<Promise>) -> ();
    fn take_back() -> ();
    own async fn commit_operation(&self, row: OperationRow) -> Result<(), CommitError> {
        self.fence()?;
        self.rows().commit_operation(row).await
    }
    own async fn set_aside(&self, run: RunId, sequence: i64, reads: u32) -> Result<bool, StoreError> {
        let epoch = self.fence()?;
        let set_aside = self.may_move(run, epoch) && self.rows().set_aside(run, sequence, reads).await?;
        if set_aside {
            self.hold(run, false, epoch);
        }
        Ok(set_aside)
    }
    own async fn leave_version(&self, id: VersionId) -> Result<(), StoreError> {
        let epoch = self.fence()?;
        self.rows().leave_version(id).await?;
        for run in self.database.runs_of(epoch) {
            if self.rows().run(run).await?.is_some_and(|row| row.version == id) {
                self.database.held().runs.insert(run, Epoch(0));
            }
        }
        Ok(())
    }
}

pass_on! { Vault:
    fn connection(kind: &str, name: &str) -> Option<ConnectionRow>;
    fn connections() -> Vec<ConnectionRow>;
    change
    fn put_connection(row: ConnectionRow) -> bool;
    fn remove_connection(kind: &str, name: &str) -> bool;
}

impl super::SharedDatabase {
    fn runs_of(&self, epoch: Epoch) -> Vec<RunId> {
        let held = self.held();
        held.runs.iter().filter(|(_, owner)| **owner == epoch).map(|(run, _)| *run).collect()
    }
}
