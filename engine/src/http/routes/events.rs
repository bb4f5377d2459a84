//! What changes, as server-sent events.
//!
//! The stream tells what changes from the moment on at which it is answered; nothing is told again. So a client first
//! subscribes and then reads what it shows, and reads it again after `missed` or after a connection that broke.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use futures_util::stream::{Stream, unfold};
use serde::{Deserialize, Serialize};

use super::runs::parse_statuses;
use crate::driver::{Change, Heard, Listener};
use crate::http::Api;
use crate::http::problem::Problem;
use crate::model::{RunId, RunStatus, WorkflowId};

/// After how much silence a comment is sent, so that nobody between takes the connection for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(in crate::http) fn routes() -> Router<Api> {
    Router::new().route("/api/v1/events", get(events))
}

#[derive(Serialize)]
struct RunChanged {
    id: RunId,
    status: Option<RunStatus>,
}

#[derive(Serialize)]
struct WorkflowChanged<'a> {
    id: &'a WorkflowId,
}

/// `status`: of runs, only what brings them to one of these statuses is told.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    status: String,
}

async fn events(
    State(api): State<Api>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let Query(Wanted { status }) =
        wanted.map_err(|rejection| Problem::invalid_field("query", rejection.body_text()))?;
    let statuses: Arc<[RunStatus]> = parse_statuses("status", &status)?.into();
    let listener = api.driver.listen();
    let stream = unfold(listener, move |listener| next(api.clone(), Arc::clone(&statuses), listener));
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// The next event; none once the engine stops.
async fn next(
    api: Api,
    statuses: Arc<[RunStatus]>,
    mut listener: Listener,
) -> Option<(Result<Event, Infallible>, Listener)> {
    let heard = tokio::select! {
        biased;
        heard = listener.next_that(|change| is_wanted(change, &statuses)) => heard,
        () = api.driver.stopping() => return None,
    };
    Some((Ok(event(&heard)), listener))
}

/// A run that another engine has moved may have any status.
fn is_wanted(change: &Change, statuses: &[RunStatus]) -> bool {
    match change {
        Change::Run(_, Some(status)) => statuses.is_empty() || statuses.contains(status),
        Change::Run(_, None) | Change::Workflow(_) => true,
    }
}

fn event(heard: &Heard) -> Event {
    let (name, data) = match heard {
        Heard::Change(Change::Run(id, status)) => ("run", text(&RunChanged { id: *id, status: *status })),
        Heard::Change(Change::Workflow(id)) => ("workflow", text(&WorkflowChanged { id })),
        Heard::Missed => ("missed", "{}".to_owned()),
    };
    Event::default().event(name).data(data)
}

fn text(data: &impl Serialize) -> String {
    serde_json::to_string(data).expect("ids and statuses have a JSON form")
}
