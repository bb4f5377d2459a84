//! Connections: the credentials that a person gives once and blocks receive.
//!
//! Declare a kind of connection with [`#[connection]`](macro@crate::connection) and name it in the contexts of a
//! block's handlers, as in `ExecuteContext<Lemlist>`: whoever sets up the block chooses a connection of this kind,
//! and [`cx.connection()`](crate::context::ExecuteContext::connection) gives it, typed. A block that also runs without
//! one names `Option<Lemlist>`.
//!
//! ```
//! use stepwell::prelude::*;
//!
//! /// Lemlist
//! #[connection(bearer = api_key)]
//! struct Lemlist {
//!     /// API key
//!     api_key: String,
//! }
//!
//! /// Count campaigns
//! #[step(outcomes(counted { campaigns: u64 }))]
//! async fn count_campaigns(_: NoConfig, cx: ExecuteContext<Lemlist>) -> Result<CountCampaignsOutcome, StepError> {
//!     let request = cx.http().get("https://api.lemlist.com/api/campaigns").authorize(cx.connection());
//!     let campaigns: Vec<serde_json::Value> = request.send().await?.error_for_status()?.json()?;
//!     Ok(CountCampaignsOutcome::Counted { campaigns: campaigns.len() as u64 })
//! }
//! # fn main() {}
//! ```

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::http_client::RequestBuilder;

/// A kind of connection, which a block names in its context's type, as in `ExecuteContext<Lemlist>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a connection",
    label = "this type is not `#[connection]`",
    note = "put `#[connection]` on the struct that holds the credentials; without credentials leave the type out"
)]
pub trait Connection: Sized + Send + Sync + 'static {
    /// The connection's id, `app/name`; `None` for [`NoConnection`].
    const ID: Option<&'static str>;

    /// Whether a block runs without it as well, as with `Option<Lemlist>`.
    const OPTIONAL: bool = false;

    /// Reads the connection from the credentials that the engine holds.
    ///
    /// # Errors
    ///
    /// When the stored credentials do not fit this type.
    fn from_credentials(credentials: Value) -> Result<Self, serde_json::Error>;

    /// The credentials as the engine holds them.
    ///
    /// # Errors
    ///
    /// When they have no JSON form.
    fn to_credentials(&self) -> Result<Value, serde_json::Error>;

    /// Adds the credentials to a request, in the way that the declaration names.
    fn authorize(&self, request: RequestBuilder) -> RequestBuilder {
        request
    }
}

/// The connection of a block that needs none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoConnection;

impl Connection for NoConnection {
    const ID: Option<&'static str> = None;

    fn from_credentials(_: Value) -> Result<Self, serde_json::Error> {
        Ok(Self)
    }

    fn to_credentials(&self) -> Result<Value, serde_json::Error> {
        Ok(Value::Null)
    }
}

/// A connection that a block runs with or without: it has the one that the step names, and `None` if the step names
/// none. The one called `default` is no exception, so that credentials go nowhere unless somebody says so.
///
/// ```
/// use stepwell::prelude::*;
///
/// /// Lemlist
/// #[connection(bearer = api_key)]
/// struct Lemlist {
///     /// API key
///     api_key: Secret,
/// }
///
/// /// Fetch a page
/// #[step(outcomes(fetched { body: String }))]
/// async fn fetch_page(_: NoConfig, cx: ExecuteContext<Option<Lemlist>>) -> Result<FetchPageOutcome, StepError> {
///     let request = cx.http().get("https://api.lemlist.com/").authorize(cx.connection());
///     let body = request.send().await?.error_for_status()?.body;
///     Ok(FetchPageOutcome::Fetched { body: String::from_utf8_lossy(&body).into_owned() })
/// }
/// # fn main() {}
/// ```
impl<C: Connection> Connection for Option<C> {
    const ID: Option<&'static str> = C::ID;
    const OPTIONAL: bool = true;

    fn from_credentials(credentials: Value) -> Result<Self, serde_json::Error> {
        if credentials.is_null() { Ok(None) } else { C::from_credentials(credentials).map(Some) }
    }

    fn to_credentials(&self) -> Result<Value, serde_json::Error> {
        self.as_ref().map_or(Ok(Value::Null), C::to_credentials)
    }

