//! Questions that a waiting step asks people, and what they answer.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::request::{Rejected, Request};

/// So many characters a comment has at most, so that a state holds those of a hundred people.
pub const LONGEST_COMMENT: usize = 2_000;

/// A question that a step asks people while it waits: [`Execution::asking`](crate::step::Execution::asking).
///
/// Who follows the step's `finish_callback_url` sees a page with the question and a button for each answer. Seeing it
/// changes nothing; a button posts an [`Answer`], which `finish` reads with [`Request::answer`]. All texts are shown as
/// they are: they may come from anybody.
///
/// Name the [people](Self::person) who are asked, and each has a link of their own
/// ([`finish_link`](crate::context::FinishContext::finish_link)), which is the only way to the page. Whose link an
/// answer came by says [`Request::sender`].
///
/// The question is shown in the run's history. A question without answers fails the step.
///
/// # Examples
///
/// ```
/// use stepwell::prelude::*;
///
/// let question = Question::new("May we ship order 7?")
///     .details("12 kettles to Malmö")
///     .button("yes", "Ship it")
///     .button("no", "Hold it back")
///     .comment("Comment");
/// # let _: Execution<Shipped, ()> =
/// Execution::defer(()).asking(question)
/// # ;
/// # #[derive(Outcomes)]
/// # enum Shipped { Yes }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The question, in a sentence.
    pub text: String,
    /// What there is to know, in lines and paragraphs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// What can be answered, in order.
    pub buttons: Vec<Button>,
    /// What stands above the field for a comment; without it there is no such field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Who is asked, by name, in the order of their links. Empty if whoever has the URL may answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<String>,
}

/// An answer that a question offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What is posted, such as `approve`.
    pub answer: String,
    /// What stands on the button.
    pub label: String,
}

impl Question {
    /// A question, without answers so far.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), details: None, buttons: Vec::new(), comment: None, people: Vec::new() }
    }

    /// Adds what there is to know, in lines and paragraphs.
    #[must_use]
    pub fn details(mut self, details: impl Into<String>) -> Self {
        self.details = Some(details.into());
        self
    }

    /// Adds an answer, and what stands on its button.
    #[must_use]
    pub fn button(mut self, answer: impl Into<String>, label: impl Into<String>) -> Self {
        self.buttons.push(Button { answer: answer.into(), label: label.into() });
        self
    }

    /// Offers a field for a comment of at most [`LONGEST_COMMENT`] characters, and says what stands above it.
    #[must_use]
    pub fn comment(mut self, label: impl Into<String>) -> Self {
        self.comment = Some(label.into());
        self
    }

    /// Adds somebody who is asked. The first has the link 0.
    #[must_use]
    pub fn person(mut self, name: impl Into<String>) -> Self {
        self.people.push(name.into());
        self
    }
}

/// An answer, as the page's form or a program posts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T = String> {
    /// The answer: that of the [`Button`].
    pub answer: T,
    /// What was written beside it, trimmed; `None` if that is nothing.
    pub comment: Option<String>,
}

impl Request {
    /// The body as an answer to a [`Question`]: a form, or a JSON document, with `answer` and perhaps `comment`. `T` says
    /// which answers there are: a unit enum with `#[data]`, or a `String` for any.
    ///
    /// # Errors
    ///
    /// Rejects the request if it is neither a form nor JSON (415), if the body does not fit, or if the comment is longer
    /// than [`LONGEST_COMMENT`] (400).
    ///
    /// # Examples
    ///
    /// ```
    /// use stepwell::prelude::*;
    ///
    /// #[data]
    /// #[derive(PartialEq)]
    /// #[serde(rename_all = "snake_case")]
    /// enum Verdict {
    ///     Approve,
    ///     Reject,
    /// }
    ///
    /// let form = http::HeaderValue::from_static("application/x-www-form-urlencoded");
    /// let post = |body: &'static str| {
    ///     Request::new(http::Method::POST, body).with_header(http::header::CONTENT_TYPE, form.clone())
    /// };
    /// let answer = post("answer=approve&comment=Well+done").answer::<Verdict>().unwrap();
    /// assert_eq!((answer.answer, answer.comment.as_deref()), (Verdict::Approve, Some("Well done")));
    /// assert_eq!(post("answer=perhaps").answer::<Verdict>().unwrap_err().status(), 400);
    /// ```
    pub fn answer<T: DeserializeOwned>(&self) -> Result<Answer<T>, Rejected> {
        #[derive(Deserialize)]
        struct Posted<T> {
            answer: T,
            #[serde(default)]
            comment: Option<String>,
        }
        let content_type = self.header_opt("content-type").unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let Posted { answer, comment } = match media_type.as_str() {
            "application/x-www-form-urlencoded" => self.form()?,
            "application/json" => self.json()?,
            _ => {
                let status = http::StatusCode::UNSUPPORTED_MEDIA_TYPE;
                let message =
                    "an answer is a form (application/x-www-form-urlencoded) or JSON (application/json)";
                return Err(Rejected::with_status(status, message));
            }
        };
        // Browsers send the lines of a form's field as CRLF.
        let comment = comment.map(|comment| comment.replace("\r\n", "\n").trim().to_owned());
        let comment = comment.filter(|comment| !comment.is_empty());
        if comment.as_ref().is_some_and(|comment| comment.chars().count() > LONGEST_COMMENT) {
            return Err(Rejected::bad_request(format!(
                "the comment is longer than {LONGEST_COMMENT} characters"
            )));
        }
        Ok(Answer { answer, comment })
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Method, header};

    use super::*;

    fn post(content_type: &'static str, body: impl Into<bytes::Bytes>) -> Result<Answer, Rejected> {
        let content_type = HeaderValue::from_static(content_type);
        Request::new(Method::POST, body).with_header(header::CONTENT_TYPE, content_type).answer()
    }

    #[test]
    fn an_answer_is_a_form_or_json() {
        let answer = |comment: Option<&str>| {
            Ok(Answer { answer: "yes".to_owned(), comment: comment.map(str::to_owned) })
        };
        let form = "application/x-www-form-urlencoded";
        assert_eq!(post(form, "answer=yes"), answer(None));
        assert_eq!(post(form, "answer=yes&comment=+%0D%0A"), answer(None));
        assert_eq!(
            post("Application/X-WWW-Form-Urlencoded; charset=UTF-8", "comment=a%0D%0Ab+%C3%BC&answer=yes"),
            answer(Some("a\nb ü"))
        );
        assert_eq!(post("application/json", r#"{"answer": "yes", "comment": null}"#), answer(None));
        assert_eq!(post("application/json", r#"{"answer": "yes", "comment": "a"}"#), answer(Some("a")));
    }

    #[test]
    fn what_is_no_answer_is_rejected() {
        let form = "application/x-www-form-urlencoded";
        let long = format!("answer=yes&comment={}", "ü".repeat(LONGEST_COMMENT + 1));
        for (content_type, body, status) in [
            ("text/plain", "answer=yes", 415),
            ("multipart/form-data; boundary=x", "answer=yes", 415),
            ("", "answer=yes", 415),
            (form, "", 400),
            (form, "comment=yes", 400),
            (form, "answer=yes&answer=no", 400),
            (form, &long, 400),
            ("application/json", "answer=yes", 400),
            ("application/json", r#"{"answer": 1}"#, 400),
        ] {
            let rejected = post(content_type, body.to_owned()).unwrap_err();
            assert_eq!(rejected.status(), status, "{content_type} {body}: {rejected}");
        }
        let longest = format!("answer=yes&comment={}", "ü".repeat(LONGEST_COMMENT));
        assert!(post(form, longest).is_ok());
    }
}
