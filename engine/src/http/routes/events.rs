//! What changes, as server-sent events.
//!
//! The stream tells what changes from the moment on at which it is answered; nothing is told again. So a client first
//! subscribes and then reads what it shows, and reads it again after `missed` or after a connection that broke.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use futures_util::stream::{Stream, unfold};
use serde::Serialize;

use crate::driver::{Change, Heard, Listener};
use crate::http::Api;
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

async fn events(State(api): State<Api>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let listener = api.driver.listen();
    let stream = unfold(listener, move |listener| next(api.clone(), listener));
    Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// The next event; none once the engine stops.
async fn next(api: Api, mut listener: Listener) -> Option<(Result<Event, Infallible>, Listener)> {
    let heard = tokio::select! {
        biased;
        heard = listener.next() => heard,
        () = api.driver.stopping() => return None,
    };
    Some((Ok(event(&heard)), listener))
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
