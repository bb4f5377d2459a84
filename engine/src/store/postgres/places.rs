//! Places in lanes. A lane is locked before any run, so that no two processes wait for each other.

use std::collections::BTreeSet;

use deadpool_postgres::Client;
use uuid::Uuid;

use super::connection::QueryError;
use super::plan::Writes;
use super::{rows, text};
use crate::model::RunId;
use crate::store::change::Change;
use crate::store::columns::GIVE_PLACES;
use crate::store::{Lane, PlaceChange, StartRun};

/// A workflow and a key.
type Lanes = BTreeSet<(String, String)>;

/// Locks the lanes that changes touch, in one order for all processes.
pub(super) async fn lock(client: &Client, changes: impl Iterator<Item = &Change>) -> Result<(), QueryError> {
    let mut lanes = Lanes::new();
    let mut runs: Vec<Uuid> = Vec::new();
    for change in changes {
        match change {
            Change::Start(start) => lanes.extend(lane_of(start)),
            Change::Run(change) => {
                lanes.extend(change.called.iter().filter_map(lane_of));
                match &change.place {
                    PlaceChange::Queue(Lane { key, .. }) => {
                        lanes.insert((workflow_of(client, change.id).await?, text::key(key).into_owned()));
                    }
                    PlaceChange::Leave => runs.push(change.id.0),
                    PlaceChange::None | PlaceChange::TakeUp => {}
                }
            }
            _ => {}
        }
    }
    if !runs.is_empty() {
        let sql = "SELECT workflow, key FROM places WHERE run = ANY($1)";
        for row in client.query(&client.prepare_cached(sql).await?, &[&runs]).await? {
            lanes.insert((rows::get(&row, 0)?, rows::get(&row, 1)?));
        }
    }
    if !lanes.is_empty() {
        let sql = "SELECT pg_advisory_xact_lock(lane) FROM (
            SELECT DISTINCT hashtextextended(workflow || '/' || key, 0) AS lane
            FROM unnest($1::text[], $2::text[]) AS wanted (workflow, key) ORDER BY lane) AS lanes";
        let (workflow, key): (Vec<String>, Vec<String>) = lanes.into_iter().unzip();
        client.query(&client.prepare_cached(sql).await?, &[&workflow, &key]).await?;
    }
    Ok(())
}

/// The lane that a run to create queues in.
fn lane_of(start: &StartRun) -> Option<(String, String)> {
    let lane = start.lane.as_ref()?;
    Some((start.run.workflow.0.clone(), text::key(&lane.key).into_owned()))
}

async fn workflow_of(client: &Client, run: RunId) -> Result<String, QueryError> {
    let row = client.query_opt("SELECT workflow FROM runs WHERE id = $1", &[&run.0]).await?;
    row.map_or_else(|| Ok(String::new()), |row| rows::get(&row, 0))
}

impl Writes<'_> {
    /// Carries out what became of places, and gives those that are free.
    pub(super) async fn change_places(&self, client: &Client) -> Result<(), QueryError> {
        let mut lanes = Lanes::new();
        for start in &self.started {
            if let Some(lane) = &start.lane {
                queue(client, start.run.id, &start.run.workflow.0, lane).await?;
            }
            lanes.extend(lane_of(start));
        }
        for (run, place) in &self.places {
            match place {
                PlaceChange::None => {}
                PlaceChange::Queue(lane) => {
                    let workflow = workflow_of(client, *run).await?;
                    queue(client, *run, &workflow, lane).await?;
                    lanes.insert((workflow, text::key(&lane.key).into_owned()));
                }
                PlaceChange::TakeUp => {
                    client.execute("UPDATE places SET taken_up = true WHERE run = $1", &[&run.0]).await?;
                }
                PlaceChange::Leave => {
                    let sql = "DELETE FROM places WHERE run = $1 RETURNING workflow, key";
                    for row in client.query(sql, &[&run.0]).await? {
                        lanes.insert((rows::get(&row, 0)?, rows::get(&row, 1)?));
                    }
                }
            }
        }
        for (workflow, key) in lanes {
            client.execute(&client.prepare_cached(GIVE_PLACES).await?, &[&workflow, &key]).await?;
        }
        Ok(())
    }
}

async fn queue(client: &Client, run: RunId, workflow: &str, lane: &Lane) -> Result<(), QueryError> {
    let sql = "INSERT INTO places (run, workflow, key, most) VALUES ($1, $2, $3, $4)";
    client.execute(sql, &[&run.0, &workflow, &text::key(&lane.key), &i64::from(lane.limit)]).await?;
    Ok(())
}
