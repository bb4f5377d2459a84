//! Texts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::{Environment, Error};
use sha2::{Digest as _, Sha256};

use super::refuse;

pub(super) fn install(environment: &mut Environment<'static>) {
    environment.add_filter("starts_with", |text: &str, start: &str| text.starts_with(start));
    environment.add_filter("ends_with", |text: &str, end: &str| text.ends_with(end));
    environment.add_filter("slug", slug);
    environment.add_filter("truncate", truncate);
    environment.add_filter("urldecode", url_decode);
    environment.add_filter("base64_encode", |text: &str| STANDARD.encode(text));
    environment.add_filter("base64_decode", base64_decode);
    environment.add_filter("sha256", sha256);
}

/// The letters and digits in lower case, with `-` for what is between them.
fn slug(text: &str) -> String {
    let words = text.split(|next: char| !next.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

/// At most so many characters, the end included where something is cut off.
fn truncate(text: &str, length: usize, end: Option<&str>) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    let end: Vec<char> = end.unwrap_or("…").chars().take(length).collect();
    text.chars().take(length - end.len()).chain(end.iter().copied()).collect()
}

fn url_decode(text: &str) -> Result<String, Error> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    Ok(decoded.map_err(|_| refuse("What the text encodes is not UTF-8"))?.into_owned())
}

fn base64_decode(text: &str) -> Result<String, Error> {
    let bytes = STANDARD.decode(text).map_err(|error| refuse(format!("The text is not Base64: {error}")))?;
    String::from_utf8(bytes).map_err(|_| refuse("What the text encodes is not UTF-8"))
}

/// The SHA-256 of a text, in hexadecimal digits.
fn sha256(text: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
