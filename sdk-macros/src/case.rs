//! Names in the cases that ids, types and titles are written in.

/// The words of a name in any case: `findEmail`, `FindEmail`, `find_email` and `find-email` have the same two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let characters: Vec<char> = name.chars().collect();
    for (index, &character) in characters.iter().enumerate() {
        if !character.is_alphanumeric() {
            words.push(String::new());
            continue;
        }
        let after_lower =
            index > 0 && (characters[index - 1].is_lowercase() || characters[index - 1].is_numeric());
        let before_lower = characters.get(index + 1).is_some_and(|next| next.is_lowercase());
        let after_letter = index > 0 && characters[index - 1].is_alphabetic();
        if character.is_uppercase() && (after_lower || (after_letter && before_lower)) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(character.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// `find_email`.
pub(crate) fn snake(name: &str) -> String {
    words(name).join("_")
}

/// `find-email`.
pub(crate) fn kebab(name: &str) -> String {
    words(name).join("-")
}

/// `FindEmail`.
pub(crate) fn pascal(name: &str) -> String {
    words(name).iter().map(|word| capitalised(word)).collect()
}

/// `Find email`.
pub(crate) fn title(name: &str) -> String {
    capitalised(&words(name).join(" "))
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// Whether this is lower-case words of ASCII letters and digits with this separator between them, the first
/// starting with a letter.
pub(crate) fn is_separated_by(name: &str, separator: char) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.split(separator).all(|word| {
            !word.is_empty()
                && word.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_in_every_case() {
        for name in ["find_email", "FindEmail", "findEmail", "find-email"] {
            assert_eq!(snake(name), "find_email");
            assert_eq!(kebab(name), "find-email");
            assert_eq!(pascal(name), "FindEmail");
            assert_eq!(title(name), "Find email");
        }
    }

    #[test]
    fn acronyms_and_digits_stay_together() {
        assert_eq!(snake("HTTPError"), "http_error");
        assert_eq!(snake("Found2Emails"), "found2_emails");
    }

    #[test]
    fn ids_are_lower_case_words() {
        assert!(is_separated_by("not_found", '_'));
        for name in ["NotFound", "not__found", "_found", "2_found", "not-found", ""] {
            assert!(!is_separated_by(name, '_'), "{name}");
        }
    }
}
