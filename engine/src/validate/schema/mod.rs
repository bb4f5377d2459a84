//! Two versions of a JSON schema compared: does what relies on the old one still work with the new one?
//!
//! The vocabulary is that of derived schemas. What lies outside of it and has changed is reported as a change that
//! cannot be compared, never passed over.

mod alternatives;
mod arrays;
mod merge;
mod objects;
mod scalars;
#[cfg(test)]
mod tests;
mod unions;
mod variants;

use serde_json::Value;

use alternatives::alternatives;
pub(super) use objects::below;

/// How deeply values may nest before a comparison gives up. Checked schemas nest less; a lock file may hold anything.
const DEEPEST_COMPARISON: usize = 64;

/// What relies on a schema, and so in which direction it may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reliance {
    /// Values are stored that fit the old schema: the new one must accept them.
    Stored,
    /// Values are read as the old schema promises: those that the new one allows must keep to it.
    Read,
}

/// One change of a schema that matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// Where, such as `config.address.street`.
    pub(super) path: String,
    /// What has changed, such as `its type was string, now integer`.
    pub(super) change: String,
    /// Whether it breaks something.
    pub(super) weight: Weight,
}

/// How much a change matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// What relies on the schema may stop working.
    Break,
    /// Everything goes on working, perhaps in another way.
    Notice,
}

/// What matters in the change from the old schema to the new one.
pub(super) fn compare(reliance: Reliance, path: &str, old: &Value, new: &Value) -> Vec<Finding> {
    let same_definitions =
        ["$defs", "definitions"].iter().all(|keyword| old.get(keyword) == new.get(keyword));
    Comparison { reliance, roots: Sides { old, new }, same_definitions, open: Vec::new() }
        .schemas(path, old, new)
}

impl Finding {
    fn breaks(path: &str, change: impl Into<String>) -> Self {
        Self { path: path.to_owned(), change: change.into(), weight: Weight::Break }
    }

    fn notice(path: &str, change: impl Into<String>) -> Self {
        Self { path: path.to_owned(), change: change.into(), weight: Weight::Notice }
    }
}

/// A comparison under way.
struct Comparison<'a> {
    reliance: Reliance,
    /// The whole schemas, to which references point.
    roots: Sides<&'a Value>,
    same_definitions: bool,
    /// The pairs whose comparison has begun and not ended: a recursive type comes back to them.
    open: Vec<Sides<Value>>,
}

/// Something of the old and of the new schema.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sides<T> {
    old: T,
    new: T,
}

impl Comparison<'_> {
    fn schemas(&mut self, path: &str, old: &Value, new: &Value) -> Vec<Finding> {
        let same = old == new && self.same_definitions;
        if same || self.open.iter().any(|open| open.old == *old && open.new == *new) {
            return Vec::new();
        }
        if self.open.len() >= DEEPEST_COMPARISON {
            return vec![Finding::breaks(path, "it is nested too deeply and cannot be compared")];
        }
        self.open.push(Sides { old: old.clone(), new: new.clone() });
        let findings = match (alternatives(old, self.roots.old), alternatives(new, self.roots.new)) {
            (Ok(old), Ok(new)) => self.unions(path, &old, &new),
            (Err(why), _) | (_, Err(why)) => {
                vec![Finding::breaks(path, format!("{why}, so that it cannot be compared"))]
            }
        };
        self.open.pop();
        findings
    }

    /// The side whose values must all be accepted, then the side that must accept them.
    fn ordered<T>(&self, old: T, new: T) -> (T, T) {
        match self.reliance {
            Reliance::Stored => (old, new),
            Reliance::Read => (new, old),
        }
    }

    /// Two sides in the order of time, from the order of [`ordered`](Self::ordered), which is its own inverse.
    fn by_time<T>(&self, values: T, accepting: T) -> Sides<T> {
        let (old, new) = self.ordered(values, accepting);
        Sides { old, new }
    }
}
