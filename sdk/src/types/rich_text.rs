//! Formatted text.

use super::InvalidValue;
use super::text::{string_type, text_type};

/// Formatted text, as Markdown (CommonMark): the body of a mail, a comment.
///
/// It has at most 100,000 characters; its lines end with `\n`, and white space around it is dropped. Markdown is text
/// that somebody wrote: what turns it into HTML has to leave out raw HTML and unsafe links.
///
/// ```
/// use stepwell::types::RichText;
///
/// let text: RichText = "Dear **Ada**,\r\nthank you.\n".parse()?;
/// assert_eq!(text.as_str(), "Dear **Ada**,\nthank you.");
/// # Ok::<(), stepwell::types::InvalidValue>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RichText(String);

/// About forty printed pages: more than a person writes into a field.
const MOST_CHARACTERS: usize = 100_000;

string_type!(RichText);
text_type!(RichText, {
    "contentMediaType": "text/markdown",
    "maxLength": MOST_CHARACTERS,
    "x-stepwell-widget": "rich_text",
});

impl RichText {
    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn parse(text: &str) -> Result<Self, InvalidValue> {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        if text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\t')) {
            return Err(InvalidValue::new("The text has control characters; remove them"));
        }
        if text.chars().count() > MOST_CHARACTERS {
            return Err(InvalidValue::new("The text is longer than 100000 characters; shorten it"));
        }
        Ok(Self(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_forms_are_normalised() {
        for (text, normal) in [
            ("", ""),
            ("  # Title\r\n\r\n\tcode\rend \n", "# Title\n\n\tcode\nend"),
            ("<b>raw</b> 🎉", "<b>raw</b> 🎉"),
        ] {
            assert_eq!(text.parse::<RichText>().unwrap().as_str(), normal);
        }
        "ü".repeat(MOST_CHARACTERS).parse::<RichText>().unwrap();
    }

    #[test]
    fn refused_forms_say_how_to_mend_them() {
        let long = "a".repeat(MOST_CHARACTERS + 1);
        for (text, sentence) in [
            ("a\0b", "The text has control characters; remove them"),
            ("\u{1b}[31mred", "The text has control characters; remove them"),
            (&long, "The text is longer than 100000 characters; shorten it"),
        ] {
            assert_eq!(text.parse::<RichText>().unwrap_err().to_string(), sentence);
        }
    }
}
