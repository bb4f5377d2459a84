//! The connections that the instances of a definition need.

use super::{Catalog, Definition};

/// A connection that an instance needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededConnection {
    /// The path of the instance's block.
    pub path: String,
    /// The block's id.
    pub block: String,
    /// The connection's id, `app/name`.
    pub connection: String,
}

/// The connections that the trigger and the steps need, in the order of the file.
pub fn needed_connections(definition: &Definition, catalog: &Catalog) -> Vec<NeededConnection> {
    let trigger = ("trigger".to_owned(), &definition.trigger.block);
    let steps = definition.steps.iter().map(|(id, step)| (format!("steps.{id}"), &step.block));
    let needed = [trigger].into_iter().chain(steps).filter_map(|(path, block)| {
        let connection = catalog.get(block)?.manifest.connection.clone()?;
        Some(NeededConnection { path: format!("{path}.block"), block: block.clone(), connection })
    });
    needed.collect()
}
