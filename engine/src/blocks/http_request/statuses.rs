//! What the status of an answer means.

use std::collections::BTreeMap;

use stepwell::http_client::HttpResponse;
use stepwell::prelude::*;

/// What a status means, by number (`404`) or by class (`5xx`).
pub(super) type Statuses = BTreeMap<String, Meaning>;

/// A status, or a class of them.
pub(super) const STATUS: &str = "^([1-5][0-9][0-9]|[1-5]xx)$";

/// What a status means.
#[data]
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Meaning {
    /// The outcome `ok`
    Ok,
    /// The outcome `refused`
    Refused,
    /// The request is sent again, as `retry` of the step says
    Retry,
    /// The step fails
    Fail,
}

/// What an answer means: as the config says, or else as HTTP does. A number comes before its class.
pub(super) fn meaning(response: &HttpResponse, statuses: &Statuses) -> Meaning {
    let (status, class) =
        (response.status.as_str().to_owned(), format!("{}xx", response.status.as_u16() / 100));
    let said = statuses.get(&status).or_else(|| statuses.get(&class)).copied();
    said.unwrap_or(match response {
        _ if response.may_pass() => Meaning::Retry,
        _ if response.status.is_client_error() => Meaning::Refused,
        _ => Meaning::Ok,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_comes_before_its_class_and_that_before_http() {
        let statuses: Statuses =
            serde_json::from_str(r#"{ "404": "ok", "4xx": "fail", "503": "refused", "304": "retry" }"#)
                .unwrap();
        for (status, expected) in [
            (200, Meaning::Ok),
            (302, Meaning::Ok),
            (304, Meaning::Retry),
            (404, Meaning::Ok),
            (410, Meaning::Fail),
            (429, Meaning::Fail),
            (500, Meaning::Retry),
            (503, Meaning::Refused),
        ] {
            assert_eq!(meaning(&HttpResponse::new(status, ""), &statuses), expected, "{status}");
        }
        for (status, expected) in [(404, Meaning::Refused), (408, Meaning::Retry), (429, Meaning::Retry)] {
            assert_eq!(meaning(&HttpResponse::new(status, ""), &Statuses::new()), expected, "{status}");
        }
    }
}
