//! Which runs a filter selects.

use tokio_postgres::types::ToSql;

use super::text;
use crate::model::READS;
use crate::store::change::{limited, micros};
use crate::store::{RunFilter, columns};

/// A value of a condition.
type Value = Box<dyn ToSql + Sync + Send>;

/// The condition of a filter and its values; the first of them is the limit.
pub(super) fn condition(filter: &RunFilter) -> (String, Vec<Value>) {
    let RunFilter { workflow, status, ended, created_after, created_before, before, unreadable, limit } =
        filter;
    let mut conditions = vec!["true".to_owned()];
    let mut values: Vec<Value> = vec![Box::new(limited(*limit))];
    let given: [(&str, Option<Value>); 6] = [
        ("workflow =", workflow.as_ref().map(|id| Box::new(text::written(&id.0).into_owned()) as Value)),
        ("status =", status.map(|status| Box::new(status.as_str()) as Value)),
        ("created_at >=", created_after.map(|after| Box::new(micros(after)) as Value)),
        ("created_at <", created_before.map(|before| Box::new(micros(before)) as Value)),
        ("id <", before.map(|before| Box::new(before.0) as Value)),
        ("owner <=", unreadable.then(|| Box::new(columns::set_aside(READS)) as Value)),
    ];
    for (condition, value) in given {
        if let Some(value) = value {
            values.push(value);
            conditions.push(format!("{condition} ${}", values.len()));
        }
    }
    match ended {
        Some(true) => conditions.push("finished_at IS NOT NULL".to_owned()),
        Some(false) => conditions.push("finished_at IS NULL".to_owned()),
        None => {}
    }
    (conditions.join(" AND "), values)
}
