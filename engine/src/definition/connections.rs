//! The connections that the instances of a definition need.

use super::{Catalog, Definition};
use crate::connections::DEFAULT;

/// A connection that an instance needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededConnection {
    /// The path of the field that names it, or of the instance's block.
    pub path: String,
    /// The block's id.
    pub block: String,
    /// The connection's kind, `app/name`.
    pub kind: String,
    /// The connection's name.
    pub name: String,
}

/// The connections that the trigger and the steps need, in the order of the file.
pub fn needed_connections(definition: &Definition, catalog: &Catalog) -> Vec<NeededConnection> {
    let trigger = &definition.trigger;
    let first = ("trigger".to_owned(), &trigger.block, &trigger.connection);
    let steps =
        definition.steps.iter().map(|(id, step)| (format!("steps.{id}"), &step.block, &step.connection));
    let needed = [first].into_iter().chain(steps).filter_map(|(path, block, named)| {
        let kind = catalog.get(block)?.manifest.connection.clone()?;
        let field = if named.is_some() { "connection" } else { "block" };
        let name = named.clone().unwrap_or_else(|| DEFAULT.to_owned());
        Some(NeededConnection { path: format!("{path}.{field}"), block: block.clone(), kind, name })
    });
    needed.collect()
}
