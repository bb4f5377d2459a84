//! The lease by which this process counts as alive, on the database's clock.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{broadcast, watch};

use super::LONGEST_LEASE;
use super::connection::{Pool, QueryError};
use crate::store::News;

/// How many times a lease is renewed before it would expire: two renewals may fail.
const RENEWALS: u32 = 3;
/// How long the row of a dead process is kept, for those who look into the database.
const KEEP_DEAD: &str = "1 day";

/// This process's lease. A commit holds it by its epoch, which no other process has or will have.
pub(super) struct Lease {
    epoch: AtomicI64,
    length: Duration,
    lost: watch::Sender<bool>,
    /// Why the last renewal failed.
    failure: Mutex<Option<String>>,
}

impl Lease {
    /// Counts this process in.
    pub(super) async fn take(pool: &Pool, length: Duration) -> Result<Self, QueryError> {
        let epoch = enter(pool, length).await?;
        let lost = watch::channel(false).0;
        Ok(Self { epoch: AtomicI64::new(epoch), length, lost, failure: Mutex::default() })
    }

    /// The epoch of this process: greater than that of every process before.
    pub(super) fn epoch(&self) -> i64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// How long the lease holds after it was renewed.
    pub(super) fn length(&self) -> Duration {
        self.length
    }

    /// Takes part again, in a new epoch.
    pub(super) async fn take_again(&self, pool: &Pool) -> Result<(), QueryError> {
        self.give_up(pool).await?;
        self.epoch.store(enter(pool, self.length).await?, Ordering::Release);
        *self.failure.lock().expect("no holder panics") = None;
        self.lost.send_replace(false);
        Ok(())
    }

    /// Ends the lease at once: others may take over what this process works on.
    pub(super) async fn give_up(&self, pool: &Pool) -> Result<(), QueryError> {
        let sql = "UPDATE processes SET expires_at = now() WHERE epoch = $1";
        pool.ask(async |client| Ok(client.execute(sql, &[&self.epoch()]).await?)).await?;
        self.lost.send_replace(true);
        Ok(())
    }

    /// Notes that the database has refused something since the lease has expired.
    pub(super) fn note_lost(&self, epoch: i64) {
        if self.epoch() == epoch {
            self.lost.send_replace(true);
        }
    }

    /// Returns when the lease is lost.
    pub(super) async fn lost(&self) {
        // The sender lives as long as this.
        let _ = self.lost.subscribe().wait_for(|lost| *lost).await;
    }

    /// Fails when the lease is lost, or as the last renewal did.
    pub(super) fn check(&self) -> Result<(), QueryError> {
        if *self.lost.borrow() {
            return Err(QueryError::LeaseLost);
        }
        match &*self.failure.lock().expect("no holder panics") {
            Some(failure) => Err(QueryError::Refused(failure.clone())),
            None => Ok(()),
        }
    }

    /// Renews the lease for ever, and says each time that it is time to look for what is due.
    pub(super) async fn keep(self: Arc<Self>, pool: Pool, news: broadcast::Sender<News>) {
        loop {
            tokio::time::sleep(self.length / RENEWALS).await;
            if *self.lost.borrow() {
                continue;
            }
            let epoch = self.epoch();
            let renewed = self.renew(&pool, epoch).await;
            *self.failure.lock().expect("no holder panics") = renewed.as_ref().err().map(ToString::to_string);
            match renewed {
                // Nobody may be listening.
                Ok(true) => drop(news.send(News::Look)),
                Ok(false) => self.note_lost(epoch),
                Err(error) => tracing::warn!(error = %error, "the lease could not be renewed"),
            }
        }
    }

    /// Whether there was a lease left to renew.
    async fn renew(&self, pool: &Pool, epoch: i64) -> Result<bool, QueryError> {
        let sql = format!(
            "WITH cut AS ({CUT})
            UPDATE processes SET expires_at = now() + $2 * interval '1 second'
            WHERE epoch = $1 AND expires_at > now()"
        );
        let length = self.length.as_secs_f64();
        pool.ask(async |client| {
            let statement = client.prepare_cached(&sql).await?;
            Ok(client.execute(&statement, &[&epoch, &length, &LONGEST_LEASE.as_secs_f64()]).await? == 1)
        })
        .await
    }
}

/// Cuts the leases of the processes but `$1` to `$2` seconds that would hold for longer than any, `$3` seconds: they were
/// given before the database's clock was set back. A process that lives renews its own in time.
const CUT: &str = "UPDATE processes SET expires_at = now() + $2 * interval '1 second' WHERE epoch IN (
    SELECT epoch FROM processes WHERE epoch <> $1 AND expires_at > now() + $3 * interval '1 second'
    FOR UPDATE SKIP LOCKED)";

async fn enter(pool: &Pool, length: Duration) -> Result<i64, QueryError> {
    let forget = format!("DELETE FROM processes WHERE expires_at < now() - interval '{KEEP_DEAD}'");
    let sql = "INSERT INTO processes (expires_at) VALUES (now() + $1 * interval '1 second') RETURNING epoch";
    let length = length.as_secs_f64();
    pool.ask(async |client| {
        client.execute(&forget, &[]).await?;
        let epoch: i64 = client.query_one(sql, &[&length]).await?.try_get(0)?;
        client.execute(CUT, &[&epoch, &length, &LONGEST_LEASE.as_secs_f64()]).await?;
        Ok(epoch)
    })
    .await
}
