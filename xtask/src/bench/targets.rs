//! What is aimed at.

use super::report::short;

/// A bound of a figure.
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}
use Bound::{AtLeast, AtMost};

/// The figures with a target, on SQLite and on PostgreSQL.
const TARGETS: [(&str, Option<Bound>, Option<Bound>); 18] = [
    ("run3.64.rate", Some(AtLeast(10_000.0)), Some(AtLeast(3_000.0))),
    ("run3.64.rate_of_floor", Some(AtLeast(0.5)), None),
    ("run3.64.cpu_of_floor", Some(AtMost(4.0)), None),
    ("run3.1.p50", None, Some(AtMost(3.0))),
    ("run3.1.p50_of_floor", Some(AtMost(2.0)), None),
    ("defer.1.p50", Some(AtMost(1.0)), Some(AtMost(3.0))),
    ("defer.64.rate", Some(AtLeast(10_000.0)), Some(AtLeast(3_000.0))),
    ("defer.10000.resume_p50", Some(AtMost(1.0)), Some(AtMost(3.0))),
    ("defer.100000.resume_p50", Some(AtMost(1.0)), Some(AtMost(3.0))),
    ("defer.1000000.resume_p50", Some(AtMost(1.0)), Some(AtMost(3.0))),
    ("defer.idle.memory", Some(AtMost(40.0)), Some(AtMost(40.0))),
    ("defer.100000.memory_growth", Some(AtMost(10.0)), Some(AtMost(10.0))),
    ("defer.10000.disk", Some(AtMost(2_000.0)), Some(AtMost(3_000.0))),
    ("defer.100000.disk", Some(AtMost(2_000.0)), Some(AtMost(3_000.0))),
    ("defer.1000000.start", Some(AtMost(1_000.0)), Some(AtMost(1_000.0))),
    ("wide.last_of_first", Some(AtMost(1.5)), Some(AtMost(1.5))),
    ("start.binary", Some(AtMost(30.0)), None),
    ("start.listening", Some(AtMost(100.0)), None),
];

/// The target of a figure, and whether this value meets it.
pub(super) fn verdict(database: &str, name: &str, value: f64) -> Option<String> {
    let (_, sqlite, postgres) = TARGETS.iter().find(|(figure, ..)| *figure == name)?;
    let bound = if database == "sqlite" { sqlite } else { postgres }.as_ref()?;
    let (sign, limit, met) = match bound {
        AtLeast(limit) => ("≥", *limit, value >= *limit),
        AtMost(limit) => ("≤", *limit, value <= *limit),
    };
    Some(format!("{sign} {}{}", short(limit), if met { ", met" } else { ", **missed**" }))
}