    fn authorize(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Some(connection) => connection.authorize(request),
            None => request,
        }
    }
}

/// A registered kind of connection.
#[derive(Debug)]
pub struct ConnectionDefinition {
    /// The crate that it comes from.
    pub app: &'static str,
    /// The version of that crate.
    pub app_version: &'static str,
    /// Its name within its crate, in kebab-case.
    pub name: &'static str,
    /// A short title for people.
    pub title: &'static str,
    /// What it gives access to, and where a person finds the credentials.
    pub description: Option<&'static str>,
    /// Where the connection is declared, as `file:line`.
    pub source: &'static str,
    /// How the credentials come about and are used.
    pub method: Method,
    /// The JSON schema of the credentials.
    pub credentials: fn() -> Schema,
}

inventory::collect!(ConnectionDefinition);

/// Every kind of connection that was linked into this binary, ordered by id.
pub fn registered() -> Vec<&'static ConnectionDefinition> {
    let mut connections: Vec<_> = inventory::iter::<ConnectionDefinition>.into_iter().collect();
    connections.sort_by_key(|connection| (connection.app, connection.name, connection.source));
    connections
}

/// How the credentials of a connection come about and are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// A person enters the fields; the block uses them as it likes.
    Fields,
    /// A person enters the fields; one of them is a bearer token (RFC 6750).
    Bearer,
    /// A person enters the fields; two of them are user name and password of HTTP Basic (RFC 7617).
    Basic,
    /// A person enters the fields; one of them is sent in this header.
    Header(&'static str),
    /// A person gives access at the provider (OAuth 2, RFC 6749, authorization code with PKCE); the engine fills
    /// `access_token` and refreshes it.
    OAuth2(OAuth2),
}

/// Where and for what an OAuth 2 connection asks for access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OAuth2 {
    /// Where a person gives access.
    pub authorize_url: &'static str,
    /// Where the engine exchanges the code for a token.
    pub token_url: &'static str,
    /// What access is asked for.
    pub scopes: &'static [&'static str],
}

/// What a manifest says of a kind of connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectionManifest {
    /// The connection's id, `app/name`.
    pub id: String,
    /// A short title for people.
    pub title: String,
    /// What it gives access to, and where a person finds the credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How the credentials come about and are used.
    #[serde(flatten)]
    pub method: MethodManifest,
    /// The JSON schema (draft 2020-12) of the credentials.
    pub credentials: Schema,
}

/// What a manifest says of the way in which credentials come about and are used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum MethodManifest {
    /// A person enters the fields; the block uses them as it likes.
    Fields,
    /// A person enters the fields; one of them is a bearer token (RFC 6750).
    Bearer,
    /// A person enters the fields; two of them are user name and password of HTTP Basic (RFC 7617).
    Basic,
    /// A person enters the fields; one of them is sent in a header.
    Header {
        /// The header's name.
        header: String,
    },
    /// A person gives access at the provider (OAuth 2, RFC 6749, authorization code with PKCE); the engine fills
    /// `access_token` and refreshes it.
    #[serde(rename = "oauth2")]
    OAuth2 {
        /// Where a person gives access.
        authorize_url: String,
        /// Where the engine exchanges the code for a token.
        token_url: String,
        /// What access is asked for.
        scopes: Vec<String>,
    },
}

impl ConnectionDefinition {
    /// The connection's id, `app/name`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.app, self.name)
    }

    /// What a manifest says of it.
    pub fn manifest(&self) -> ConnectionManifest {
        ConnectionManifest {
            id: self.id(),
            title: self.title.to_owned(),
            description: self.description.map(str::to_owned),
            method: self.method.into(),
            credentials: (self.credentials)(),
        }
    }
}

impl From<Method> for MethodManifest {
    fn from(method: Method) -> Self {
        match method {
            Method::Fields => Self::Fields,
            Method::Bearer => Self::Bearer,
            Method::Basic => Self::Basic,
            Method::Header(header) => Self::Header { header: header.to_owned() },
            Method::OAuth2(OAuth2 { authorize_url, token_url, scopes }) => Self::OAuth2 {
                authorize_url: authorize_url.to_owned(),
                token_url: token_url.to_owned(),
                scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            },
        }
    }
}
