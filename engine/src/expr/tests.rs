//! The examples of the documentation, and what expressions are refused.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Template, filters, words};

/// The page with an example of everything: lines such as `'a' | upper → "A"` in blocks of `jinja`.
fn page() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/expressions.md")).unwrap()
}

/// The code blocks of a language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let open = format!("```{language}\n");
    page.split(&open).skip(1).map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn every_example_of_the_documentation_gives_what_it_says() {
    let page = page();
    let variables: Value = serde_json::from_str(&blocks(&page, "json")[0]).unwrap();
    let mut shown = BTreeSet::new();
    let mut wrong = Vec::new();
    for line in blocks(&page, "jinja").iter().flat_map(|block| block.lines()).filter(|line| !line.is_empty())
    {
        let (expression, expected) = line.split_once(" → ").expect(line);
        let expected: Value = serde_json::from_str(expected).expect(line);
        let words = words::words(expression);
        let of_filters = words.windows(2).filter(|pair| pair[0].text == "|" || pair[0].text == "is");
        shown.extend(of_filters.map(|pair| (pair[0].text == "|", pair[1].text.to_owned())));
        let resolved = Template::compile(&json!(format!("{{{{ {expression} }}}}")))
            .map_err(|problems| problems[0].message.clone())
            .and_then(|template| {
                template.resolve(variables.as_object().unwrap()).map_err(|problem| problem.message)
            });
        if resolved.as_ref() != Ok(&expected) {
            wrong.push(format!("{expression}\n    says {expected}\n    gives {resolved:?}"));
        }
    }
    let all = filters::names().map(|name| (true, name)).chain(filters::TESTS.map(|name| (false, name)));
    let missing: Vec<_> =
        all.filter(|(filter, name)| !shown.contains(&(*filter, (*name).to_owned()))).collect();
    assert!(wrong.is_empty() && missing.is_empty(), "{}\nwithout example: {missing:?}", wrong.join("\n"));
}

#[track_caller]
fn refused(expression: &str, words: &str) {
    let problems = Template::compile(&json!({ "field": expression })).err().expect(expression);
    assert_eq!(problems[0].path, "field");
    assert!(problems[0].message.contains(words), "{expression}: {}", problems[0].message);
}

#[test]
fn a_name_that_there_is_not_is_refused_before_it_is_evaluated() {
    refused("Hi {{ a | uper }}", "There is no filter `uper`; did you mean `upper`? (at character 11");
    refused("{{ a | map('lenght') }}", "did you mean `length`?");
    refused("{{ a is defind }}", "There is no test `defind`; did you mean `defined`?");
    refused("{{ a is not evn }}", "did you mean `even`?");
    refused("{{ a | select('evn') }}", "did you mean `even`?");
    refused("{{ a | selectattr('x', 'eqq') }}", "did you mean `eq`?");
    for function in ["range(9)", "debug()", "namespace()", "dict(a=1)", "a.items()", "now()", "env('HOME')"] {
        refused(&format!("{{{{ {function} }}}}"), "There is no function");
    }
    for filter in ["safe", "escape", "pprint", "random"] {
        refused(&format!("{{{{ a | {filter} }}}}"), "There is no filter");
    }
    let fine = "{{ (a.is | length) + a['map'] if (a in (1, 2)) else ('x | nothing') }}";
    assert!(Template::compile(&json!(fine)).is_ok());
}

#[test]
fn a_problem_says_where_in_the_field_it_is() {
    refused("äö {{ 1 + }}", "of the field");
    refused("{% include 'x' %}", "not supported");
}

#[test]
fn each_bound_has_its_own_error() {
    let variables = json!({ "list": vec!["x".repeat(1000); 10_000] });
    let fails = |expression: &str| {
        let template = Template::compile(&json!({ "f": expression })).unwrap();
        template.resolve(variables.as_object().unwrap()).unwrap_err()
    };
    let work = "{{ list | map('upper') | map('replace', 'X', 'yyyyyyyyyyyy') | list | length }}";
    assert!(fails(work).message.contains("more work"), "{}", fails(work).message);
    let long = "{{ list | join }}";
    assert!(fails(long).message.contains("longer than"), "{}", fails(long).message);
    let mixed = "{{ 'x' * 600000 }}{{ 'x' * 600000 }}";
    assert!(fails(mixed).message.contains("longer than"), "{}", fails(mixed).message);
    let deep = format!("{{{{ {}1{} }}}}", "(".repeat(10_000), ")".repeat(10_000));
    refused(&deep, "more than 500 words and signs");
    let nested = format!("{{{{ {}1{} }}}}", "[".repeat(200), "]".repeat(200));
    refused(&nested, "nested too deep");
    let texts = format!("{{{{ [{}] | length }}}}", vec!["'a'"; 400].join(", "));
    assert!(Template::compile(&json!({ "f": texts })).is_ok());
}
