//! Where an engine under test keeps its data.

use std::sync::Arc;

use async_trait::async_trait;
use stepwell::block::BoxFuture;

use crate::store::sqlite::MemoryDatabase;
use crate::store::{Store, StoreError};

/// A database that outlives the processes of an engine under test.
#[doc(hidden)]
#[async_trait]
pub trait Database: Send + Sync + 'static {
    /// Opens it for a process. The process that had it open before has died.
    async fn open(&self) -> Result<Arc<dyn Store>, StoreError>;
}

/// Makes an empty database.
pub(super) type MakeDatabase = fn() -> BoxFuture<Arc<dyn Database>>;

#[async_trait]
impl Database for MemoryDatabase {
    async fn open(&self) -> Result<Arc<dyn Store>, StoreError> {
        Ok(Arc::new(Self::open(self)?))
    }
}

pub(super) fn in_memory() -> BoxFuture<Arc<dyn Database>> {
    Box::pin(async {
        Arc::new(MemoryDatabase::new().expect("there is memory for a database")) as Arc<dyn Database>
    })
}
