//! The filters and tests of expressions: those of Jinja that are pure, and our own.
//!
//! All are functions of their arguments alone, so that an expression can be evaluated again. What is not listed here
//! is refused when a config is compiled. `docs/expressions.md` shows each with an example.

mod dates;
mod numbers;
mod objects;
mod text;

use minijinja::{Environment, Error, ErrorKind};

/// The filters that expressions have from Jinja.
const FROM_JINJA: [&str; 44] = [
    "abs",
    "attr",
    "batch",
    "bool",
    "capitalize",
    "chain",
    "d",
    "default",
    "dictsort",
    "first",
    "float",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "select",
    "selectattr",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "unique",
    "upper",
    "urlencode",
    "zip",
];

/// The filters that Stepwell adds.
const OURS: [&str; 28] = [
    "add_duration",
    "avg",
    "base64_decode",
    "base64_encode",
    "chunk",
    "contains",
    "difference",
    "end_of",
    "ends_with",
    "format_date",
    "format_number",
    "from_timestamp",
    "fromjson",
    "get",
    "in_timezone",
    "keys",
    "merge",
    "number",
    "parse_date",
    "sha256",
    "slug",
    "start_of",
    "starts_with",
    "subtract_duration",
    "timestamp",
    "truncate",
    "urldecode",
    "values",
];

/// The tests that expressions have, after `is` and as names for `select` and its kin.
pub(super) const TESTS: [&str; 26] = [
    "boolean",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "even",
    "false",
    "float",
    "ge",
    "gt",
    "in",
    "integer",
    "iterable",
    "le",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sequence",
    "startingwith",
    "string",
    "true",
    "undefined",
];

/// The names of all filters.
pub(super) fn names() -> impl Iterator<Item = &'static str> + Clone {
    FROM_JINJA.into_iter().chain(OURS)
}

/// Adds our filters, and takes away the functions: there are none.
pub(super) fn install(environment: &mut Environment<'static>) {
    let functions: Vec<String> = environment.globals().map(|(name, _)| name.to_owned()).collect();
    for function in functions {
        environment.remove_global(&function);
    }
    dates::install(environment);
    numbers::install(environment);
    objects::install(environment);
    text::install(environment);
}

/// An error in the words of a filter.
fn refuse(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}
