//! What every store must pass: one check per promise of the [`Store`] trait.
//!
//! A check is given a store that holds nothing. It panics where the store breaks its promise.

mod callbacks;
mod calls;
mod due;
mod runs;
mod sample;
mod succession;
mod together;
mod upkeep;
mod values;
mod vault;
mod workflows;

pub use sample::Sample;
pub use succession::{several, succession};

use super::Store;

/// Runs all checks, each on a store of its own.
pub async fn all<S: Store, F: AsyncFn() -> S>(fresh: F) {
    workflows::all(&fresh).await;
    runs::all(&fresh).await;
    callbacks::all(&fresh).await;
    due::all(&fresh).await;
    calls::all(&fresh).await;
    vault::all(&fresh).await;
    upkeep::all(&fresh).await;
    values::all(&fresh).await;
    together::all(&fresh).await;
}
