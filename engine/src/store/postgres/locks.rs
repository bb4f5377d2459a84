//! The first half of a batch: its rows are locked, in one order for all processes, and read.

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::Client;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};
use uuid::Uuid;

use super::connection::QueryError;
use super::plan::{Found, LockedRun};
use super::rows;
use super::text;
use crate::model::{ActivationId, RecordId, RunId};
use crate::store::Message;
use crate::store::change::{Change, micros};

/// The rows that the guards of a batch look at.
#[derive(Default)]
pub(super) struct Wanted {
    runs: BTreeSet<Uuid>,
    activations: BTreeSet<Uuid>,
    keys: Keys,
}

/// Deduplication keys by workflow and key.
type Keys = BTreeMap<(String, String), Key>;

/// What takes a deduplication key.
struct Key {
    run: Uuid,
    activation: Option<Uuid>,
    at: i64,
    answer: Option<Vec<u8>>,
}

/// The statements, prepared before the transaction begins, so that nothing but they is sent within it.
pub(super) struct LockStatements {
    fence: Statement,
    stored: Statement,
    activations: Statement,
    take_keys: Statement,
    keys: Statement,
    runs: Statement,
}

impl LockStatements {
    pub(super) async fn prepare(client: &Client) -> Result<Self, QueryError> {
        Ok(Self {
            fence: client
                .prepare_cached("SELECT 1 FROM processes WHERE epoch = $1 AND expires_at > clock_timestamp()")
                .await?,
            stored: client.prepare_cached("SELECT id FROM journal WHERE id = ANY($1)").await?,
            activations: client
                .prepare_cached(
                    "SELECT id, accepts FROM activations WHERE id = ANY($1) ORDER BY id FOR SHARE",
                )
                .await?,
            take_keys: client
                .prepare_cached(
                    "INSERT INTO dedupe (workflow, key, run, at, answer)
                    SELECT workflow, key, run, at, answer
                    FROM unnest($1::text[], $2::text[], $3::uuid[], $4::uuid[], $5::bigint[], $6::bytea[])
                        WITH ORDINALITY AS wanted (workflow, key, run, activation, at, answer, place)
                    WHERE activation IS NULL
                        OR EXISTS (SELECT 1 FROM activations WHERE id = wanted.activation AND accepts)
                    ORDER BY place
                    ON CONFLICT DO NOTHING",
                )
                .await?,
            keys: client
                .prepare_cached(
                    "SELECT workflow, key, run, answer FROM dedupe JOIN unnest($1::text[], $2::text[])
                        AS wanted (workflow, key) USING (workflow, key)",
                )
                .await?,
            runs: client
                .prepare_cached(
                    "SELECT id, sequence, head, owner, finished_at IS NOT NULL FROM runs
                    WHERE id = ANY($1) ORDER BY id FOR UPDATE",
                )
                .await?,
        })
    }
}

impl Wanted {
    /// Notes what the guard of a change looks at. `again`: it may have been stored before.
    pub(super) fn add(&mut self, change: &Change, again: bool) {
        match change {
            Change::Run(change) => {
                self.runs.insert(change.id.0);
                self.runs.extend(told(&change.messages));
                self.runs.extend(change.called.iter().flat_map(|start| told(&start.messages)));
            }
            Change::Callback(callback) => drop(self.runs.insert(callback.record.run.0)),
            Change::Once(once) => drop(self.runs.insert(once.execution.run.0)),
            Change::Start(start) => {
                self.runs.extend(told(&start.messages));
                if again {
                    self.runs.insert(start.run.id.0);
                }
                let activation = start.activation.map(|id| id.0);
                self.activations.extend(activation);
                if let Some(key) = &start.dedupe {
                    let (run, at) = (start.run.id.0, micros(start.run.created_at));
                    let place = (start.run.workflow.0.clone(), text::key(key).into_owned());
                    self.keys.entry(place).or_insert_with(|| {
                        let answer = start.answer.clone();
                        Key { run, activation, at, answer }
                    });
                }
            }
            Change::Draft(_) | Change::Workflow(_) | Change::Token { .. } | Change::Adopt { .. } => {}
        }
    }

