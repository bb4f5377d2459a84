//! Which runs a filter selects.

use rusqlite::types::Value;

use crate::model::READS;
use crate::store::change::{limited, micros};
use crate::store::{RunFilter, columns};

/// The condition of a filter and its values, in order; the last of them is the limit.
pub(super) fn condition(filter: RunFilter) -> (String, Vec<Value>) {
    let RunFilter { workflow, status, ended, created_after, created_before, before, unreadable, limit } =
        filter;
    // Few runs are set aside, which SQLite does not know: with a `+` a column has no index, and that of owners is left.
    let index = if unreadable { "+" } else { "" };
    let mut conditions = vec!["1 = 1".to_owned()];
    let mut values: Vec<Value> = Vec::new();
    if let Some(workflow) = workflow {
        conditions.push(format!("{index}workflow = ?"));
        values.push(workflow.0.into());
    }
    if let Some(status) = status {
        conditions.push(format!("{index}status = ?"));
        values.push(status.as_str().to_owned().into());
    }
    match ended {
        Some(true) => conditions.push("finished_at IS NOT NULL".to_owned()),
        Some(false) => conditions.push("finished_at IS NULL".to_owned()),
        None => {}
    }
    if let Some(after) = created_after {
        conditions.push("created_at >= ?".to_owned());
        values.push(micros(after).into());
    }
    if let Some(before) = created_before {
        conditions.push("created_at < ?".to_owned());
        values.push(micros(before).into());
    }
    if let Some(before) = before {
        conditions.push(format!("{index}id < ?"));
        values.push(before.0.as_bytes().to_vec().into());
    }
    if unreadable {
        conditions.push("owner <= ?".to_owned());
        values.push(columns::set_aside(READS).into());
    }
    values.push(limited(limit).into());
    (conditions.join(" AND "), values)
}

#[cfg(test)]
mod tests {
    use rusqlite::params_from_iter;

    use super::*;
    use crate::model::{RunStatus, WorkflowId};
    use crate::store::sqlite::connection;

    #[test]
    fn what_was_set_aside_is_found_by_its_index_however_long_the_history() {
        let directory = tempfile::tempdir().expect("there is room");
        let connection = connection::writer(&directory.path().join("stepwell.db")).expect("it is new");
        for (workflow, status) in
            [(None, None), (Some(WorkflowId("flow".to_owned())), None), (None, Some(RunStatus::Waiting))]
        {
            let filter = RunFilter { workflow, status, unreadable: true, limit: 1, ..RunFilter::default() };
            let (condition, values) = condition(filter);
            let sql =
                format!("EXPLAIN QUERY PLAN SELECT id FROM runs WHERE {condition} ORDER BY +id DESC LIMIT ?");
            let plan: String = connection
                .prepare(&sql)
                .and_then(|mut plan| plan.query_row(params_from_iter(values), |row| row.get(3)))
                .expect("the statement is right");
            assert!(plan.contains("runs_owned"), "{plan}");
        }
    }
}
