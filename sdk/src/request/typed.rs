//! Bodies and queries as values of a type.

use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

use super::Rejected;
use super::reason::without_values;

/// The value that a JSON document holds.
pub(super) fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Rejected> {
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(value);
    }
    // It is read again to say where it does not fit, which takes longer.
    let malformed = |error| Rejected::bad_request(format!("the body is not the expected JSON: {error}"));
    let mut document = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut document).map_err(|error| {
        if error.inner().classify() != Category::Data {
            return malformed(error.into_inner());
        }
        let message = error.inner().to_string();
        let position = format!(" at line {} column {}", error.inner().line(), error.inner().column());
        misfit("body", error.path(), message.strip_suffix(&position).unwrap_or(&message))
    })?;
    document.end().map_err(malformed)?;
    Ok(value)
}

/// The value that the pairs of a form or of a query hold. `what` of the request they are goes into the error.
pub(super) fn from_form<T: DeserializeOwned>(what: &str, form: &[u8]) -> Result<T, Rejected> {
    let pairs = serde_html_form::Deserializer::from_bytes(form);
    serde_path_to_error::deserialize(pairs).map_err(|error| {
        let message = error.inner().to_string();
        misfit(
            what,
            error.path(),
            if message == SEVERAL { "invalid length, expected one value" } else { &message },
        )
    })
}

/// What `serde_html_form` says of several values for a field that takes one.
const SEVERAL: &str = "unsupported value";

fn misfit(what: &str, path: &Path, message: &str) -> Rejected {
    let reason = without_values(message);
    let place = place(path);
    Rejected::bad_request(if place.is_empty() {
        format!("the {what} does not fit: {reason}")
    } else {
        format!("the {what} does not fit: `{place}`: {reason}")
    })
}

/// Where in the document, such as `issue.labels[0].name`.
fn place(path: &Path) -> String {
    path.iter().fold(String::new(), |place, segment| {
        let name = match segment {
            Segment::Seq { index } => return format!("{place}[{index}]"),
            Segment::Map { key: name } | Segment::Enum { variant: name } if is_name(name) => name,
            _ => "?",
        };
        if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
    })
}

/// Whether a key looks like the name of a field. The keys of a map are data, such as addresses or titles.
fn is_name(key: &str) -> bool {
    const LONGEST: usize = 64;
    key.len() <= LONGEST
        && key.starts_with(|first: char| first.is_ascii_alphabetic() || "_$@".contains(first))
        && key[1..].bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}
