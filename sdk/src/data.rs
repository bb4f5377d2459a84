//! Values that the engine stores for a block.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::config::{Checks, ConfigField};

/// A value that the engine stores for a block: a defer state, a registration, an outcome's data.
///
/// Put [`#[data]`](macro@crate::data) on your type; it derives what this needs. Numbers, strings, `()` and the
/// [types for fields](crate::types) are data already, and so are options, boxes, vectors, sets and maps of data.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored by the engine",
    label = "this type is not `#[data]`",
    note = "put `#[data]` on the type; it adds what storing it needs"
)]
pub trait Data: Serialize + DeserializeOwned + JsonSchema + Send + 'static {}

macro_rules! data {
    ($($type:ty),* $(,)?) => { $(
        impl Data for $type {}

        impl ConfigField for $type {}
    )* };
}

data!(
    (),
    bool,
    char,
    i8,
    i16,
    i32,
    i64,
    isize,
    u8,
    u16,
    u32,
    u64,
    usize,
    f32,
    f64,
    String,
    serde_json::Value
);

impl<T: Data> Data for Option<T> {}
impl<T: Data> Data for Vec<T> {}
impl<T: Data> Data for Box<T> {}
impl<T: Data + Ord> Data for BTreeSet<T> {}
impl<T: Data + Eq + Hash, S: BuildHasher + Default + Send + 'static> Data for HashSet<T, S> {}
impl<T: Data> Data for BTreeMap<String, T> {}
impl<T: Data, S: BuildHasher + Default + Send + 'static> Data for HashMap<String, T, S> {}

macro_rules! holds {
    ($($type:ty, [$($parameters:tt)*] => $within:expr;)*) => { $(
        impl<$($parameters)*> ConfigField for $type {
            fn checks_within<'v>(value: &'v Value, found: &mut Vec<Checks<'v>>) {
                $within(value, found);
            }
        }
    )* };
}

holds! {
    Option<T>, [T: ConfigField] => T::checks_within;
    Box<T>, [T: ConfigField] => T::checks_within;
    Vec<T>, [T: ConfigField] => Checks::add_items::<T>;
    BTreeSet<T>, [T: ConfigField + Ord] => Checks::add_items::<T>;
    HashSet<T, S>, [T: ConfigField + Eq + Hash, S: BuildHasher + Clone + Default + Send + 'static] => Checks::add_items::<T>;
    BTreeMap<String, T>, [T: ConfigField] => Checks::add_values::<T>;
    HashMap<String, T, S>, [T: ConfigField, S: BuildHasher + Clone + Default + Send + 'static] => Checks::add_values::<T>;
}
