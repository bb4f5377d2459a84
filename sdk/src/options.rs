//! Options: functions that look up what a person can choose while somebody configures a block.
//!
//! ```
//! use stepwell::prelude::*;
//!
//! #[config]
//! struct Credit {
//!     /// Workspace
//!     workspace: String,
//!     /// Campaign
//!     #[field(options = campaigns, depends_on("workspace"))]
//!     campaign_id: String,
//! }
//!
//! #[options]
//! async fn campaigns(query: OptionsQuery, _cx: OptionsContext) -> Result<Vec<Choice>, StepError> {
//!     let workspace: String = query.field("workspace")?.unwrap_or_default();
//!     Ok(vec![Choice::new("c1", format!("First campaign of {workspace}"))])
//! }
//! # fn main() {}
//! ```

use std::sync::Arc;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::block::BoxFuture;
use crate::connection::NoConnection;
use crate::error::StepError;
use crate::http_client::HttpClient;
use crate::services::Services;

/// What choices are looked up for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OptionsQuery {
    /// What the person has typed, to narrow the choices; empty at first.
    pub text: String,
    /// The values so far of the fields that `depends_on` names; those without a value are missing.
    pub fields: Map<String, Value>,
}

impl OptionsQuery {
    /// The value of a field that the choices depend on; `None` while it has none.
    ///
    /// # Errors
    ///
    /// When the value does not fit the type. The message does not quote it.
    pub fn field<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StepError> {
        let Some(value) = self.fields.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
        T::deserialize(value).map(Some).map_err(|_| {
            StepError::permanent(format!("The field `{name}` does not have the expected type; change it"))
        })
    }
}

/// Something that a person can choose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// The value that the field gets.
    pub value: Value,
    /// What a person reads.
    pub label: String,
    /// What helps to choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Choice {
    /// A value and its label.
    pub fn new(value: impl Into<Value>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), help: None }
    }

    /// The same with a text that helps to choose.
    #[must_use]
    pub fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// The context of a function that looks options up. `C` is the connection that it needs.
pub struct OptionsContext<C = NoConnection> {
    services: Arc<dyn Services>,
    connection: C,
}

impl<C> OptionsContext<C> {
    pub(crate) fn new(services: Arc<dyn Services>, connection: C) -> Self {
        Self { services, connection }
    }

    /// The engine's outgoing HTTP client: guarded against private addresses, with time and size limits.
    pub fn http(&self) -> HttpClient {
        HttpClient::new(self.services.http())
    }

    /// The engine's time: what a function goes by instead of the machine's clock, so that a test can move it.
    pub fn now(&self) -> Timestamp {
        self.services.now()
    }

    /// The connection that the function needs.
    pub const fn connection(&self) -> &C {
        &self.connection
    }
}

/// One registered function that looks options up.
#[derive(Debug)]
pub struct OptionsDefinition {
    /// The crate that it comes from.
    pub app: &'static str,
    /// The version of that crate.
    pub app_version: &'static str,
    /// Its name, which configs of the same crate name.
    pub name: &'static str,
    /// Where it is defined, as `file:line`.
    pub source: &'static str,
    /// The id of the connection that it needs.
    pub connection: Option<&'static str>,
    /// Whether it runs without its connection as well: where none is named there is none.
    pub connection_optional: bool,
    /// The function with its types erased.
    pub handler: OptionsHandler,
}

inventory::collect!(OptionsDefinition);

/// Every function that was linked into this binary, ordered by crate and name.
pub fn registered() -> Vec<&'static OptionsDefinition> {
    let mut functions: Vec<_> = inventory::iter::<OptionsDefinition>.into_iter().collect();
    functions.sort_by_key(|function| (function.app, function.name, function.source));
    functions
}

/// The function, with its types erased.
pub type OptionsHandler = fn(OptionsInvocation) -> BoxFuture<Result<Vec<Choice>, StepError>>;

/// What an engine passes to a function that looks options up.
#[derive(Clone)]
pub struct OptionsInvocation {
    /// What to look up.
    pub query: OptionsQuery,
    /// The services.
    pub services: Arc<dyn Services>,
    /// The credentials of the connection that the function needs; `null` if it has none.
    pub credentials: Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_read_as_its_type_and_never_quoted() {
        let fields = serde_json::json!({ "count": 3, "none": null, "secret": "s3cret" });
        let query = OptionsQuery { text: String::new(), fields: fields.as_object().unwrap().clone() };
        assert_eq!(query.field::<u8>("count").unwrap(), Some(3));
        assert_eq!(query.field::<u8>("none").unwrap(), None);
        assert_eq!(query.field::<u8>("missing").unwrap(), None);
        let error = query.field::<u8>("secret").unwrap_err().to_string();
        assert_eq!(error, "The field `secret` does not have the expected type; change it");
    }
}
