//! What a block bounds: how long a handler may take, `"500ms"`, `"10s"`, `"5m"`, `"1h"`, and how many attempts run at
//! once.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{LitInt, LitStr};

use crate::arguments::Arguments;
use crate::docs::optional_tokens;
use crate::mistakes::Mistakes;

/// The longest time limit of a handler.
const LONGEST: Duration = Duration::from_hours(24);

/// The most attempts of a block that it may let run at once.
const MOST_AT_ONCE: u32 = 10_000;

/// `concurrency = 4` as an expression of type `Option<u32>`.
pub(crate) fn concurrency(arguments: &mut Arguments, mistakes: &mut Mistakes) -> TokenStream {
    let number: Option<LitInt> = arguments.value("concurrency", "concurrency = 4", mistakes);
    let bound = number.and_then(|number| {
        if let Ok(bound @ 1..=MOST_AT_ONCE) = number.base10_parse() {
            Some(bound)
        } else {
            mistakes.at(
                number,
                "a block runs from 1 to 10000 attempts at once; to leave it unbounded, remove `concurrency`",
            );
            None
        }
    });
    optional_tokens(bound)
}

/// `time_limit = "10m"` as an expression of type `Option<Duration>`.
pub(crate) fn time_limit(arguments: &mut Arguments, mistakes: &mut Mistakes) -> TokenStream {
    let limit = arguments.text("time_limit", mistakes).and_then(|text| check(&text, mistakes));
    optional_tokens(limit.map(|limit| {
        let millis = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        quote!(::core::time::Duration::from_millis(#millis))
    }))
}

fn check(text: &LitStr, mistakes: &mut Mistakes) -> Option<Duration> {
    let Some(limit) = parse(&text.value()) else {
        let message = format!(
            "`{}` is not a time; write a number and a unit: `500ms`, `10s`, `5m`, `1h`",
            text.value()
        );
        mistakes.at(text, message);
        return None;
    };
    if limit.is_zero() || limit > LONGEST {
        mistakes.at(text, "a handler may take from 1 ms to 24 h; to wait longer, defer");
        return None;
    }
    Some(limit)
}

fn parse(text: &str) -> Option<Duration> {
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(millis).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit_are_a_time() {
        assert_eq!(parse("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(parse("10m"), Some(Duration::from_mins(10)));
        for wrong in ["", "10", "m", "10 m", "-1s", "1d", "99999999999999999999s"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
