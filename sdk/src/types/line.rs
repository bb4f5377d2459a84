//! One line of text.

use super::InvalidValue;

/// The text without white space around it and with single spaces within, or `None` if that is empty.
///
/// `name` begins the sentence about what is wrong: `The city`.
pub(super) fn line(
    name: &str,
    text: Option<&str>,
    most_characters: usize,
) -> Result<Option<String>, InvalidValue> {
    let words: Vec<&str> = text.unwrap_or_default().split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().any(char::is_control) {
        return Err(InvalidValue::new(format!("{name} has control characters; remove them")));
    }
    if line.chars().count() > most_characters {
        return Err(InvalidValue::new(format!(
            "{name} is longer than {most_characters} characters; shorten it"
        )));
    }
    Ok((!line.is_empty()).then_some(line))
}
