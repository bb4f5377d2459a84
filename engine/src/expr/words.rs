//! The words of an expression, for what Jinja finds out only when it evaluates.

use super::filters;
use crate::definition::unknown;

/// What may stand before a bracket without being called.
const OPERATORS: [&str; 9] = ["and", "else", "false", "if", "in", "is", "none", "not", "or"];

/// Whether a name is a word of the language, so that no variable can have it.
pub(crate) fn is_word(name: &str) -> bool {
    name == "true" || OPERATORS.contains(&name)
}

/// A word, a sign or a quoted text of an expression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    /// Where it begins, in bytes.
    pub(super) at: usize,
}

impl Word<'_> {
    /// Whether it is a quoted text.
    pub(super) fn is_text(self) -> bool {
        self.text.starts_with(['\'', '"'])
    }

    /// The text within its quotes.
    fn quoted(self) -> Option<String> {
        let inner = self.text.strip_prefix(['\'', '"'])?;
        inner.strip_suffix(['\'', '"']).map(str::to_owned)
    }

    fn is_name(self) -> bool {
        self.text.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_')
    }
}

/// Splits an expression.
pub(super) fn words(source: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(first) = source[at..].chars().next() {
        let rest = &source[at..];
        let length = if matches!(first, '\'' | '"') {
            quoted(rest)
        } else {
            rest.find(|next: char| !next.is_alphanumeric() && next != '_').unwrap_or(rest.len())
        };
        let length = length.max(first.len_utf8());
        if !first.is_whitespace() {
            words.push(Word { text: &rest[..length], at });
        }
        at += length;
    }
    words
}

/// Whether an expression has the filter `default` or asks whether something is defined.
pub(super) fn copes_with_missing(source: &str) -> bool {
    let words: Vec<_> = words(source).into_iter().map(|word| word.text).collect();
    words.windows(2).any(|pair| matches!(pair, ["|", "default" | "d"] | ["is", "defined" | "undefined"]))
        || words.windows(3).any(|three| matches!(three, ["is", "not", "defined" | "undefined"]))
}

/// The first name of a filter, test or function that there is not: where it stands, in bytes, and what to do.
pub(super) fn stranger(source: &str) -> Option<(usize, String)> {
    let words = words(source);
    let word_at = |index: usize| words.get(index).map_or("", |word| word.text);
    let filter = |name: &str| {
        (!filters::names().any(|known| known == name)).then(|| unknown("filter", name, filters::names()))
    };
    let test = |name: &str| {
        let tests = filters::TESTS.into_iter();
        (!filters::TESTS.contains(&name)).then(|| unknown("test", name, tests))
    };
    words.iter().enumerate().find_map(|(index, word)| {
        let before = |back: usize| index.checked_sub(back).map_or("", word_at);
        let follows_is = before(2) != "." && before(1) == "is" || before(3) != "." && before(2) == "is" && before(1) == "not";
        let message = if before(1) == "|" {
            filter(word.text)
        } else if follows_is && word.is_name() && word.text != "not" {
            test(word.text)
        } else if before(1) == "(" && before(3) == "|" {
            let named = word.quoted()?;
            match before(2) {
                "map" if word_at(index + 1) != "=" => filter(&named),
                "select" | "reject" => test(&named),
                _ => None,
            }
        } else if before(1) == "," && before(3) == "(" && matches!(before(4), "selectattr" | "rejectattr") {
            test(&word.quoted()?)
        } else if word.is_name() && word_at(index + 1) == "(" && !OPERATORS.contains(&word.text) {
            Some(format!("There is no function `{}`; expressions have filters instead, such as `{{{{ name | upper }}}}`", word.text))
        } else {
            None
        };
        message.map(|message| (word.at, message))
    })
}

/// How many characters of an expression come before a variable that it reads.
pub(super) fn position(source: &str, variable: &str) -> usize {
    let words = words(source);
    let found = words.iter().enumerate().find(|(index, word)| {
        word.text == variable && index.checked_sub(1).is_none_or(|before| words[before].text != ".")
    });
    found.map_or(0, |(_, word)| source[..word.at].chars().count())
}

/// The names of an expression such as `trigger.labels[0]['name']`; `None` for any other.
pub(super) fn path(source: &str) -> Option<Vec<String>> {
    let words = words(source);
    let (first, mut rest) = words.split_first()?;
    let mut names = vec![first.is_name().then(|| first.text.to_owned())?];
    while !rest.is_empty() {
        let (name, after) = match rest {
            [dot, name, after @ ..] if dot.text == "." && name.is_name() => (name.text.to_owned(), after),
            [open, index, close, after @ ..] if open.text == "[" && close.text == "]" => {
                let number = || index.text.parse::<usize>().ok().map(|number| number.to_string());
                (index.quoted().filter(|name| !name.contains('\\')).or_else(number)?, after)
            }
            _ => return None,
        };
        names.push(name);
        rest = after;
    }
    Some(names)
}

/// How long the quoted text at the start is.
fn quoted(text: &str) -> usize {
    let mut characters = text.char_indices();
    let Some((_, quote)) = characters.next() else { return 0 };
    while let Some((index, character)) = characters.next() {
        match character {
            '\\' => {
                characters.next();
            }
            _ if character == quote => return index + quote.len_utf8(),
            _ => {}
        }
    }
    text.len()
}
