//! The variables that expressions see.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;

use minijinja::value::Serde;
use serde_json::{Map, Value};

/// Variables by name.
pub trait Variables {
    /// The variable with this name.
    fn get(&self, name: &str) -> Option<&Value>;
    /// All of them, as Jinja sees them.
    fn all(&self) -> minijinja::Value;
}

impl Variables for Map<String, Value> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.get(name)
    }

    fn all(&self) -> minijinja::Value {
        minijinja::Value::from(Serde(self))
    }
}

impl Variables for BTreeMap<&str, Cow<'_, Value>> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.get(name).map(AsRef::as_ref)
    }

    fn all(&self) -> minijinja::Value {
        minijinja::Value::from(Serde(self))
    }
}

/// The variables of a config. They are made ready for Jinja when the first expression needs it: a path such as
/// `trigger.issue.title` does not.
pub(super) struct Scope<'a> {
    variables: &'a dyn Variables,
    all: OnceCell<minijinja::Value>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(variables: &'a dyn Variables) -> Self {
        Self { variables, all: OnceCell::new() }
    }

    /// What stands at the end of a path of names.
    pub(super) fn at(&self, path: &[String]) -> Option<&'a Value> {
        let (variable, names) = path.split_first()?;
        names.iter().try_fold(self.variables.get(variable)?, |value, name| value.as_object()?.get(name))
    }

    pub(super) fn all(&self) -> minijinja::Value {
        self.all.get_or_init(|| self.variables.all()).clone()
    }
}
