//! The label suggestions: a handful of words, so that the demo needs no model.

/// A label, the words that suggest it, and how sure one word makes it, in percent.
const RULES: [(&str, &[&str], u8); 3] = [
    ("documentation", &["readme", "spelling", "typo", "docs", "documentation"], 92),
    ("bug", &["crash", "error", "panic", "fails", "broken", "bug"], 84),
    ("enhancement", &["feature", "support", "would be nice", "please add"], 71),
];

/// How sure the service is of no label at all, in percent.
const UNSURE: u8 = 10;

/// The label that fits the text best, and how sure that is from 0 to 1.
pub(super) fn suggest(title: &str, body: &str) -> (Option<&'static str>, f64) {
    let text = format!("{title}\n{body}").to_lowercase();
    let fitting = RULES.iter().find(|(_, words, _)| words.iter().any(|word| text.contains(word)));
    match fitting {
        Some((label, _, percent)) => (Some(label), f64::from(*percent) / 100.0),
        None => (None, f64::from(UNSURE) / 100.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_suggest_labels() {
        assert_eq!(suggest("Spelling error in the README file", "").0, Some("documentation"));
        assert_eq!(suggest("It is slow", "and then it crashes").0, Some("bug"));
        assert_eq!(suggest("Hello", "world").0, None);
    }
}
