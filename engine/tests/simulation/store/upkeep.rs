//! The upkeep and the connections, with what goes wrong.

use async_trait::async_trait;
use jiff::Timestamp;
use stepwell_engine::model::{OperationId, RunId, RunStatus, VersionId, WorkflowId};
use stepwell_engine::store::{
    CommitError, ConnectionRow, Finished, OperationRow, Promise, Relying, RunFilter, RunRow, Size,
    StoreError, Upkeep, Vault,
};

use super::SimStore;

#[async_trait]
impl Upkeep for SimStore {
    async fn finished_beyond(
        &self,
        workflow: &WorkflowId,
        newest: usize,
    ) -> Result<Option<Finished>, StoreError> {
        self.read(async { self.inner()?.finished_beyond(workflow, newest).await }).await
    }

    async fn remove_runs(
        &self,
        version: VersionId,
        until: Finished,
        limit: usize,
    ) -> Result<usize, StoreError> {
        self.write("runs are removed".to_owned(), async {
            self.inner()?.remove_runs(version, until, limit).await
        })
        .await
    }

    async fn remove_records(&self, limit: usize) -> Result<bool, StoreError> {
        self.write("records are removed".to_owned(), async { self.inner()?.remove_records(limit).await })
            .await
    }

    async fn remove_keys(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.write("keys are removed".to_owned(), async { self.inner()?.remove_keys(before, limit).await })
            .await
    }

    async fn remove_operations(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.write("operations are removed".to_owned(), async {
            self.inner()?.remove_operations(before, limit).await
        })
        .await
    }

    async fn remove_version(&self, id: VersionId) -> Result<bool, StoreError> {
        self.write("a version is removed".to_owned(), async { self.inner()?.remove_version(id).await }).await
    }

    async fn give_back_space(&self) -> Result<bool, StoreError> {
        self.read(async { self.inner()?.give_back_space().await }).await
    }

    async fn size(&self) -> Result<Size, StoreError> {
        self.read(async { self.inner()?.size().await }).await
    }

    async fn count_runs(&self, filter: RunFilter) -> Result<usize, StoreError> {
        self.read(async { self.inner()?.count_runs(filter).await }).await
    }

    async fn oldest(&self, status: RunStatus) -> Result<Option<RunRow>, StoreError> {
        self.read(async { self.inner()?.oldest(status).await }).await
    }

    async fn put_operation(&self, row: OperationRow) -> Result<(), StoreError> {
        self.write("an operation begins".to_owned(), async { self.inner()?.put_operation(row).await }).await
    }

    async fn commit_operation(&self, row: OperationRow) -> Result<(), CommitError> {
        self.write("an operation goes on".to_owned(), async { self.inner()?.commit_operation(row).await })
            .await
    }

    async fn operation(&self, id: OperationId) -> Result<Option<OperationRow>, StoreError> {
        self.read(async { self.inner()?.operation(id).await }).await
    }

    async fn operations(&self, limit: usize) -> Result<Vec<OperationRow>, StoreError> {
        self.read(async { self.inner()?.operations(limit).await }).await
    }

    async fn adopt_operations(&self) -> Result<Vec<OperationRow>, StoreError> {
        self.read(async { self.inner()?.adopt_operations().await }).await
    }

    async fn rely(&self, version: VersionId, promises: Vec<Promise>) -> Result<(), StoreError> {
        self.write("what a version relies on".to_owned(), async {
            self.inner()?.rely(version, promises).await
        })
        .await
    }

    async fn promises_to(&self, version: VersionId) -> Result<Vec<Promise>, StoreError> {
        self.read(async { self.inner()?.promises_to(version).await }).await
    }

    async fn promises(&self) -> Result<Vec<Promise>, StoreError> {
        self.read(async { self.inner()?.promises().await }).await
    }

    async fn relying(&self, fingerprint: [u8; 32], limit: usize) -> Result<Vec<Relying>, StoreError> {
        self.read(async { self.inner()?.relying(fingerprint, limit).await }).await
    }

    async fn leave_version(&self, id: VersionId) -> Result<(), StoreError> {
        self.read(async { self.inner()?.leave_version(id).await }).await
    }

    async fn set_aside(&self, run: RunId, sequence: i64, reads: u32) -> Result<bool, StoreError> {
        self.read(async { self.inner()?.set_aside(run, sequence, reads).await }).await
    }

    async fn take_back(&self) -> Result<(), StoreError> {
        self.read(async { self.inner()?.take_back().await }).await
    }
}

#[async_trait]
impl Vault for SimStore {
    async fn put_connection(&self, row: ConnectionRow) -> Result<bool, StoreError> {
        self.write("a connection".to_owned(), async { self.inner()?.put_connection(row).await }).await
    }

    async fn connection(&self, kind: &str, name: &str) -> Result<Option<ConnectionRow>, StoreError> {
        self.read(async { self.inner()?.connection(kind, name).await }).await
    }

    async fn connections(&self) -> Result<Vec<ConnectionRow>, StoreError> {
        self.read(async { self.inner()?.connections().await }).await
    }

    async fn remove_connection(&self, kind: &str, name: &str) -> Result<bool, StoreError> {
        self.write("a connection is removed".to_owned(), async {
            self.inner()?.remove_connection(kind, name).await
        })
        .await
    }
}
