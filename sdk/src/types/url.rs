//! The address of something on a network.

use std::fmt;
use std::ops::Deref;

use super::InvalidValue;
use super::text::text_type;

/// An absolute URL with a host, such as `https://example.com/path?query`.
///
/// Follows the WHATWG URL Standard, which also normalises: the scheme and the host are in lower case, the host in
/// Punycode, the path without `..`, a port that the scheme implies is left out, and what must be escaped is. It has
/// at most 8,000 bytes, which RFC 9110, 4.1 asks every recipient to take. URLs without a host, such as
/// `mailto:ada@example.com` or `javascript:…`, are refused.
///
/// A `Url` derefs to a [`url::Url`].
///
/// ```
/// use stepwell::types::Url;
///
/// let url: Url = "HTTPS://Example.com:443/a/../b c?d=1".parse()?;
/// assert_eq!(url.as_str(), "https://example.com/b%20c?d=1");
/// assert_eq!((url.host_str(), url.path()), (Some("example.com"), "/b%20c"));
/// # Ok::<(), stepwell::types::InvalidValue>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Url(url::Url);

/// RFC 9110, 4.1.
const LONGEST: usize = 8_000;

text_type!(Url, { "format": "uri", "x-stepwell-widget": "url" });

impl Url {
    /// The normalised text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    fn parse(text: &str) -> Result<Self, InvalidValue> {
        if text.is_empty() {
            return Err(InvalidValue::new("The URL is empty; write one such as `https://example.com`"));
        }
        let url = url::Url::parse(text).map_err(|error| {
            InvalidValue::new(match error {
                url::ParseError::RelativeUrlWithoutBase => {
                    "The URL has no scheme; write it in full, such as `https://example.com`".to_owned()
                }
                error => {
                    format!("The URL is not well-formed ({error}); check it, or copy it from the browser")
                }
            })
        })?;
        Self::try_from(url)
    }
}

impl TryFrom<url::Url> for Url {
    type Error = InvalidValue;

    fn try_from(url: url::Url) -> Result<Self, Self::Error> {
        if !url.has_host() || url.host_str() == Some("") {
            return Err(InvalidValue::new(
                "The URL names no host; write it in full, such as `https://example.com`",
            ));
        }
        if url.as_str().len() > LONGEST {
            return Err(InvalidValue::new("The URL is longer than 8000 characters; shorten it"));
        }
        Ok(Self(url))
    }
}

impl From<Url> for url::Url {
    fn from(url: Url) -> Self {
        url.0
    }
}

impl Deref for Url {
    type Target = url::Url;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl AsRef<str> for Url {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Url").field(&self.as_str()).finish()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_forms_are_normalised() {
        for (text, normal) in [
            ("https://example.com", "https://example.com/"),
            (" HTTP://Bücher.Example:80/ä ", "http://xn--bcher-kva.example/%C3%A4"),
            ("https://ada@example.com:8443/?q=1#part", "https://ada@example.com:8443/?q=1#part"),
            ("s3://bucket/key", "s3://bucket/key"),
            ("http://localhost:3000", "http://localhost:3000/"),
        ] {
            assert_eq!(text.parse::<Url>().unwrap().as_str(), normal);
        }
        assert_eq!(format!("{:?}", "s3://bucket".parse::<Url>().unwrap()), r#"Url("s3://bucket")"#);
    }

    #[test]
    fn refused_forms_say_how_to_mend_them() {
        let no_host = "The URL names no host; write it in full, such as `https://example.com`";
        let long = format!("https://example.com/{}", "a".repeat(8_000));
        for (text, sentence) in [
            ("", "The URL is empty; write one such as `https://example.com`"),
            ("example.com/path", "The URL has no scheme; write it in full, such as `https://example.com`"),
            ("localhost:3000", no_host),
            ("javascript:alert(1)", no_host),
            ("mailto:ada@example.com", no_host),
            ("file:///etc/passwd", no_host),
            ("https://", "The URL is not well-formed (empty host); check it, or copy it from the browser"),
            (
                "https://example.com:99999",
                "The URL is not well-formed (invalid port number); check it, or copy it from the browser",
            ),
            (&long, "The URL is longer than 8000 characters; shorten it"),
        ] {
            assert_eq!(text.parse::<Url>().unwrap_err().to_string(), sentence, "{text}");
        }
    }
}
