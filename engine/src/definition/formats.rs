//! Formats of texts in configs, judged as the types judge them that blocks read configs with.

use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value};
use stepwell::types::{Date, Decimal, Duration, EmailAddress, PhoneNumber, Timestamp, Url};

/// The least and the greatest number of a format, such as `uint32`, which a schema need not repeat.
pub(super) fn bounds(format: &str) -> Option<(Value, Value)> {
    Some(match format {
        "int8" => (i8::MIN.into(), i8::MAX.into()),
        "int16" => (i16::MIN.into(), i16::MAX.into()),
        "int32" => (i32::MIN.into(), i32::MAX.into()),
        "int64" => (i64::MIN.into(), i64::MAX.into()),
        "uint8" => (0.into(), u8::MAX.into()),
        "uint16" => (0.into(), u16::MAX.into()),
        "uint32" => (0.into(), u32::MAX.into()),
        "uint64" => (0.into(), u64::MAX.into()),
        _ => return None,
    })
}

/// A schema whose numbers are bounded as their formats say.
fn bounded(schema: &Value) -> Value {
    match schema {
        Value::Array(items) => items.iter().map(bounded).collect(),
        Value::Object(fields) => {
            let mut bounded: Map<_, _> =
                fields.iter().map(|(name, value)| (name.clone(), self::bounded(value))).collect();
            if let Some((least, greatest)) = fields.get("format").and_then(Value::as_str).and_then(bounds) {
                bounded.entry("minimum").or_insert(least);
                bounded.entry("maximum").or_insert(greatest);
            }
            Value::Object(bounded)
        }
        other => other.clone(),
    }
}

/// A validator that judges formats as well. A format that nobody knows says nothing.
pub(super) fn validator(schema: &Value) -> Result<Validator, ValidationError<'static>> {
    jsonschema::options()
        .should_validate_formats(true)
        .should_ignore_unknown_formats(true)
        .with_format("date", |text| text.parse::<Date>().is_ok())
        .with_format("date-time", |text| text.parse::<Timestamp>().is_ok())
        .with_format("decimal", |text| text.parse::<Decimal>().is_ok())
        .with_format("duration", |text| text.parse::<Duration>().is_ok())
        .with_format("email", |text| text.parse::<EmailAddress>().is_ok())
        .with_format("hostname", |text| url::Host::parse(text).is_ok())
        .with_format("phone", |text| text.parse::<PhoneNumber>().is_ok())
        .with_format("uri", |text| text.parse::<Url>().is_ok())
        .build(&bounded(schema))
}

/// What a text of this format is, with an example.
pub(super) fn described(format: &str) -> Option<&'static str> {
    Some(match format {
        "date" => "a date, such as `2026-01-31`",
        "date-time" => "a time with its offset, such as `2026-01-31T12:00:00Z`",
        "decimal" => "a decimal number, such as `12.50`",
        "duration" => "a duration, such as `30s`, `1h 30m` or `7d`",
        "email" => "an email address, such as `ada@example.com`",
        "hostname" => "a domain, such as `example.com`",
        "phone" => "a phone number with its country code, such as `+49 30 123456`",
        "regex" => "a regular expression, such as `^v[0-9]+$`",
        "uri" => "a URL in full, such as `https://example.com/page`",
        "uuid" => "a UUID, such as `67e55044-10b1-426f-9247-bb680e5fe0c8`",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_bounded_by_their_formats() {
        let schema = json!({ "properties": {
            "small": { "type": "integer", "format": "uint8" }, "few": { "type": "integer", "format": "uint8", "maximum": 3 },
        } });
        let validator = validator(&schema).unwrap();
        for (value, fits) in [
            (json!({ "small": 255, "few": 3 }), true),
            (json!({ "small": 256 }), false),
            (json!({ "small": -1 }), false),
            (json!({ "few": 4 }), false),
        ] {
            assert_eq!(validator.is_valid(&value), fits, "{value}");
        }
    }

    #[test]
    fn formats_take_what_the_types_take() {
        for (format, right, wrong) in [
            ("date", &["2026-01-31"][..], &["2026-02-30", "soon", ""][..]),
            ("date-time", &["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5+02:00"], &["2026-01-31", "noon"]),
            ("decimal", &["12.50", "-1"], &["12,50", "x"]),
            ("duration", &["30s", "1h 30m", "7d", "P1DT12H"], &["30", "soon", ""]),
            ("email", &["ada@example.com"], &["ada", "ada@", "@example.com"]),
            ("hostname", &["example.com", "müller.example", "localhost"], &["", "a b"]),
            ("phone", &["+49 30 123456"], &["123", "x"]),
            ("regex", &["^v[0-9]+$"], &["[", "(a"]),
            (
                "uri",
                &["https://example.com/a?b#c", "https://müller.example", "s3://bucket/key"],
                &["example.com", "/a", "", "javascript:alert(1)", "file:///etc/passwd"],
            ),
            ("uuid", &["67e55044-10b1-426f-9247-bb680e5fe0c8"], &["67e55044"]),
            ("no-such-format", &["anything"], &[]),
        ] {
            let validator = validator(&json!({ "type": "string", "format": format })).unwrap();
            for text in right {
                assert!(validator.is_valid(&json!(text)), "{format}: {text}");
            }
            for text in wrong {
                assert!(!validator.is_valid(&json!(text)), "{format}: {text}");
                assert!(described(format).is_some(), "{format}");
            }
        }
    }
}
