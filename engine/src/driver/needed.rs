//! Connections that a workflow needs, looked for before it is enabled.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::Inner;
use crate::connections::ConnectionError;
use crate::definition::{Definition, Problem, needed_connections};

/// How long enabling a workflow waits for one connection; an attempt may find it later.
const LONGEST_LOOK: Duration = Duration::from_secs(5);

impl Inner {
    /// What is wrong with the connections that the blocks of a definition need. One that cannot be had now may be had
    /// when an attempt needs it, so nothing is said of it.
    pub(super) async fn connection_problems(&self, definition: &Definition) -> Vec<Problem> {
        let mut judged: BTreeMap<String, Option<String>> = BTreeMap::new();
        let mut problems = Vec::new();
        for needed in needed_connections(definition, &self.catalog) {
            if !judged.contains_key(&needed.connection) {
                let look = self.connections.credentials(&needed.connection);
                let found = tokio::time::timeout(LONGEST_LOOK, look).await;
                let problem = found.ok().and_then(|found| self.judge(&needed.connection, found));
                judged.insert(needed.connection.clone(), problem);
            }
            if let Some(problem) = &judged[&needed.connection] {
                let message = format!("`{}` needs a connection: {problem}", needed.block);
                problems.push(Problem::new(needed.path, message));
            }
        }
        problems
    }

    fn judge(&self, connection: &str, found: Result<Value, ConnectionError>) -> Option<String> {
        let credentials = match found {
            Ok(credentials) => credentials,
            Err(error @ ConnectionError::Missing(_)) => return Some(error.to_string()),
            Err(ConnectionError::Unavailable { .. }) => return None,
        };
        let mut known = self.manifest.apps.iter().flat_map(|app| &app.connections);
        let schema = &known.find(|one| one.id == connection)?.credentials;
        let validator = jsonschema::validator_for(schema.as_value()).ok()?;
        let error = validator.iter_errors(&credentials).next()?;
        // Never the value, which is a secret.
        Some(format!("the connection `{connection}` has another form ({}); make it anew", error.masked()))
    }
}
