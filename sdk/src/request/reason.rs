//! Why a value does not fit, without the value.

/// What serde's message says of kinds and expectations. It quotes the value that it found, and what a type of someone
/// else's says may quote anything; neither belongs into an answer that may be stored.
pub(super) fn without_values(message: &str) -> String {
    known(message).unwrap_or_else(|| "invalid value".into())
}

/// The message, if it is of a form that serde itself gives.
fn known(message: &str) -> Option<String> {
    if SAFE.contains(&message) || message.starts_with("data did not match any variant of untagged enum ") {
        return Some(message.to_owned());
    }
    for subject in ["missing field `", "duplicate field `"] {
        if message.strip_prefix(subject).is_some_and(|name| name.find('`') == Some(name.len() - 1)) {
            return Some(message.to_owned());
        }
    }
    // The last one, because the value may hold the same words.
    let (found, expected) = message.rsplit_once(", expected ")?;
    let (problem, found) =
        PROBLEMS.iter().find_map(|problem| Some((*problem, found.strip_prefix(problem)?)))?;
    let found = match problem {
        "invalid length" => found
            .strip_prefix(' ')
            .filter(|length| length.parse::<usize>().is_ok())
            .map(|length| format!(" {length}")),
        "invalid type" | "invalid value" => {
            found.strip_prefix(": ").and_then(kind).map(|kind| format!(": {kind}"))
        }
        _ => None,
    };
    Some(format!("{problem}{}, expected {expected}", found.unwrap_or_default()))
}

/// What was found, without its value.
fn kind(found: &str) -> Option<&'static str> {
    KINDS
        .into_iter()
        .find(|kind| found.strip_prefix(kind).is_some_and(|rest| rest.is_empty() || rest.starts_with([' '])))
}

/// How serde's messages with an expectation begin.
const PROBLEMS: [&str; 5] =
    ["invalid type", "invalid value", "invalid length", "unknown variant", "unknown field"];

/// What serde calls that which it found. Some are followed by the value.
const KINDS: [&str; 18] = [
    "boolean",
    "integer",
    "floating point",
    "number",
    "character",
    "string",
    "byte array",
    "null",
    "unit value",
    "Option value",
    "newtype struct",
    "sequence",
    "map",
    "enum",
    "unit variant",
    "newtype variant",
    "tuple variant",
    "struct variant",
];

/// Messages of the standard library's parsers, which read the values of forms. They quote nothing.
const SAFE: [&str; 9] = [
    "invalid digit found in string",
    "cannot parse integer from empty string",
    "number too large to fit in target type",
    "number too small to fit in target type",
    "number would be zero for non-zero type",
    "invalid float literal",
    "cannot parse float from empty string",
    "provided string was not `true` or `false`",
    "too many characters in string",
];

#[cfg(test)]
mod tests {
    use super::without_values;

    #[test]
    fn a_value_is_left_out_whatever_it_holds() {
        for (message, reason) in [
            (r#"invalid type: string "a, expected b", expected u64"#, "invalid type: string, expected u64"),
            ("invalid value: integer `300`, expected u8", "invalid value: integer, expected u8"),
            ("invalid type: boolean `true`, expected a string", "invalid type: boolean, expected a string"),
            ("invalid type: null, expected a map", "invalid type: null, expected a map"),
            ("invalid value: of its own words, expected a day", "invalid value, expected a day"),
            ("invalid value: strings of it, expected a day", "invalid value, expected a day"),
            ("invalid length 3, expected a tuple of size 2", "invalid length 3, expected a tuple of size 2"),
            ("invalid length of x, expected 2", "invalid length, expected 2"),
            ("unknown variant `x`, expected `a` or `b`", "unknown variant, expected `a` or `b`"),
            ("unknown field `x`, expected `y`, expected `a`", "unknown field, expected `a`"),
        ] {
            assert_eq!(without_values(message), reason);
        }
    }

    #[test]
    fn the_words_of_other_types_are_left_out() {
        for message in [
            "",
            "no day is called `Frunday`",
            "missing field `a`, but found `b`",
            "unknown field `x`, there are no fields",
            "an unknown problem, expected nothing",
        ] {
            assert_eq!(without_values(message), "invalid value", "{message}");
        }
    }

    #[test]
    fn what_quotes_nothing_stays() {
        for message in [
            "missing field `number`",
            "duplicate field `number`",
            "data did not match any variant of untagged enum Event",
            "invalid digit found in string",
        ] {
            assert_eq!(without_values(message), message);
        }
    }

    #[test]
    fn the_standard_librarys_words_are_known() {
        let reasons = [
            "x".parse::<u8>().unwrap_err().to_string(),
            "".parse::<u8>().unwrap_err().to_string(),
            "300".parse::<u8>().unwrap_err().to_string(),
            "-300".parse::<i8>().unwrap_err().to_string(),
            "x".parse::<f64>().unwrap_err().to_string(),
            "".parse::<f64>().unwrap_err().to_string(),
            "x".parse::<bool>().unwrap_err().to_string(),
        ];
        for reason in reasons {
            assert_eq!(without_values(&reason), reason);
        }
    }
}
