//! What the types that are one text in JSON have in common.

/// Implements parsing, JSON, the schema and [`Data`](crate::data::Data) for a type whose JSON is one text.
///
/// The type has a `parse(&str) -> Result<Self, InvalidValue>` and a `Display` that `parse` reads back. Text is
/// often pasted or comes out of a template, so that white space around it is dropped.
macro_rules! text_type {
    ($type:ident, { $($schema:tt)* }) => {
        impl std::str::FromStr for $type {
            type Err = $crate::types::InvalidValue;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text.trim())
            }
        }

        impl TryFrom<&str> for $type {
            type Error = $crate::types::InvalidValue;

            fn try_from(text: &str) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl TryFrom<String> for $type {
            type Error = $crate::types::InvalidValue;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $type {
            // An editor reads the widget beside the field's title, without following references.
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn schema_id() -> std::borrow::Cow<'static, str> {
                concat!(module_path!(), "::", stringify!($type)).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", $($schema)* })
            }
        }

        impl $crate::data::Data for $type {}

        impl $crate::config::ConfigField for $type {}
    };
}

/// Gives `as_str` and what goes with it to a text type that wraps a `String`.
macro_rules! string_type {
    ($type:ident) => {
        impl $type {
            /// The normalised text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The normalised text, owned.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                // `pad` heeds a width, which tables ask for.
                formatter.pad(&self.0)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.0
            }
        }
    };
}

pub(super) use {string_type, text_type};
