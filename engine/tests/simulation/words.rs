//! Changes of runs, as the trace tells them.

use stepwell_engine::model::{Entry, decode_entries};
use stepwell_engine::store::{Message, Record, RunChange};

use crate::sim::short;

/// What a record says.
pub(crate) fn entries(record: &Record) -> String {
    let names = decode_entries(&record.body).unwrap_or_default().iter().map(entry).collect::<Vec<_>>();
    names.join(", ")
}

/// What a change tells other runs.
pub(crate) fn messages(change: &RunChange) -> impl Iterator<Item = &Message> {
    change.called.iter().flat_map(|start| &start.messages).chain(&change.messages)
}

/// What a change makes of its run, and what it does with others.
pub(crate) fn what_becomes(change: &RunChange) -> String {
    let arrived = change.arrival.as_ref().map(|arrival| &arrival.record);
    let record = arrived.into_iter().chain(&change.record).map(entries).collect::<Vec<_>>().join(", ");
    let owned = if change.owned { "" } else { ", released" };
    let own = format!("run {} is {}{owned} ({record})", short(change.id.0), change.status);
    let calls = change.called.iter().map(|start| ("calls", &start.record));
    let tells = messages(change).map(|message| ("tells", &message.record));
    let others = calls
        .chain(tells)
        .map(|(does, record)| format!("{does} run {} ({})", short(record.run.0), entries(record)));
    [own].into_iter().chain(others).collect::<Vec<_>>().join(", ")
}

fn entry(entry: &Entry) -> String {
    let value = serde_json::to_value(entry).unwrap_or_default();
    let kind = value["kind"].as_str().unwrap_or_default().to_owned();
    match entry {
        Entry::AttemptStarted { execution, attempt, handler, .. } => {
            format!("{kind} {execution}#{attempt} {handler:?}")
        }
        Entry::AttemptEnded { execution, attempt, handler, .. } => {
            format!(
                "{kind} {execution}#{attempt} {handler:?} {}",
                value["result"]["result"].as_str().unwrap_or_default()
            )
        }
        Entry::RunEnded { status, .. } => format!("{kind} {status}"),
        _ => match value["execution"].as_u64() {
            Some(execution) => format!("{kind} {execution}"),
            None => kind,
        },
    }
}
