//! What the expansion of `#[connection]` calls.

use schemars::{JsonSchema, Schema};

use crate::config::schema_of;
use crate::http_client::RequestBuilder;
use crate::types::Secret;

/// The schema of credentials.
pub fn schema<T: JsonSchema>() -> Schema {
    schema_of::<T>()
}

/// A field that is sent as a credential.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as a credential",
    label = "this field is neither `Secret<String>` nor `String`",
    note = "make it `Secret<String>`, which is never shown"
)]
pub trait Credential {
    /// The text to send.
    fn text(&self) -> &str;
}

impl Credential for String {
    fn text(&self) -> &str {
        self
    }
}

impl Credential for Secret<String> {
    fn text(&self) -> &str {
        self.expose()
    }
}

/// Sends a bearer token.
pub fn bearer(request: RequestBuilder, token: &impl Credential) -> RequestBuilder {
    request.bearer(token.text())
}

/// Sends user name and password.
pub fn basic(request: RequestBuilder, user: &impl Credential, password: &impl Credential) -> RequestBuilder {
    request.basic(user.text(), password.text())
}

/// Sends a header.
pub fn header(request: RequestBuilder, name: &str, value: &impl Credential) -> RequestBuilder {
    request.secret_header(name, value.text())
}
