//! Values that the engine stores for a block.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::ConfigField;

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

impl<T: ConfigField> ConfigField for Option<T> {}
impl<T: ConfigField> ConfigField for Vec<T> {}
impl<T: ConfigField> ConfigField for Box<T> {}
impl<T: ConfigField + Ord> ConfigField for BTreeSet<T> {}
impl<T: ConfigField + Eq + Hash, S: BuildHasher + Clone + Default + Send + 'static> ConfigField
    for HashSet<T, S>
{
}
impl<T: ConfigField> ConfigField for BTreeMap<String, T> {}
impl<T: ConfigField, S: BuildHasher + Clone + Default + Send + 'static> ConfigField
    for HashMap<String, T, S>
{
}
