//! Titles, descriptions, and the spelling of ids.

use super::Findings;

/// The longest title, in characters: more does not fit a palette.
const LONGEST_TITLE: usize = 60;

/// The longest description, in characters: more is documentation, and not read beside a form.
const LONGEST_DESCRIPTION: usize = 1000;

pub(super) fn check_title(found: &mut Findings, path: &str, title: &str) {
    if title.trim().is_empty() {
        found.add(path, "it is missing; the first line of the doc comment gives it");
    }
    check_length(found, path, title, LONGEST_TITLE);
}

pub(super) fn check_description(found: &mut Findings, path: &str, description: Option<&str>) {
    check_length(found, path, description.unwrap_or_default(), LONGEST_DESCRIPTION);
}

fn check_length(found: &mut Findings, path: &str, text: &str, most: usize) {
    let length = text.chars().count();
    if length > most {
        found.add(path, format!("it has {length} characters, at most {most} are allowed; shorten it"));
    }
}

pub(super) fn is_snake_case(id: &str) -> bool {
    is_separated_by(id, '_')
}

pub(super) fn is_kebab_case(id: &str) -> bool {
    is_separated_by(id, '-')
}

/// Words of lower-case letters and digits with one separator between them; the first begins with a letter.
fn is_separated_by(id: &str, separator: char) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.chars().all(|character| matches!(character, 'a'..='z' | '0'..='9'))
    };
    id.starts_with(|first: char| first.is_ascii_lowercase()) && id.split(separator).all(is_word)
}
