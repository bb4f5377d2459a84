//! Expressions in configs, with any variables.

use serde_json::{Map, Value};
use stepwell_engine::expr::Template;

use crate::values::Bytes;

/// The most that a config may become, in bytes.
const LONGEST: usize = 1024 * 1024;

const TOKENS: [&str; 64] = [
    "{{ ",
    " }}",
    "{{",
    "}}",
    "{% ",
    " %}",
    "{# ",
    " #}",
    "a",
    "b",
    ".",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    ",",
    ":",
    " ",
    "'x'",
    "\"",
    "'",
    "\\",
    "0",
    "1",
    "2",
    "9223372036854775807",
    "-",
    "1e308",
    "+",
    "*",
    "**",
    "/",
    "//",
    "%",
    "~",
    "==",
    "<",
    " in ",
    " not ",
    " and ",
    " if ",
    " else ",
    " is defined",
    "true",
    "none",
    "|keys",
    "|chunk(2)",
    "[0] * 999",
    "'x' * 999",
    "|length",
    "|join",
    "|list",
    "|map('string')",
    "|default('x')",
    "|replace('x', 'xx')",
    "|sort",
    "|sum",
    "|tojson",
    "|upper",
    "|batch(2)",
    "|format(1)",
    "|merge({'a': 1})",
];

fn resolve(config: &Value, variables: &Map<String, Value>) {
    let Ok(template) = Template::compile(config) else { return };
    let first = template.resolve(variables);
    if let Ok(value) = &first {
        let constant = config.to_string().len();
        assert!(value.to_string().len() <= LONGEST * 2 + constant, "the result is bounded");
        assert_eq!(serde_json::from_str::<Value>(&value.to_string()).unwrap(), *value, "it is JSON");
    }
    assert_eq!(first, template.resolve(variables), "it gives the same again");
}

#[test]
fn s9_any_expression_has_a_bounded_result_or_an_error() {
    bolero::check!().with_iterations(1_000).with_max_len(40).for_each(|input: &[u8]| {
        let mut bytes = Bytes::new(input);
        let mut variables = Map::new();
        variables.insert("a".to_owned(), bytes.value());
        variables.insert("b".to_owned(), bytes.value());
        let tokens = Bytes::new(input).tokens(&TOKENS);
        for text in [format!("{{{{ {tokens} }}}}"), format!("x {{{{ {tokens} }}}}"), tokens] {
            resolve(&Value::String(text), &variables);
        }
        resolve(&bytes.value(), &variables);
    });
}

#[test]
fn s9_nesting_in_an_expression_is_bounded() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{'a': ", "}"),
        ("-", ""),
        ("not ", ""),
        ("a if a else ", "a"),
        ("a ~ ", "a"),
        ("a.", "a"),
        ("a|", "length"),
    ] {
        for levels in [50, 150, 245, 490, 100_000] {
            let text = format!("{{{{ {}1{} }}}}", open.repeat(levels), close.repeat(levels));
            resolve(&Value::String(text), &Map::new());
        }
    }
}
