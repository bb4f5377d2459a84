//! `core/webhook`: a URL that starts runs.

mod reply;

use std::collections::BTreeMap;

use http::HeaderName;
use serde_json::Value;
use stepwell::config::FieldError;
use stepwell::prelude::*;

use self::reply::Reply;
use super::method::Method;

/// What to accept.
#[config]
struct Webhook {
    /// Methods
    ///
    /// Which requests are accepted; others are refused with 405.
    #[field(default = vec![Method::Post])]
    #[schemars(length(min = 1))]
    methods: Vec<Method>,
    /// Signature
    ///
    /// How the sender proves that it is the sender. Without one, whoever knows the URL can start runs.
    #[field(check = Scheme::can_be_verified)]
    signature: Option<Scheme>,
    /// Response
    ///
    /// What answers a request that has started a run, once the run is stored; without it 202 and the run's id.
    #[field(check = can_be_sent)]
    response: Option<Reply>,
}

/// How a sender proves that it is the sender.
#[data]
#[serde(tag = "scheme", rename_all = "snake_case", deny_unknown_fields)]
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
    /// Whether only the sender can sign, and a request can have the header that it names.
    fn can_be_verified(scheme: Option<&Self>) -> Result<(), FieldError> {
        match scheme {
            Some(scheme) if scheme.secret().expose().trim().is_empty() => {
                Err(FieldError::new("With an empty secret anybody could sign; write the sender's")
                    .at("secret"))
            }
            Some(Self::HmacSha256 { header, .. }) if HeaderName::from_bytes(header.as_bytes()).is_err() => {
                Err(FieldError::new(format!(
                    "`{header}` is not the name of a header; use one like `X-Signature`"
                ))
                .at("header"))
            }
            _ => Ok(()),
        }
    }

    fn secret(&self) -> &Secret {
        match self {
            Self::Github { secret }
            | Self::Slack { secret }
            | Self::Stripe { secret }
            | Self::StandardWebhooks { secret }
            | Self::HmacSha256 { secret, .. } => secret,
        }
    }

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
#[trigger(
    app = "core",
    outcomes(
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
    ),
    activate = begin,
    deactivate = end,
)]
async fn webhook(
    request: Request,
    config: Webhook,
    _cx: TriggerContext,
) -> Result<Trigger<WebhookOutcome>, TriggerError> {
    let methods: Vec<http::Method> = config.methods.iter().copied().map(Into::into).collect();
    if !methods.contains(request.method()) {
        let known: Vec<&str> = methods.iter().map(http::Method::as_str).collect();
        let known = known.join(", ");
        let message = format!("this webhook takes {known} requests");
        let allow =
            http::HeaderValue::try_from(known).map_err(|error| TriggerError::failed(error.to_string()))?;
        let refused = Rejected::with_status(http::StatusCode::METHOD_NOT_ALLOWED, message);
        return Err(refused.header(http::header::ALLOW, allow).into());
    }
    if let Some(scheme) = &config.signature {
        scheme.verify(&request)?;
    }
    let received = WebhookOutcome::Received {
        method: request.method().to_string(),
        query: request.query_as()?,
        headers: headers_of(&request),
        body: body_of(&request)?,
    };
    Ok(match &config.response {
        Some(reply) => {
            let response = reply.to_response().map_err(|error| TriggerError::failed(error.message()))?;
            received.respond(response)
        }
        None => received.into(),
    })
}

fn can_be_sent(response: Option<&Reply>) -> Result<(), FieldError> {
    response.map_or(Ok(()), |reply| reply.to_response().map(drop))
}

/// Nobody outside has to be told.
async fn begin(_config: Webhook, _cx: ActivateContext) -> Result<(), ActivationError> {
    Ok(())
}

async fn end(_config: Webhook, _cx: DeactivateContext) -> Result<(), ActivationError> {
    Ok(())
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
