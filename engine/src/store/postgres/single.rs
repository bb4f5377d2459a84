//! The changes that are rare: each with statements of its own, within the transaction of its batch.

use deadpool_postgres::Client;
use uuid::Uuid;

use super::connection::{Pool, QueryError};
use super::listener::{CHANNEL, Notice};
use super::rows;
use super::text;
use crate::model::{READS, RunId, VersionId};
use crate::store::change::{Answer, Change, limited, micros};
use crate::store::columns;
use crate::store::{ActivationRow, AdoptedWorkflow, Draft, News, VersionRow, WorkflowChange};

/// Carries a change out; `None` if it is one of those that are written together.
pub(super) async fn apply(
    client: &Client,
    change: &Change,
    epoch: i64,
) -> Result<Option<Answer>, QueryError> {
    Ok(Some(match change {
        Change::Draft(draft) => put_draft(client, draft).await?,
        Change::Workflow(change) => commit_workflow(client, change, epoch).await?,
        Change::Token { hash, name, now } => {
            let sql =
                "INSERT INTO tokens (hash, name, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
            client.execute(sql, &[&hash.as_slice(), &text::written(name), &micros(*now)]).await?;
            Answer::Done
        }
        Change::Adopt { limit, left } => Answer::Adopted(adopt(client, *limit, left, epoch).await?),
        Change::Start(_) | Change::Run(_) | Change::Callback(_) | Change::Once(_) => return Ok(None),
    }))
}

async fn put_draft(client: &Client, draft: &Draft) -> Result<Answer, QueryError> {
    let sql = "INSERT INTO workflows (id, title, draft, state, sequence, created_at, updated_at)
        VALUES ($1, $2, $3, '', 0, $4, $4)
        ON CONFLICT (id) DO UPDATE SET title = excluded.title, draft = excluded.draft, updated_at = excluded.updated_at";
    let Draft { id, title, definition, now } = draft;
    client.execute(sql, &[&id.0, &text::written(title), definition, &micros(*now)]).await?;
    Ok(Answer::Done)
}

async fn commit_workflow(client: &Client, change: &WorkflowChange, epoch: i64) -> Result<Answer, QueryError> {
    let sql = "UPDATE workflows SET state = $3, sequence = sequence + 1,
            owners = CASE WHEN $4 = ANY(owners) THEN owners ELSE owners || $4::bigint END
        WHERE id = $1 AND sequence = $2";
    let moved = client.execute(sql, &[&change.id.0, &change.sequence, &change.state, &epoch]).await?;
    if moved == 0 {
        return Ok(Answer::Refused);
    }
    if let Some(VersionRow { id, workflow, number, definition, created_at }) = &change.version {
        let sql =
            "INSERT INTO versions (id, workflow, number, definition, created_at) VALUES ($1, $2, $3, $4, $5)";
        let number = i64::from(*number);
        client.execute(sql, &[&id.0, &workflow.0, &number, definition, &micros(*created_at)]).await?;
    }
    for row in &change.activations {
        let sql = "INSERT INTO activations (id, workflow, version, status, accepts, registration, error)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (id) DO UPDATE SET status = excluded.status, accepts = excluded.accepts,
                registration = excluded.registration, error = excluded.error";
        let ActivationRow { id, workflow, version, status, accepts, registration, error } = row;
        let (status, error) = (status.as_str(), error.as_deref().map(text::written));
        client
            .execute(sql, &[&id.0, &workflow.0, &version.0, &status, accepts, registration, &error])
            .await?;
    }
    tell(client, Notice { epoch, news: News::Workflow(change.id.clone()) }).await?;
    Ok(Answer::Done)
}

/// Tells the other processes.
pub(super) async fn tell(client: &Client, notice: Notice) -> Result<(), QueryError> {
    client.execute("SELECT pg_notify($1, $2)", &[&CHANNEL, &notice.to_string()]).await?;
    Ok(())
}

/// Takes over what dead processes worked on. What another process is taking over at the same time is skipped.
async fn adopt(
    client: &Client,
    limit: usize,
    left: &[VersionId],
    epoch: i64,
) -> Result<Vec<RunId>, QueryError> {
    let sql = "UPDATE runs SET owner = $1 WHERE id IN (
            SELECT id FROM runs WHERE owner > $4 AND NOT EXISTS
                (SELECT 1 FROM processes WHERE epoch = owner AND expires_at > now())
                AND version <> ALL($3)
            LIMIT $2 FOR UPDATE OF runs SKIP LOCKED
        ) RETURNING id";
    let limit = limited(limit);
    let left: Vec<Uuid> = left.iter().map(|id| id.0).collect();
    client
        .query(sql, &[&epoch, &limit, &left, &columns::set_aside(READS)])
        .await?
        .iter()
        .map(rows::run_id)
        .collect()
}

/// Takes over the workflows for which dead processes may have been making calls.
pub(super) async fn adopt_workflows(pool: &Pool, epoch: i64) -> Result<Vec<AdoptedWorkflow>, QueryError> {
    let sql = format!(
        "UPDATE workflows SET owners = $1::bigint || ARRAY(SELECT owner FROM unnest(owners) AS owner
                JOIN processes ON epoch = owner WHERE owner <> $1 AND expires_at > now())
            WHERE id IN (
                SELECT id FROM workflows WHERE EXISTS (SELECT 1 FROM unnest(owners) AS owner WHERE NOT EXISTS
                    (SELECT 1 FROM processes WHERE epoch = owner AND expires_at > now()))
                FOR UPDATE OF workflows SKIP LOCKED
            ) AND EXISTS (SELECT 1 FROM processes WHERE epoch = $1 AND expires_at > now())
            RETURNING {}, array_remove(owners, $1)",
        columns::WORKFLOW
    );
    pool.ask(async |client| {
        let statement = client.prepare_cached(&sql).await?;
        client.query(&statement, &[&epoch]).await?.iter().map(rows::adopted_workflow).collect()
    })
    .await
}