    /// Locks and reads the rows. The statements are sent together.
    pub(super) async fn lock(
        self,
        client: &Client,
        statements: &LockStatements,
    ) -> Result<Found, QueryError> {
        let Self { runs, activations, keys } = self;
        let runs: Vec<Uuid> = runs.into_iter().collect();
        let activations: Vec<Uuid> = activations.into_iter().collect();
        let (accepting, taken, kept, locked) = tokio::join! {
            biased;
            query_about(client, &statements.activations, &activations),
            statements.take(client, &keys),
            statements.taken(client, &keys),
            query_about(client, &statements.runs, &runs),
        };
        let mut found = Found::default();
        for row in accepting? {
            if rows::get(&row, 1)? {
                found.accepting.insert(ActivationId(rows::get(&row, 0)?));
            }
        }
        taken?;
        for row in kept? {
            let place = (rows::get(&row, 0)?, rows::get(&row, 1)?);
            found.keys.insert(place, (RunId(rows::get(&row, 2)?), rows::get(&row, 3)?));
        }
        for row in locked? {
            let locked = LockedRun {
                sequence: rows::get(&row, 1)?,
                head: RecordId(rows::get(&row, 2)?),
                owner: rows::get(&row, 3)?,
                ended: rows::get(&row, 4)?,
            };
            found.runs.insert(rows::run_id(&row)?, locked);
        }
        Ok(found)
    }
}

impl LockStatements {
    /// Begins the transaction, if the lease of this process holds.
    pub(super) async fn begin(&self, client: &Client, epoch: i64) -> Result<(), QueryError> {
        let owner: [&(dyn ToSql + Sync); 1] = [&epoch];
        let (begun, fence) = tokio::join! {
            biased;
            client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED"),
            client.query(&self.fence, &owner),
        };
        begun?;
        if fence?.is_empty() { Err(QueryError::LeaseLost) } else { Ok(()) }
    }

    /// Those of these records that are in the journal.
    pub(super) async fn stored(
        &self,
        client: &Client,
        records: &[RecordId],
    ) -> Result<BTreeSet<RecordId>, QueryError> {
        let ids: Vec<i64> = records.iter().map(|record| record.0).collect();
        let stored = client.query(&self.stored, &[&ids]).await?;
        stored.iter().map(|row| rows::get(row, 0).map(RecordId)).collect()
    }

    async fn take(&self, client: &Client, keys: &Keys) -> Result<u64, tokio_postgres::Error> {
        if keys.is_empty() {
            return Ok(0);
        }
        let (workflow, key): (Vec<&str>, Vec<&str>) = places(keys);
        let run: Vec<Uuid> = keys.values().map(|key| key.run).collect();
        let activation: Vec<Option<Uuid>> = keys.values().map(|key| key.activation).collect();
        let at: Vec<i64> = keys.values().map(|key| key.at).collect();
        let answer: Vec<Option<&[u8]>> = keys.values().map(|key| key.answer.as_deref()).collect();
        client.execute(&self.take_keys, &[&workflow, &key, &run, &activation, &at, &answer]).await
    }

    async fn taken(&self, client: &Client, keys: &Keys) -> Result<Vec<Row>, tokio_postgres::Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let (workflow, key): (Vec<&str>, Vec<&str>) = places(keys);
        client.query(&self.keys, &[&workflow, &key]).await
    }
}

/// The runs that messages are for.
fn told(messages: &[Message]) -> impl Iterator<Item = Uuid> {
    messages.iter().map(|message| message.record.run.0)
}

fn places(keys: &Keys) -> (Vec<&str>, Vec<&str>) {
    keys.keys().map(|(workflow, key)| (workflow.as_str(), key.as_str())).unzip()
}

async fn query_about(
    client: &Client,
    statement: &Statement,
    ids: &Vec<Uuid>,
) -> Result<Vec<Row>, tokio_postgres::Error> {
    if ids.is_empty() { Ok(Vec::new()) } else { client.query(statement, &[ids]).await }
}
