//! What a webhook answers.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;
use stepwell::config::FieldError;
use stepwell::prelude::*;

/// Headers that follow from how the answer is sent.
const OF_THE_CONNECTION: [HeaderName; 5] =
    [header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::TRAILER, header::UPGRADE];

/// The answer to a request that has started a run.
#[data]
#[serde(deny_unknown_fields)]
pub(super) struct Reply {
    /// Status
    ///
    /// From 200 to 399: a redirect may lead somebody who has sent a form to another page.
    #[serde(default = "ok")]
    #[schemars(range(min = 200, max = 399))]
    status: u16,
    /// Headers
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Body
    body: Option<Body>,
}

const fn ok() -> u16 {
    200
}

/// The body of an answer.
#[data]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Body {
    /// JSON
    Json {
        /// Value
        value: Value,
    },
    /// Text
    Text {
        /// Text
        text: String,
        /// Content type
        ///
        /// Such as `text/html`; plain text without one.
        content_type: Option<String>,
    },
}

impl Reply {
    /// The response, or what is wrong with the config.
    pub(super) fn to_response(&self) -> Result<Response, FieldError> {
        let status = StatusCode::from_u16(self.status)
            .map_err(|_| FieldError::new("A status is from 200 to 399; change it").at("status"))?;
        let mut response = Response::new(status);
        if let Some(body) = &self.body {
            if [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::NOT_MODIFIED].contains(&status)
            {
                let message = format!(
                    "An answer with {} has no body; remove it, or choose another status",
                    self.status
                );
                return Err(FieldError::new(message).at("body"));
            }
            response = body.add_to(response)?;
        }
        for (name, value) in &self.headers {
            let at = format!("headers.{name}");
            let parsed = name.parse::<HeaderName>().map_err(|_| {
                FieldError::new(format!("`{name}` is not the name of a header; change it")).at(&at)
            })?;
            if OF_THE_CONNECTION.contains(&parsed) {
                let message = format!("`{name}` follows from how the answer is sent; remove it");
                return Err(FieldError::new(message).at(at));
            }
            response = response.header(parsed, header_value(at, value)?);
        }
        Ok(response)
    }
}

impl Body {
    fn add_to(&self, response: Response) -> Result<Response, FieldError> {
        let (kind, body) = match self {
            Self::Json { value } => (HeaderValue::from_static("application/json"), value.to_string()),
            Self::Text { text, content_type } => {
                let kind = content_type.as_deref().unwrap_or("text/plain; charset=utf-8");
                (header_value("body.content_type", kind)?, text.clone())
            }
        };
        Ok(response.header(header::CONTENT_TYPE, kind).body(body))
    }
}

fn header_value(field: impl Into<String>, value: &str) -> Result<HeaderValue, FieldError> {
    value.parse().map_err(|_| {
        FieldError::new("The value of a header is one line of printable ASCII; change it").at(field)
    })
}
