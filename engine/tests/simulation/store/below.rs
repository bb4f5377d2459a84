//! The stores below: the real one, or one that several processes share.

use std::sync::Arc;

use stepwell_engine::store::sqlite::MemoryDatabase;
use stepwell_engine::store::{Store, StoreError};

use crate::shared::{SharedDatabase, SharedStore};

/// What the processes of a world work on.
#[derive(Clone)]
pub(crate) enum Database {
    /// One process after the other.
    Own(Arc<MemoryDatabase>),
    /// Several at once.
    Shared(Arc<SharedDatabase>),
}

/// The store below, without what goes wrong.
#[derive(Clone)]
pub(super) enum Below {
    Own(Arc<MemoryDatabase>, Arc<dyn Store>),
    Shared(Arc<SharedStore>),
}

impl Below {
    pub(super) fn open(database: &Database) -> Self {
        match database {
            Database::Own(database) => Self::Own(Arc::clone(database), alone(database)),
            Database::Shared(database) => Self::Shared(Arc::new(database.open())),
        }
    }

    pub(super) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Own(_, store) => Arc::clone(store),
            Self::Shared(store) => Arc::clone(store) as _,
        }
    }

    /// Takes part under a new lease.
    pub(super) async fn again(&self) -> Result<Self, StoreError> {
        match self {
            Self::Own(database, _) => Ok(Self::Own(Arc::clone(database), alone(database))),
            Self::Shared(store) => {
                store.take_part_again().await?;
                Ok(self.clone())
            }
        }
    }
}

fn alone(database: &MemoryDatabase) -> Arc<dyn Store> {
    Arc::new(database.open_inline().expect("the database in memory works"))
}
