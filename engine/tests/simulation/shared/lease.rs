//! The leases of the processes, by the database's clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use stepwell_engine::model::Epoch;
use stepwell_engine::store::News;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use super::SharedDatabase;

/// How many times a lease is renewed before it would expire.
const RENEWALS: u32 = 3;

/// A process as the others know it.
pub(super) struct Member {
    epoch: AtomicI64,
    lost: watch::Sender<bool>,
    news: UnboundedSender<News>,
}

impl Member {
    pub(super) fn new(epoch: Epoch, news: UnboundedSender<News>) -> Self {
        Self { epoch: AtomicI64::new(epoch.0), lost: watch::channel(false).0, news }
    }

    pub(super) fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::Relaxed))
    }

    /// Hears news from the process with this epoch.
    pub(super) fn hear(&self, from: Epoch, news: &News) {
        if from != self.epoch() {
            // A process that has just ended hears nothing.
            let _ = self.news.send(news.clone());
        }
    }

    /// Notes that a lease is lost, unless there is a new one.
    pub(super) fn lose(&self, epoch: Epoch) {
        if self.epoch() == epoch {
            self.lost.send_replace(true);
        }
    }

    /// Returns when the lease is lost.
    pub(super) async fn lost(&self) {
        // The sender lives as long as this.
        let _ = self.lost.subscribe().wait_for(|lost| *lost).await;
    }

    /// Begins under a new lease.
    pub(super) fn begin(&self, epoch: Epoch) {
        self.epoch.store(epoch.0, Ordering::Relaxed);
        self.lost.send_replace(false);
    }
}

impl SharedDatabase {
    /// Gives a new lease.
    pub(super) fn enter(&self) -> Epoch {
        let mut held = self.held();
        let expiry = held.now.checked_add(self.lease).expect("the time is within the calendar");
        let epoch = Epoch(held.leases.last_key_value().map_or(1, |(last, _)| last.0 + 1));
        held.leases.insert(epoch, expiry);
        epoch
    }

    /// Ends a lease at once.
    pub(super) fn give_up(&self, epoch: Epoch) {
        let mut held = self.held();
        let now = held.now;
        if held.is_alive(epoch) {
            held.leases.insert(epoch, now);
        }
    }

    /// Whether there was a lease left to renew.
    fn renew(&self, epoch: Epoch) -> bool {
        let mut held = self.held();
        let alive = held.is_alive(epoch);
        if alive {
            let expiry = held.now.checked_add(self.lease).expect("the time is within the calendar");
            held.leases.insert(epoch, expiry);
        }
        alive
    }
}

/// Renews the lease of a process for ever, and says each time that it is time to look for what is due.
pub(super) async fn keep(database: Arc<SharedDatabase>, member: Arc<Member>) {
    loop {
        tokio::time::sleep(database.lease / RENEWALS).await;
        let epoch = member.epoch();
        if database.renew(epoch) {
            let _ = member.news.send(News::Look);
        } else {
            member.lose(epoch);
        }
    }
}
