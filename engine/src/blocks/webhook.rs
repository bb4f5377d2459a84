//! `core/webhook`: a URL that starts runs.

use std::collections::BTreeMap;

use serde_json::Value;
use stepwell::prelude::*;

/// What to accept.
#[config]
struct Webhook {
    /// Method
    #[field(default = Method::Post)]
    method: Method,
    /// Signature
    ///
    /// How the sender proves that it is the sender. Without one, whoever knows the URL can start runs.
    signature: Option<Scheme>,
}

/// Which requests are accepted.
#[data]
#[derive(PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Method {
    /// POST
    Post,
    /// PUT
    Put,
    /// GET
    Get,
    /// Any method
    Any,
}

/// How a sender proves that it is the sender.
#[data]
#[serde(tag = "scheme", rename_all = "snake_case")]
enum Scheme {
    /// GitHub
    Github {
        /// Secret
        secret: Secret,
    },
    /// Slack
    Slack {
        /// Signing secret
        secret: Secret,
    },
    /// Stripe
    Stripe {
        /// Endpoint secret
        secret: Secret,
    },
    /// Standard Webhooks
    StandardWebhooks {
        /// Secret
        secret: Secret,
    },
    /// HMAC-SHA256 of the body, in hexadecimal digits
    HmacSha256 {
        /// Header
        header: String,
        /// What stands before the digits
        prefix: Option<String>,
        /// Secret
        secret: Secret,
    },
}

impl Scheme {
    fn verify(&self, request: &Request) -> Result<(), Rejected> {
        match self {
            Self::Github { secret } => request.verify(&signature::github(secret.expose())),
            Self::Slack { secret } => request.verify(&signature::slack(secret.expose())),
            Self::Stripe { secret } => request.verify(&signature::stripe(secret.expose())),
            Self::StandardWebhooks { secret } => {
                request.verify(&signature::standard_webhooks(secret.expose()))
            }
            Self::HmacSha256 { header, prefix, secret } => {
                let scheme = signature::hmac_sha256(header, secret.expose());
                request.verify(&scheme.prefix(prefix.as_deref().unwrap_or_default()))
            }
        }
    }
}

/// Webhook
///
/// Starts a run for every request to its URL.
#[trigger(app = "core", outcomes(
    /// Received
    received {
        /// The method
        method: String,
        /// The query's fields
        query: BTreeMap<String, String>,
        /// The headers, their names in lower case
        headers: BTreeMap<String, String>,
        /// The body: JSON where it is, otherwise text
        body: Value,
    },
))]
async fn webhook(
    request: Request,
    config: Webhook,
    _cx: TriggerContext,
) -> Result<WebhookOutcome, TriggerError> {
    if let Some(scheme) = &config.signature {
        scheme.verify(&request)?;
    }
    let wanted = match config.method {
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Get => http::Method::GET,
        Method::Any => request.method().clone(),
    };
    if *request.method() != wanted {
        let status = http::StatusCode::METHOD_NOT_ALLOWED;
        return Err(Rejected::with_status(status, format!("this webhook takes {wanted} requests")).into());
    }
    Ok(WebhookOutcome::Received {
        method: request.method().to_string(),
        query: request.query_as()?,
        headers: headers_of(&request),
        body: body_of(&request)?,
    })
}

/// The headers that are text, without the sender's own credentials.
fn headers_of(request: &Request) -> BTreeMap<String, String> {
    const PRIVATE: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];
    let headers = request.headers().iter().filter(|(name, _)| !PRIVATE.contains(&name.as_str()));
    headers.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned()))).collect()
}

/// The body as JSON where it is, otherwise as text; `null` if it is empty.
pub(super) fn body_of(request: &Request) -> Result<Value, Rejected> {
    let is_form = request
        .header_opt("content-type")
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if request.bytes().is_empty() {
        return Ok(Value::Null);
    }
    if is_form {
        let fields: BTreeMap<String, String> = request.form()?;
        return Ok(fields.into_iter().map(|(name, value)| (name, Value::String(value))).collect());
    }
    if let Ok(body) = serde_json::from_slice(request.bytes()) {
        return Ok(body);
    }
    Ok(Value::String(request.text()?.to_owned()))
}
