//! Numbers.

use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, Error};

use super::refuse;

/// The most decimals that a number is written with.
const MOST_DECIMALS: usize = 20;

pub(super) fn install(environment: &mut Environment<'static>) {
    environment.add_filter("number", number);
    environment.add_filter("avg", average);
    environment.add_filter("format_number", format_number);
}

/// The number that a text holds.
fn number(value: &Value) -> Result<Value, Error> {
    if value.is_number() {
        return Ok(value.clone());
    }
    let text = value.as_str().map(str::trim).ok_or_else(|| refuse("Only a text becomes a number"))?;
    if let Ok(whole) = text.parse::<i64>() {
        return Ok(whole.into());
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number.into()),
        _ => Err(refuse("The text is not a number; write it like `1234.5`")),
    }
}

fn average(values: &Value) -> Result<f64, Error> {
    let mut sum = 0.0;
    let mut count = 0.0;
    for value in values.try_iter()? {
        sum += f64::try_from(value)?;
        count += 1.0;
    }
    if count == 0.0 { Err(refuse("An empty list has no average; use `default`")) } else { Ok(sum / count) }
}

/// A number as people write it: `decimals` (0), `thousands` (none) and `point` (`.`).
#[expect(clippy::needless_pass_by_value, reason = "the form of a filter")]
fn format_number(number: f64, options: Kwargs) -> Result<String, Error> {
    let decimals = options.get::<Option<usize>>("decimals")?.unwrap_or(0);
    let thousands = options.get::<Option<&str>>("thousands")?.unwrap_or("").to_owned();
    let point = options.get::<Option<&str>>("point")?.unwrap_or(".").to_owned();
    options.assert_all_used()?;
    if decimals > MOST_DECIMALS {
        return Err(refuse(format!("A number is written with at most {MOST_DECIMALS} decimals")));
    }
    let plain = format!("{:.decimals$}", number.abs());
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let mut written = if number < 0.0 && plain.bytes().any(|digit| (b'1'..=b'9').contains(&digit)) {
        "-".to_owned()
    } else {
        String::new()
    };
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            written.push_str(&thousands);
        }
        written.push(digit);
    }
    if !fraction.is_empty() {
        written.push_str(&point);
        written.push_str(fraction);
    }
    Ok(written)
}
