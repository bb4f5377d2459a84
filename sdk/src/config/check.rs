//! Rules of a config that its schema cannot say.

use std::borrow::Cow;

use serde_json::Value;

/// A rule about one field of a config, and others that it depends on: `check` of
/// [`#[config]`](macro@crate::config).
///
/// It is given these fields and nothing else, so that an engine judges by it as soon as they are known: on checking a
/// workflow where they are constants, and otherwise before `execute` is called.
#[derive(Debug, Clone, Copy)]
pub struct FieldCheck {
    /// The fields that it reads, first the one that it is about.
    pub reads: &'static [&'static str],
    /// Judges the config that they are fields of, as JSON. What does not have a field's type is the schema's to refuse, and passes.
    pub check: fn(&Value) -> Result<(), FieldError>,
}

/// What is wrong with a field: a sentence that says what it is and how to mend it.
///
/// The sentence should not show the value of a field that may be a secret. A text becomes one with `?` or `into()`.
///
/// ```
/// use stepwell::config::FieldError;
///
/// let error = FieldError::new("`time_zone` is not a time zone; use one like `Europe/Berlin`").at("time_zone");
/// assert_eq!(error.path(), "time_zone");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    path: String,
    message: Cow<'static, str>,
}

impl FieldError {
    /// The field itself is wrong.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self { path: String::new(), message: message.into() }
    }

    /// Something within the field is wrong, at a path such as `name` or `2.name`.
    #[must_use]
    pub fn at(self, path: impl Into<String>) -> Self {
        Self { path: path.into(), ..self }
    }

    /// The path within the field; empty for the field itself.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong, and what to do.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl From<&'static str> for FieldError {
    fn from(message: &'static str) -> Self {
        Self::new(message)
    }
}

impl From<String> for FieldError {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}
