//! Pages for people who follow the link of a waiting step: the question, and what became of their answer.
//!
//! They have no script and load nothing. What they show comes from configs and events, so the template escapes it.

use std::sync::LazyLock;

use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use stepwell::question::{LONGEST_COMMENT, Question};

/// The template's name. Its ending has the values escaped.
const TEMPLATE: &str = "page.html";
const STYLE: &str = include_str!("page.css");

static PAGES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    pages.add_template(TEMPLATE, include_str!("page.html")).expect("a test renders the template");
    pages
});

/// Nothing but the page's own style, and its form, which goes where the page came from.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    HeaderValue::try_from(policy).expect("it is ASCII")
});

/// What the template is given.
#[derive(Serialize)]
struct Page<'a> {
    title: &'a str,
    text: Option<&'a str>,
    question: Option<&'a Question>,
    person: Option<&'a str>,
    style: &'static str,
    longest_comment: usize,
}

impl<'a> Page<'a> {
    fn new(title: &'a str, text: Option<&'a str>) -> Self {
        Self { title, text, question: None, person: None, style: STYLE, longest_comment: LONGEST_COMMENT }
    }

    fn render(&self, status: StatusCode) -> Response {
        let template = PAGES.get_template(TEMPLATE).expect("it was added");
        let html = template
            .render(minijinja::Value::from(Serde(self)))
            .expect("every value of the template is there");
        let mut response = (status, Html(html)).into_response();
        let headers = [
            (header::CONTENT_SECURITY_POLICY, POLICY.clone()),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex")),
        ];
        response.headers_mut().extend(headers);
        response
    }
}

/// Whether whoever sends a request looks at the answer in a browser.
pub(super) fn are_wanted(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|range| {
        range.split(';').next().is_some_and(|range| range.trim().eq_ignore_ascii_case("text/html"))
    })
}

/// A page that asks a question.
pub(super) fn question(question: &Question, person: Option<&str>) -> Response {
    let page = Page::new(&question.text, question.details.as_deref());
    Page { question: Some(question), person, ..page }.render(StatusCode::OK)
}

/// A page that says something.
pub(super) fn message(status: StatusCode, title: &str, text: &str) -> Response {
    Page::new(title, Some(text)).render(status)
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    async fn html(response: Response) -> String {
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn d1_every_text_of_a_question_is_escaped() {
        let nasty = "</h1><script>alert('\"x\" & y')</script>{{ style }}";
        let asked = Question::new(nasty).details(nasty).button(nasty, nasty).comment(nasty);
        let page = html(question(&asked, Some(nasty))).await;
        assert!(!page.contains("<script") && !page.contains("\"x\""), "{page}");
        let escaped = "&lt;&#x2f;h1&gt;&lt;script&gt;alert(&#x27;&quot;x&quot; &amp; y&#x27;)&lt;&#x2f;script&gt;{{ style }}";
        assert_eq!(page.matches(escaped).count(), 7, "{page}");
        let said = html(message(StatusCode::GONE, nasty, nasty)).await;
        assert_eq!(said.matches(escaped).count(), 3, "{said}");
    }

    #[tokio::test]
    async fn a_page_has_what_its_question_has() {
        let asked = Question::new("Ship it?").button("yes", "Yes").button("no", "No");
        let page = html(question(&asked, None)).await;
        assert!(page.contains(r#"<button name="answer" value="yes">Yes</button>"#), "{page}");
        assert!(!page.contains("textarea id") && !page.contains("You answer as"), "{page}");
        let page = html(question(&asked.comment("Why"), Some("Ann"))).await;
        assert!(
            page.contains(r#"<label for="comment">Why</label>"#) && page.contains("<strong>Ann</strong>")
        );
    }

    #[tokio::test]
    async fn the_policy_allows_the_style_of_the_page_and_no_other() {
        let response = message(StatusCode::OK, "a", "b");
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        let page = html(response).await;
        let (_, style) = page.split_once("<style>").unwrap();
        let (style, _) = style.split_once("</style>").unwrap();
        let hash = STANDARD.encode(Sha256::digest(style));
        assert!(policy.contains(&format!("style-src 'sha256-{hash}';")), "{policy}");
    }

    #[test]
    fn pages_are_for_who_accepts_html() {
        let wanted = |accept: &'static str| {
            are_wanted(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]))
        };
        assert!(wanted("text/html,application/xhtml+xml,*/*;q=0.8") && wanted("a/b, Text/HTML;q=0.9"));
        assert!(!wanted("*/*") && !wanted("application/json") && !wanted(""));
        assert!(!are_wanted(&HeaderMap::new()));
    }
}
