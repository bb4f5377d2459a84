//! Connections that a workflow needs, looked for before it is enabled.

use std::time::Duration;

use super::Inner;
use super::connections::NoCredentials;
use crate::connections::ConnectionError;
use crate::definition::{Definition, NeededConnection, Problem, needed_connections};

/// How long enabling a workflow waits for one connection; an attempt may find it later.
const LONGEST_LOOK: Duration = Duration::from_secs(5);

impl Inner {
    /// What is wrong with the connections that the blocks of a definition need. One that cannot be had now may be had
    /// when an attempt needs it, so nothing is said of it.
    pub(super) async fn connection_problems(&self, definition: &Definition) -> Vec<Problem> {
        let mut problems = Vec::new();
        for needed in needed_connections(definition, &self.catalog) {
            let look = self.connection(&needed.kind, &needed.name);
            let Ok(found) = tokio::time::timeout(LONGEST_LOOK, look).await else { continue };
            let problem = match found {
                Ok(credentials) => self.misfit_credentials(&needed, &credentials),
                Err(NoCredentials::Connection(error @ ConnectionError::Missing { .. })) => {
                    Some(error.to_string())
                }
                Err(_) => None,
            };
            if let Some(problem) = problem {
                let message = format!("`{}` needs a connection: {problem}", needed.block);
                problems.push(Problem::new(needed.path, message));
            }
        }
        problems
    }

    /// What in credentials is not as their kind says.
    fn misfit_credentials(
        &self,
        NeededConnection { kind, name, .. }: &NeededConnection,
        credentials: &serde_json::Value,
    ) -> Option<String> {
        let wrong = self.catalog.connection(kind)?.validate(credentials).into_iter().next()?;
        Some(format!(
            "the credentials of `{name}` do not fit the kind `{kind}`: {}; set them with `stepwell connections set {kind} --name {name}`",
            wrong.message
        ))
    }
}
