//! How an expansion looks for configs within a field whose type need not be one of a config.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::Index;

use crate::config::{Checks, ConfigField};

/// A type that a field names. `(&&Type::<T>::new()).checks(…)` takes the first of these traits that `T` meets.
pub struct Type<T>(PhantomData<T>);

impl<T> Type<T> {
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Default for Type<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Types that may hold configs.
pub trait HoldsConfigs {
    fn checks<'v>(&self, value: &'v Value, found: &mut Vec<Checks<'v>>);
}

impl<T: ConfigField> HoldsConfigs for &Type<T> {
    fn checks<'v>(&self, value: &'v Value, found: &mut Vec<Checks<'v>>) {
        T::checks_within(value, found);
    }
}

/// All others.
pub trait HoldsNone {
    fn checks<'v>(&self, _: &'v Value, _: &mut Vec<Checks<'v>>) {}
}

impl<T> HoldsNone for Type<T> {}

/// Adds what `look` adds for what lies in a value at a name or an index.
pub fn at<'v, I: Index + ToString + ?Sized>(
    value: &'v Value,
    name: &I,
    found: &mut Vec<Checks<'v>>,
    look: impl FnOnce(&'v Value, &mut Vec<Checks<'v>>),
) {
    if let Some(part) = value.get(name) {
        Checks::add_at(part, name, found, look);
    }
}

/// Whether a value is tagged as one of these variants.
pub fn is_tagged(value: &Value, tag: &str, names: &[&str]) -> bool {
    value.get(tag).and_then(Value::as_str).is_some_and(|tag| names.contains(&tag))
}

/// A value as its type, where it is one.
pub fn parse<T: DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}
