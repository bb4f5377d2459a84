//! The connections that the instances of a definition need.

use super::{Catalog, Definition};
use crate::connections::chosen;

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
        let manifest = &catalog.get(block)?.manifest;
        let kind = manifest.connection.clone()?;
        let name = chosen(named.as_deref(), manifest.connection_optional)?.to_owned();
        let field = if named.is_some() { "connection" } else { "block" };
        Some(NeededConnection { path: format!("{path}.{field}"), block: block.clone(), kind, name })
    });
    needed.collect()
}
