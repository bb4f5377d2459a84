//! Which runs a filter selects.

use rusqlite::types::Value;

use crate::model::READS;
use crate::store::change::micros;
use crate::store::{RunFilter, columns};

/// The condition of a filter and its values, in order; the last of them is the limit.
pub(super) fn condition(filter: RunFilter) -> (String, Vec<Value>) {
    let RunFilter { workflow, status, ended, created_after, created_before, before, unreadable, limit } =
        filter;
    let mut conditions = vec!["1 = 1"];
    let mut values: Vec<Value> = Vec::new();
    if let Some(workflow) = workflow {
        conditions.push("workflow = ?");
        values.push(workflow.0.into());
    }
    if let Some(status) = status {
        conditions.push("status = ?");
        values.push(status.as_str().to_owned().into());
    }
    match ended {
        Some(true) => conditions.push("finished_at IS NOT NULL"),
        Some(false) => conditions.push("finished_at IS NULL"),
        None => {}
    }
    if let Some(after) = created_after {
        conditions.push("created_at >= ?");
        values.push(micros(after).into());
    }
    if let Some(before) = created_before {
        conditions.push("created_at < ?");
        values.push(micros(before).into());
    }
    if let Some(before) = before {
        conditions.push("id < ?");
        values.push(before.0.as_bytes().to_vec().into());
    }
    if unreadable {
        conditions.push("owner <= ?");
        values.push(columns::set_aside(READS).into());
    }
    values.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
    (conditions.join(" AND "), values)
}
