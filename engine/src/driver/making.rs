//! The calls of triggers' handlers that this process is making.

use std::collections::HashMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::Inner;
use crate::core::workflow::Call;

/// The calls that a process is making, by any number, each with the lease that it is made under.
#[derive(Default)]
pub(super) struct Calls {
    next: u64,
    made: HashMap<u64, (Call, CancellationToken)>,
}

/// That this process makes a call: from before the call is committed until what came of it is.
pub(super) struct Making {
    inner: Arc<Inner>,
    number: u64,
    pub(super) call: Call,
    pub(super) lease: CancellationToken,
}

impl Making {
    pub(super) fn begin(inner: &Arc<Inner>, call: Call, lease: &CancellationToken) -> Self {
        let mut calls = inner.making.lock().expect("no holder panics");
        let number = calls.next;
        calls.next += 1;
        calls.made.insert(number, (call, lease.clone()));
        Self { inner: Arc::clone(inner), number, call, lease: lease.clone() }
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        self.inner.making.lock().expect("no holder panics").made.remove(&self.number);
    }
}

impl Inner {
    /// Whether this process makes a call under a lease that it has not lost.
    pub(super) fn is_making(&self, call: Call) -> bool {
        let calls = self.making.lock().expect("no holder panics");
        calls.made.values().any(|(made, lease)| *made == call && !lease.is_cancelled())
    }
}
