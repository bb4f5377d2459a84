//! The second half of a batch: what it writes, with one statement for each kind of row, and the commit.

use deadpool_postgres::Client;
use tokio_postgres::Statement;
use uuid::Uuid;

use super::connection::QueryError;
use super::listener::{CHANNEL, Notice};
use super::plan::{Moved, Writes};
use super::text;
use crate::store::News;
use crate::store::change::{due_micros, micros};

/// The statements, prepared before the transaction begins, so that nothing but they is sent within it.
pub(super) struct WriteStatements {
    start: Statement,
    advance: Statement,
    chain: Statement,
    journal: Statement,
    take: Statement,
    arrive: Statement,
    postpone: Statement,
    once: Statement,
    notify: Statement,
}

impl WriteStatements {
    pub(super) async fn prepare(client: &Client) -> Result<Self, QueryError> {
        let start = "INSERT INTO runs
                (id, workflow, version, status, state, sequence, head, due_at, owner, created_at, finished_at, parent)
            SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::bytea[], $6::bigint[],
                $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::uuid[])";
        let advance = "UPDATE runs SET status = moved.status, state = moved.state, sequence = moved.sequence,
                head = moved.head, due_at = moved.due_at, owner = moved.owner, finished_at = moved.finished_at
            FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::bigint[], $5::bigint[], $6::bigint[],
                $7::bigint[], $8::bigint[])
                AS moved (id, status, state, sequence, head, due_at, owner, finished_at)
            WHERE runs.id = moved.id";
        let chain =
            "UPDATE runs SET head = moved.head FROM unnest($1::uuid[], $2::bigint[]) AS moved (id, head)
            WHERE runs.id = moved.id";
        let journal = "INSERT INTO journal (id, run, previous, at, body)
            SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bytea[])";
        let take = "DELETE FROM inbox USING unnest($1::uuid[], $2::bigint[]) AS taken (run, record)
            WHERE inbox.run = taken.run AND inbox.record = taken.record";
        let arrive = "INSERT INTO inbox (run, record, execution, at, postponed)
            SELECT run, record, execution, at, postponed
            FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
                WITH ORDINALITY AS arrived (run, record, execution, at, postponed, place)
            ORDER BY place";
        let postpone = "UPDATE inbox SET postponed = told.sequence
            FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS told (run, record, sequence)
            WHERE inbox.run = told.run AND inbox.record = told.record";
        let once = "INSERT INTO once (run, execution, name, value)
            SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bytea[]) ON CONFLICT DO NOTHING";
        let notify = "SELECT pg_notify($1, notice) FROM unnest($2::text[]) AS notice";
        Ok(Self {
            start: client.prepare_cached(start).await?,
            advance: client.prepare_cached(advance).await?,
            chain: client.prepare_cached(chain).await?,
            journal: client.prepare_cached(journal).await?,
            take: client.prepare_cached(take).await?,
            arrive: client.prepare_cached(arrive).await?,
            postpone: client.prepare_cached(postpone).await?,
            once: client.prepare_cached(once).await?,
            notify: client.prepare_cached(notify).await?,
        })
    }
}

