//! What a trigger's handler answered to the first event with a deduplication key, to and from the store. It is sealed,
//! since a handler may say to a sender what nobody else may know.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use stepwell::response::Response;

use super::Inner;
use super::answer::TriggerAnswer;
use crate::core::limits::{LARGEST_VALUE, TooMuch};
use crate::model::RunId;

/// A response as it is sealed. Values of headers and the body may be any bytes, so they are base64.
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// The stored form of an answer to an event that starts this run.
///
/// # Errors
///
/// When its headers and its body are larger than a value may be (o9).
pub(super) fn encode(inner: &Inner, run: RunId, response: &Response) -> Result<Vec<u8>, TooMuch> {
    let headers = response.headers();
    let of_headers: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let bytes = of_headers + response.bytes().len();
    if bytes > LARGEST_VALUE {
        return Err(TooMuch::Value { what: "the trigger's response", bytes });
    }
    let kept = Kept {
        status: response.status().as_u16(),
        headers: headers
            .iter()
            .map(|(name, value)| (name.to_string(), STANDARD.encode(value.as_bytes())))
            .collect(),
        body: STANDARD.encode(response.bytes()),
    };
    let kept = serde_json::to_vec(&kept).expect("a response is numbers and strings");
    Ok(inner.keys.seal(&purpose(run), &kept))
}

/// The answer to an event that comes again: what the first one was answered, which started this run.
pub(super) fn answer_again(inner: &Inner, run: RunId, answer: Option<&[u8]>) -> TriggerAnswer {
    match answer.map(|answer| decode(inner, run, answer)).transpose() {
        Ok(response) => TriggerAnswer::Duplicate(run, response),
        Err(message) => TriggerAnswer::Failed(message),
    }
}

fn decode(inner: &Inner, run: RunId, sealed: &[u8]) -> Result<Response, String> {
    let plain = inner.keys.unseal(&purpose(run), sealed).map_err(|error| error.to_string())?;
    read(&plain).ok_or_else(|| format!("the stored answer of run {run} is damaged"))
}

fn read(plain: &[u8]) -> Option<Response> {
    let Kept { status, headers, body } = serde_json::from_slice(plain).ok()?;
    let mut response = Response::new(StatusCode::from_u16(status).ok()?).body(STANDARD.decode(body).ok()?);
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = HeaderValue::from_bytes(&STANDARD.decode(value).ok()?).ok()?;
        response = response.header(name, value);
    }
    Some(response)
}

/// What the answer that started a run is sealed for.
fn purpose(run: RunId) -> String {
    format!("answer:{run}")
}
