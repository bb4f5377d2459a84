//! What a workflow takes that is started by hand or called: named inputs.

use std::collections::BTreeMap;

use stepwell::prelude::*;

/// Inputs by their names.
pub(super) type Inputs = BTreeMap<String, Input>;

/// An input.
#[data]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// Type
    r#type: InputType,
    /// Title
    ///
    /// What people see beside the field; without one its name.
    title: Option<String>,
    /// Required
    ///
    /// What is not required may be left out or be null.
    #[serde(default = "yes")]
    required: bool,
}

const fn yes() -> bool {
    true
}

/// The type of an input.
#[data]
#[serde(rename_all = "snake_case")]
enum InputType {
    /// Text
    Text,
    /// Number
    Number,
    /// True or false
    Boolean,
    /// List
    List,
    /// Object
    Object,
    /// Anything
    Any,
}
