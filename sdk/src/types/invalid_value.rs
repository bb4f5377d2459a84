//! Why a value was refused.

use std::borrow::Cow;
use std::fmt;

/// Why a value was refused: one sentence that says what is wrong and how to mend it.
///
/// The sentence never shows the value, which may be somebody's personal data.
///
/// ```
/// use stepwell::types::EmailAddress;
///
/// let error = "ada.example.com".parse::<EmailAddress>().unwrap_err();
/// assert_eq!(error.to_string(), "The email address has no `@`; write it like `name@example.com`");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidValue {
    sentence: Cow<'static, str>,
}

impl InvalidValue {
    pub(super) fn new(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self { sentence: sentence.into() }
    }
}

impl fmt::Display for InvalidValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.sentence)
    }
}

impl std::error::Error for InvalidValue {}
