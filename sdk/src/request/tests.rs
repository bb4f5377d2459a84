use std::collections::HashMap;
use std::fmt::Debug;

use http::{Method, StatusCode, header};
use serde::Deserialize;

use super::*;

#[derive(Debug, PartialEq, Deserialize)]
struct Event {
    issue: Issue,
    #[serde(default)]
    labels: Vec<Label>,
    #[serde(default)]
    counts: HashMap<String, u8>,
    at: Option<jiff::Timestamp>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Issue {
    number: u64,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Label {
    Bug,
    Size { points: u8 },
}

fn with_body(body: &'static str) -> Request {
    Request::new(Method::POST, body)
}

fn refusal<T: Debug>(result: Result<T, Rejected>) -> String {
    let rejected = result.expect_err("the request is refused");
    assert_eq!(rejected.status(), 400);
    rejected.message().to_owned()
}

#[test]
fn json_needs_no_content_type_and_allows_what_the_type_does_not_name() {
    let event: Event =
        with_body(r#" {"issue": {"number": 7}, "labels": ["bug"], "more": []} "#).json().unwrap();
    assert_eq!(event.issue, Issue { number: 7 });
    assert_eq!(event.labels, [Label::Bug]);
}

#[test]
fn json_that_does_not_fit_is_refused_with_its_path_and_without_its_values() {
    for (body, message) in [
        (r#"{"issue": {"number": "abc"}}"#, "`issue.number`: invalid type: string, expected u64"),
        (r#"{"issue": {"number": -4}}"#, "`issue.number`: invalid value: integer, expected u64"),
        (r#"{"issue": {}}"#, "`issue`: missing field `number`"),
        ("{}", "missing field `issue`"),
        ("null", "invalid type: null, expected struct Event"),
        (r#"{"issue": {"number": 1, "a b": 2}}"#, "`issue.?`: unknown field, expected `number`"),
        (r#"{"labels": ["bug", "abc"]}"#, "`labels[1]`: unknown variant, expected `bug` or `size`"),
        (
            r#"{"labels": [{"size": {"points": 300}}]}"#,
            "`labels[0].size.points`: invalid value: integer, expected u8",
        ),
        (r#"{"counts": {"ann@example.org": true}}"#, "`counts.?`: invalid type: boolean, expected u8"),
        (r#"{"at": "yesterday"}"#, "`at`: invalid value"),
    ] {
        assert_eq!(refusal(with_body(body).json::<Event>()), format!("the body does not fit: {message}"));
    }
}

#[test]
fn what_is_not_json_is_refused_with_its_position() {
    for (body, message) in [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("{\n\"issue\": secret}", "expected value at line 2 column 10"),
        (r#"{"issue": {"number": 7}} secret"#, "trailing characters at line 1 column 26"),
    ] {
        let expected = format!("the body is not the expected JSON: {message}");
        assert_eq!(refusal(with_body(body).json::<Event>()), expected);
    }
}

#[derive(Debug, PartialEq, Deserialize)]
struct Form {
    name: String,
    amount: Option<u8>,
    #[serde(default)]
    tag: Vec<String>,
}

#[test]
fn a_form_is_decoded_and_collects_what_is_there_several_times() {
    let form = Form { name: "Ann & Bo ü".into(), amount: Some(3), tag: vec!["a".into(), "b".into()] };
    let text = "name=Ann+%26+Bo%20%C3%BC&tag=a&amount=3&tag=b&more=";
    assert_eq!(with_body(text).form(), Ok(form));
    let form = Form { name: String::new(), amount: None, tag: vec!["a".into()] };
    assert_eq!(with_body("").with_query("name=&amount=&tag=a").query_as(), Ok(form));
}

#[test]
fn a_form_that_does_not_fit_is_refused_with_its_field_and_without_its_values() {
    for (form, message) in [
        ("", "missing field `name`"),
        ("name=&amount=secret", "`amount`: invalid digit found in string"),
        ("name=&amount=300", "`amount`: number too large to fit in target type"),
        ("name=secret&name=secret", "`name`: invalid length, expected one value"),
    ] {
        assert_eq!(refusal(with_body(form).form::<Form>()), format!("the body does not fit: {message}"));
        let query = with_body("").with_query(form);
        assert_eq!(refusal(query.query_as::<Form>()), format!("the query does not fit: {message}"));
    }
}

#[test]
fn text_is_utf_8() {
    assert_eq!(with_body("ü").text(), Ok("ü"));
    let latin = Request::new(Method::POST, &b"\xfc"[..]);
    assert_eq!(refusal(latin.text()), "the body is not UTF-8 text");
}

#[test]
fn a_header_may_be_required_or_not() {
    let request = with_body("").with_header(header::FROM, "ann".parse().unwrap());
    let request = request.with_header(header::HOST, HeaderValue::from_bytes(b"\xfc").unwrap());
    assert_eq!(request.header("from"), Ok("ann"));
    assert_eq!(request.header_opt("FROM"), Some("ann"));
    assert_eq!(refusal(request.header("X-None")), "header `X-None` is missing");
    assert_eq!(refusal(request.header("Host")), "header `Host` is not text");
    for name in ["X-None", "Host", "not a name"] {
        assert_eq!(request.header_opt(name), None);
    }
}

#[test]
fn a_rejection_always_blames_the_sender() {
    assert_eq!(Rejected::forbidden("no").status(), 403);
    assert_eq!(Rejected::with_status(StatusCode::PAYLOAD_TOO_LARGE, "no").status(), 413);
    for status in [StatusCode::CONTINUE, StatusCode::OK, StatusCode::FOUND, StatusCode::BAD_GATEWAY] {
        assert_eq!(Rejected::with_status(status, "no").status(), 400);
    }
}
