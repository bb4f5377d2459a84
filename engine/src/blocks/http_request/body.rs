//! The bodies of requests and answers.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use stepwell::config::FieldError;
use stepwell::http_client::{HttpResponse, RequestBuilder};
use stepwell::prelude::*;

/// The body of a request.
#[data]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Body {
    /// JSON
    Json {
        /// Value
        value: Value,
    },
    /// Form
    Form {
        /// Fields
        fields: BTreeMap<String, String>,
    },
    /// Text
    Text {
        /// Text
        text: String,
        /// Content type
        content_type: Option<String>,
    },
    /// Bytes, such as those of a file
    Bytes {
        /// Base64
        base64: String,
        /// Content type
        content_type: Option<String>,
    },
}

impl Body {
    /// Whether the bytes of a body are written as they must be.
    pub(super) fn is_readable(body: Option<&Self>) -> Result<(), FieldError> {
        match body {
            Some(Self::Bytes { base64, .. }) => bytes(base64).map(drop),
            _ => Ok(()),
        }
    }

    /// The request with this body.
    pub(super) fn add_to(&self, request: RequestBuilder) -> Result<RequestBuilder, StepError> {
        Ok(match self {
            Self::Json { value } => request.json(value),
            Self::Form { fields } => {
                let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                request.header("content-type", "application/x-www-form-urlencoded").body(form)
            }
            Self::Text { text, content_type } => {
                let kind = content_type.as_deref().unwrap_or("text/plain; charset=utf-8");
                request.header("content-type", kind).body(text.clone())
            }
            Self::Bytes { base64, content_type } => {
                let bytes = bytes(base64).map_err(|error| StepError::permanent(error.message()))?;
                let kind = content_type.as_deref().unwrap_or("application/octet-stream");
                request.header("content-type", kind).body(bytes)
            }
        })
    }
}

fn bytes(base64: &str) -> Result<Vec<u8>, FieldError> {
    STANDARD.decode(base64).map_err(|error| {
        FieldError::new(format!(
            "This is not base64 (RFC 4648, with padding): {error}; encode the bytes again"
        ))
        .at("base64")
    })
}

/// What becomes of the body of an answer.
#[data]
#[serde(rename_all = "snake_case")]
pub(super) enum ReadAs {
    /// JSON where it is, otherwise text
    Auto,
    /// Text, also where it is JSON
    Text,
    /// Base64 of its bytes, such as those of a file
    Base64,
}

impl ReadAs {
    pub(super) fn body_of(&self, response: &HttpResponse) -> Value {
        let text = || Value::String(String::from_utf8_lossy(&response.body).into_owned());
        match self {
            _ if response.body.is_empty() => Value::Null,
            Self::Auto => serde_json::from_slice(&response.body).unwrap_or_else(|_| text()),
            Self::Text => text(),
            Self::Base64 => Value::String(STANDARD.encode(&response.body)),
        }
    }
}
