//! Looks up what a person can choose for a field of a block.

use std::sync::Arc;

use serde_json::{Map, Value};
use stepwell::options::{self, Choice, OptionsDefinition, OptionsInvocation, OptionsQuery};

use super::answer::Refusal;
use super::call::{Ended, contained};
use super::connections::NoCredentials;
use super::services::TriggerServices;
use super::{Driver, Inner};
use crate::definition::Problem;
use crate::definition::field::{hint, schemas_at};

/// How many choices are returned: more cannot be looked through, and the typed text narrows them.
const MOST_CHOICES: usize = 1000;

/// What choices are looked up for.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionsRequest {
    /// The block's id.
    pub block: String,
    /// The path of the field within the config, such as `campaign_id` or `cases.0.campaign_id`.
    pub field: String,
    /// What the person has typed.
    pub text: String,
    /// The name of the connection to look them up with; without it, what a step that names none has.
    pub connection: Option<String>,
    /// The values so far of the fields beside it; those that the field does not depend on are not handed on.
    pub fields: Map<String, Value>,
}

impl Driver {
    /// What a person can choose for a field, at most 1000 choices. The function that looks it up has as long as a
    /// trigger.
    ///
    /// # Errors
    ///
    /// When there is no such block, field or function, or the function fails, panics or takes too long.
    pub async fn options(&self, request: OptionsRequest) -> Result<Vec<Choice>, Refusal> {
        let inner = &self.inner;
        let connection = request.connection.clone();
        let (function, query) = inner.look_up(request)?;
        let OptionsDefinition { connection: kind, connection_optional, .. } = *function;
        let credentials = inner.chosen_connection(kind, connection_optional, connection.as_deref()).await;
        let credentials = credentials.map_err(|error| match error {
            NoCredentials::Store(error) => Refusal::Store(error),
            error @ NoCredentials::Connection(_) => Refusal::OptionsFailed(error.to_string()),
        })?;
        let services = Arc::new(TriggerServices(Arc::clone(inner)));
        let call = (function.handler)(OptionsInvocation { query, services, credentials });
        let limit = inner.limits.trigger;
        let failed = |message: String| Err(Refusal::OptionsFailed(message));
        match contained(limit, call).await {
            Ended::Returned(Ok(mut choices)) => {
                choices.truncate(MOST_CHOICES);
                Ok(choices)
            }
            Ended::Returned(Err(error)) => failed(error.to_string()),
            Ended::Panicked(message) => {
                failed(format!("the function `{}` panicked: {message}", function.name))
            }
            Ended::TimedOut => failed(format!(
                "the function `{}` did not return within {} s; try again",
                function.name,
                limit.as_secs()
            )),
        }
    }
}

impl Inner {
    /// The function that a field names, and what it is asked.
    fn look_up(
        &self,
        request: OptionsRequest,
    ) -> Result<(&'static OptionsDefinition, OptionsQuery), Refusal> {
        let OptionsRequest { block, field, text, mut fields, .. } = request;
        let problem = |path: &str, message: String| Refusal::Problems(vec![Problem::new(path, message)]);
        let Some(known) = self.blocks.get(&block) else {
            return Err(problem("block", format!("There is no block `{block}`; name one of this engine")));
        };
        let schema = (known.config)();
        let found = schemas_at(schema.as_value(), &field);
        if found.is_empty() {
            return Err(problem(
                "field",
                format!("The config of `{block}` has no field `{field}`; name one"),
            ));
        }
        let Some(source) = found.into_iter().find_map(|schema| hint(schema, "options_source")) else {
            return Err(problem(
                "field",
                format!("Nothing looks up the options of `{field}`; see its schema"),
            ));
        };
        let name = source["function"].as_str().unwrap_or_default();
        let depends_on = source["depends_on"].as_array();
        fields.retain(|field, _| depends_on.is_some_and(|names| names.iter().any(|name| name == field)));
        let function = function(known.app, name).ok_or_else(|| {
            Refusal::NotFound(format!("There is no function `{name}` in this binary; put `#[options]` on it"))
        })?;
        Ok((function, OptionsQuery { text, fields }))
    }
}

/// The function of this name: of the block's crate, or of the crate that the config comes from.
fn function(app: &str, name: &str) -> Option<&'static OptionsDefinition> {
    let named: Vec<_> = options::registered().into_iter().filter(|function| function.name == name).collect();
    named.iter().find(|function| function.app == app).or(named.first()).copied()
}
