//! Numbers and strings compared.

use serde_json::Value;

use super::alternatives::Alternative;
use super::{Comparison, Finding, Sides};

/// The formats of numbers that derived schemas use, with their least and greatest values.
#[expect(clippy::cast_precision_loss, reason = "bounds are compared with each other in the same precision")]
const NUMERIC_FORMATS: [(&str, f64, f64); 14] = [
    ("int8", i8::MIN as f64, i8::MAX as f64),
    ("int16", i16::MIN as f64, i16::MAX as f64),
    ("int32", i32::MIN as f64, i32::MAX as f64),
    ("int64", i64::MIN as f64, i64::MAX as f64),
    ("int128", i128::MIN as f64, i128::MAX as f64),
    ("int", i64::MIN as f64, i64::MAX as f64),
    ("uint8", 0.0, u8::MAX as f64),
    ("uint16", 0.0, u16::MAX as f64),
    ("uint32", 0.0, u32::MAX as f64),
    ("uint64", 0.0, u64::MAX as f64),
    ("uint128", 0.0, u128::MAX as f64),
    ("uint", 0.0, u64::MAX as f64),
    ("float", f32::MIN as f64, f32::MAX as f64),
    ("double", f64::MIN, f64::MAX),
];

pub(super) fn is_numeric_format(name: &str) -> bool {
    NUMERIC_FORMATS.iter().any(|(format, ..)| *format == name)
}

impl Comparison<'_> {
    pub(super) fn numbers(&self, path: &str, value: &Alternative, accepting: &Alternative) -> Vec<Finding> {
        let mut findings = Vec::new();
        if !Range::of(accepting).contains(&Range::of(value)) {
            let Sides { old, new } = self.by_time(value, accepting);
            findings.push(Finding::breaks(path, format!("its range was {}, now {}", range(old), range(new))));
        }
        let step = |one: &Alternative| one.get("multipleOf").and_then(Value::as_f64);
        let fits = match (step(value), step(accepting)) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(value), Some(accepting)) => (value / accepting).fract() == 0.0,
        };
        if !fits {
            findings.push(self.changed(path, "multipleOf", value, accepting));
        }
        findings
    }

    pub(super) fn strings(&self, path: &str, value: &Alternative, accepting: &Alternative) -> Vec<Finding> {
        let mut findings = self.sizes(path, ["minLength", "maxLength"], value, accepting);
        // Whether one pattern or format includes another is not decided here: every other one counts as narrower.
        for keyword in ["pattern", "format"] {
            if accepting.get(keyword).is_some() && accepting.get(keyword) != value.get(keyword) {
                findings.push(self.changed(path, keyword, value, accepting));
            }
        }
        findings
    }

    /// Bounds of a size: of a string, an array, or an object.
    pub(super) fn sizes(
        &self,
        path: &str,
        [least, most]: [&str; 2],
        value: &Alternative,
        accepting: &Alternative,
    ) -> Vec<Finding> {
        let size = |one: &Alternative, keyword| one.get(keyword).and_then(Value::as_u64);
        let mut findings = Vec::new();
        if size(accepting, least).unwrap_or(0) > size(value, least).unwrap_or(0) {
            findings.push(self.changed(path, least, value, accepting));
        }
        if size(accepting, most).unwrap_or(u64::MAX) < size(value, most).unwrap_or(u64::MAX) {
            findings.push(self.changed(path, most, value, accepting));
        }
        findings
    }

    pub(super) fn changed(
        &self,
        path: &str,
        keyword: &str,
        value: &Alternative,
        accepting: &Alternative,
    ) -> Finding {
        let name = |one: &Alternative| one.get(keyword).map_or_else(|| "none".to_owned(), Value::to_string);
        let Sides { old, new } = self.by_time(name(value), name(accepting));
        Finding::breaks(path, format!("`{keyword}` was {old}, now {new}"))
    }
}

/// The numbers between two bounds.
struct Range {
    least: f64,
    excludes_least: bool,
    greatest: f64,
    excludes_greatest: bool,
}

impl Range {
    fn of(number: &Alternative) -> Self {
        let bound = |keyword| number.get(keyword).and_then(Value::as_f64);
        let format = number.get("format").and_then(Value::as_str);
        let (least, greatest) = NUMERIC_FORMATS
            .iter()
            .find(|(name, ..)| Some(*name) == format)
            .map_or((f64::NEG_INFINITY, f64::INFINITY), |(_, least, greatest)| (*least, *greatest));
        let least = bound("minimum").map_or(least, |bound| bound.max(least));
        let greatest = bound("maximum").map_or(greatest, |bound| bound.min(greatest));
        let mut range = Self { least, excludes_least: false, greatest, excludes_greatest: false };
        if let Some(bound) = bound("exclusiveMinimum").filter(|bound| *bound >= least) {
            (range.least, range.excludes_least) = (bound, true);
        }
        if let Some(bound) = bound("exclusiveMaximum").filter(|bound| *bound <= greatest) {
            (range.greatest, range.excludes_greatest) = (bound, true);
        }
        range
    }

    fn contains(&self, other: &Self) -> bool {
        let below = other.least > self.least
            || (other.least >= self.least && (other.excludes_least || !self.excludes_least));
        let above = other.greatest < self.greatest
            || (other.greatest <= self.greatest && (other.excludes_greatest || !self.excludes_greatest));
        below && above
    }
}

/// What bounds a number, as a person reads it.
fn range(number: &Alternative) -> String {
    let words = [
        ("format", ""),
        ("minimum", "from "),
        ("exclusiveMinimum", "above "),
        ("maximum", "to "),
        ("exclusiveMaximum", "below "),
    ];
    let said: Vec<_> = words
        .iter()
        .filter_map(|(keyword, word)| {
            let bound = number.get(keyword)?;
            Some(format!("{word}{}", bound.as_str().map_or_else(|| bound.to_string(), str::to_owned)))
        })
        .collect();
    if said.is_empty() { "unbounded".to_owned() } else { said.join(" ") }
}
