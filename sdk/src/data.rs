//! Values that the engine stores for a block.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value that the engine stores for a block: a defer state, a registration, an outcome's data.
///
/// Put [`#[data]`](macro@crate::data) on your type; it derives what this needs. Numbers, strings, `()`, options and
/// vectors of data are data already.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored by the engine",
    label = "this type is not `#[data]`",
    note = "put `#[data]` on the type; it adds what storing it needs"
)]
pub trait Data: Serialize + DeserializeOwned + JsonSchema + Send + 'static {}

macro_rules! data {
    ($($type:ty),* $(,)?) => { $(impl Data for $type {})* };
}

data!((), bool, i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, String, serde_json::Value);

impl<T: Data> Data for Option<T> {}
impl<T: Data> Data for Vec<T> {}
impl<T: Data> Data for std::collections::BTreeMap<String, T> {}
