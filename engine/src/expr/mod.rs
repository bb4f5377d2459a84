//! Templates and expressions that map earlier outcomes into a step's config.
//!
//! A string that is one `{{ expression }}` keeps the expression's type; a string with expressions among text
//! becomes text; any other value stands for itself. Expressions are those of Jinja, without statements: they see
//! the variables that they are given and nothing else, and are bounded in time and output.

mod filters;
mod template;
#[cfg(test)]
mod tests;
mod text;
mod variables;
mod words;

pub use template::{ReadPath, Template, Use};
pub use variables::Variables;
pub(crate) use words::is_word;

use std::sync::LazyLock;

use minijinja::{Environment, UndefinedBehavior};

/// How much work one expression may do, in the engine's instructions. A filter over a list of 10,000 fits.
const FUEL: u64 = 1_000_000;
/// How deep calls within an expression may nest.
const RECURSION: usize = 50;
/// How many words and signs an expression may have, apart from quoted texts. Each may nest one level deeper, and a compiler
/// that follows them needs a stack that is deep enough.
const MOST_WORDS: usize = 500;
/// How long the config of a step may become, in bytes of JSON: the limit of a value.
const LONGEST_CONFIG: usize = 1024 * 1024;

/// The surroundings of expressions: what is undefined is an error wherever it is touched.
static STRICT: LazyLock<Environment<'static>> = LazyLock::new(|| environment(UndefinedBehavior::Strict));

/// The surroundings of expressions that say what to do where something is missing: they may look into it.
static LENIENT: LazyLock<Environment<'static>> = LazyLock::new(|| environment(UndefinedBehavior::Chainable));

fn environment(undefined: UndefinedBehavior) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(undefined);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(RECURSION);
    // Errors then know where they are.
    environment.set_debug(true);
    filters::install(&mut environment);
    environment
}

/// What is wrong with a config that becomes longer than [`LONGEST_CONFIG`].
fn too_long() -> String {
    format!("The config becomes longer than {LONGEST_CONFIG} bytes; pass less data")
}