impl Writes<'_> {
    /// Writes everything and commits. The statements are sent together; if one of them fails, the database rolls
    /// all of them back.
    pub(super) async fn commit(
        &self,
        client: &Client,
        statements: &WriteStatements,
        epoch: i64,
    ) -> Result<(), QueryError> {
        let notices: Vec<String> =
            self.heard.iter().map(|run| Notice { epoch, news: News::Run(*run) }.to_string()).collect();
        let notify = async {
            if notices.is_empty() {
                return Ok(0);
            }
            client.execute(&statements.notify, &[&CHANNEL, &notices]).await
        };
        self.change_places(client).await?;
        let written = tokio::join! {
            biased;
            self.start_runs(client, statements, epoch),
            self.advance_runs(client, statements, epoch),
            self.chain_runs(client, statements),
            self.append(client, statements),
            self.take(client, statements),
            self.arrive(client, statements),
            self.postpone(client, statements),
            self.record_once(client, statements),
            notify,
            client.batch_execute("COMMIT"),
        };
        let (started, advanced, chained, appended, taken, arrived, postponed, recorded, notified, committed) =
            written;
        for result in [started, advanced, chained, appended, taken, arrived, postponed, recorded, notified] {
            result?;
        }
        Ok(committed?)
    }

    async fn start_runs(
        &self,
        client: &Client,
        statements: &WriteStatements,
        epoch: i64,
    ) -> Result<u64, tokio_postgres::Error> {
        if self.started.is_empty() {
            return Ok(0);
        }
        let runs = || self.started.iter().map(|start| &start.run);
        let id: Vec<Uuid> = runs().map(|run| run.id.0).collect();
        let workflow: Vec<&str> = runs().map(|run| run.workflow.0.as_str()).collect();
        let version: Vec<Uuid> = runs().map(|run| run.version.0).collect();
        let status: Vec<&str> = runs().map(|run| run.status.as_str()).collect();
        let state: Vec<&[u8]> = runs().map(|run| run.state.as_slice()).collect();
        let sequence: Vec<i64> = runs().map(|run| run.sequence).collect();
        let head: Vec<i64> = self.started.iter().map(|start| start.record.id.0).collect();
        let due_at: Vec<Option<i64>> = runs().map(|run| run.due_at.map(due_micros)).collect();
        let owner: Vec<Option<i64>> = self.started.iter().map(|start| start.owned.then_some(epoch)).collect();
        let created_at: Vec<i64> = runs().map(|run| micros(run.created_at)).collect();
        let finished_at: Vec<Option<i64>> = runs().map(|run| run.finished_at.map(micros)).collect();
        let parent: Vec<Option<Uuid>> = runs().map(|run| run.parent.map(|parent| parent.0)).collect();
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 12] = [
            &id,
            &workflow,
            &version,
            &status,
            &state,
            &sequence,
            &head,
            &due_at,
            &owner,
            &created_at,
            &finished_at,
            &parent,
        ];
        client.execute(&statements.start, &values).await
    }

    async fn advance_runs(
        &self,
        client: &Client,
        statements: &WriteStatements,
        epoch: i64,
    ) -> Result<u64, tokio_postgres::Error> {
        let moved = || self.moved.values().filter_map(|moved| moved.change.map(|change| (change, moved)));
        let id: Vec<Uuid> = moved().map(|(change, _)| change.id.0).collect();
        if id.is_empty() {
            return Ok(0);
        }
        let status: Vec<&str> = moved().map(|(change, _)| change.status.as_str()).collect();
        let state: Vec<&[u8]> = moved().map(|(change, _)| change.state.as_slice()).collect();
        let sequence: Vec<i64> = moved().map(|(_, Moved { sequence, .. })| *sequence).collect();
        let head: Vec<i64> = moved().map(|(_, Moved { head, .. })| head.0).collect();
        let due_at: Vec<Option<i64>> = moved().map(|(change, _)| change.due_at.map(due_micros)).collect();
        let owner: Vec<Option<i64>> = moved().map(|(change, _)| change.owned.then_some(epoch)).collect();
        let finished_at: Vec<Option<i64>> =
            moved().map(|(change, _)| change.finished_at.map(micros)).collect();
        client
            .execute(
                &statements.advance,
                &[&id, &status, &state, &sequence, &head, &due_at, &owner, &finished_at],
            )
            .await
    }

    /// Moves the heads of runs that only got records.
    async fn chain_runs(
        &self,
        client: &Client,
        statements: &WriteStatements,
    ) -> Result<u64, tokio_postgres::Error> {
        let (id, head): (Vec<Uuid>, Vec<i64>) = self
            .moved
            .iter()
            .filter(|(_, moved)| moved.change.is_none())
            .map(|(id, moved)| (id.0, moved.head.0))
            .unzip();
        if id.is_empty() {
            return Ok(0);
        }
        client.execute(&statements.chain, &[&id, &head]).await
    }

    async fn append(
        &self,
        client: &Client,
        statements: &WriteStatements,
    ) -> Result<u64, tokio_postgres::Error> {
        if self.journal.is_empty() {
            return Ok(0);
        }
        let id: Vec<i64> = self.journal.iter().map(|(record, _)| record.id.0).collect();
        let run: Vec<Uuid> = self.journal.iter().map(|(record, _)| record.run.0).collect();
        let previous: Vec<Option<i64>> =
            self.journal.iter().map(|(_, previous)| previous.map(|id| id.0)).collect();
        let at: Vec<i64> = self.journal.iter().map(|(record, _)| micros(record.at)).collect();
        let body: Vec<&[u8]> = self.journal.iter().map(|(record, _)| record.body.as_slice()).collect();
        client.execute(&statements.journal, &[&id, &run, &previous, &at, &body]).await
    }

    async fn take(
        &self,
        client: &Client,
        statements: &WriteStatements,
    ) -> Result<u64, tokio_postgres::Error> {
        if self.taken.is_empty() {
            return Ok(0);
        }
        let (run, record): (Vec<Uuid>, Vec<i64>) =
            self.taken.iter().map(|(run, record)| (run.0, record.0)).unzip();
        client.execute(&statements.take, &[&run, &record]).await
    }

    async fn arrive(
        &self,
        client: &Client,
        statements: &WriteStatements,
    ) -> Result<u64, tokio_postgres::Error> {
        if self.arrived.is_empty() {
            return Ok(0);
        }
        let run: Vec<Uuid> = self.arrived.iter().map(|arrival| arrival.record.run.0).collect();
        let record: Vec<i64> = self.arrived.iter().map(|arrival| arrival.record.id.0).collect();
        let execution: Vec<i64> = self.arrived.iter().map(|arrival| arrival.execution.into()).collect();
        let at: Vec<i64> = self.arrived.iter().map(|arrival| micros(arrival.record.at)).collect();
        let postponed: Vec<Option<i64>> = self.arrived.iter().map(|arrival| arrival.postponed).collect();
        client.execute(&statements.arrive, &[&run, &record, &execution, &at, &postponed]).await
    }

    async fn postpone(
        &self,
        client: &Client,
        statements: &WriteStatements,
    ) -> Result<u64, tokio_postgres::Error> {
        if self.postponed.is_empty() {
            return Ok(0);
        }
        let run: Vec<Uuid> = self.postponed.iter().map(|(run, ..)| run.0).collect();
        let record: Vec<i64> = self.postponed.iter().map(|(_, record, _)| record.0).collect();
        let sequence: Vec<i64> = self.postponed.iter().map(|(.., sequence)| *sequence).collect();
        client.execute(&statements.postpone, &[&run, &record, &sequence]).await
    }

    async fn record_once(
        &self,
        client: &Client,
        statements: &WriteStatements,
    ) -> Result<u64, tokio_postgres::Error> {
        if self.once.is_empty() {
            return Ok(0);
        }
        let run: Vec<Uuid> = self.once.iter().map(|once| once.execution.run.0).collect();
        let execution: Vec<i64> = self.once.iter().map(|once| once.execution.number.into()).collect();
        let name: Vec<_> = self.once.iter().map(|once| text::key(&once.name)).collect();
        let value: Vec<&[u8]> = self.once.iter().map(|once| once.value.as_slice()).collect();
        client.execute(&statements.once, &[&run, &execution, &name, &value]).await
    }
}
