//! Arrays and tuples compared.

use serde_json::Value;

use super::alternatives::Alternative;
use super::{Comparison, Finding, Sides, below};

impl Comparison<'_> {
    pub(super) fn arrays(
        &mut self,
        path: &str,
        value: &Alternative,
        accepting: &Alternative,
    ) -> Vec<Finding> {
        let mut findings = self.sizes(path, ["minItems", "maxItems"], value, accepting);
        let unique = |one: &Alternative| one.get("uniqueItems") == Some(&Value::Bool(true));
        if unique(accepting) && !unique(value) {
            findings.push(self.changed(path, "uniqueItems", value, accepting));
        }
        // Positions that the values never reach say nothing.
        let most = value.get("maxItems").and_then(Value::as_u64).unwrap_or(u64::MAX);
        let reached = |position: usize| u64::try_from(position).is_ok_and(|position| position < most);
        let positions = places(value).len().max(places(accepting).len());
        let Sides { old, new } = self.by_time(value, accepting);
        for position in (0..positions).filter(|position| reached(*position)) {
            let path = below(path, &format!("[{position}]"));
            findings.extend(self.schemas(&path, &item(old, position), &item(new, position)));
        }
        if reached(positions) {
            let path = below(path, "[]");
            findings.extend(self.schemas(&path, &item(old, positions), &item(new, positions)));
        }
        findings
    }
}

/// The schemas of the positions of a tuple.
fn places(array: &Alternative) -> &[Value] {
    array.get("prefixItems").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The schema of the item at a position.
fn item(array: &Alternative, position: usize) -> Value {
    let place = places(array).get(position).or_else(|| array.get("items"));
    place.cloned().unwrap_or(Value::Bool(true))
}
