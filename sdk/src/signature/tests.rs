//! What holds for every scheme, each with a request that its provider published.

use http::{HeaderName, HeaderValue, Method};
use jiff::Timestamp;

use super::*;

/// A request with these headers.
pub(super) fn post(body: &str, headers: &[(&'static str, &str)]) -> Request {
    headers.iter().fold(Request::new(Method::POST, body.to_owned()), |request, (name, value)| {
        let value = HeaderValue::from_str(value).expect("a header's value");
        request.with_header(HeaderName::from_static(name), value)
    })
}

/// Why the scheme refuses the request.
pub(super) fn refusal(request: &Request, scheme: &(impl Signature + ?Sized)) -> String {
    let rejected = scheme.verify(request).expect_err("the request is refused");
    assert_eq!(rejected.status(), 401);
    rejected.message().to_owned()
}

/// A signed request, and how to verify it with two secrets.
struct Sample {
    body: &'static str,
    headers: &'static [(&'static str, &'static str)],
    secret: &'static str,
    scheme: for<'a> fn(&'a str, &'a str) -> Box<dyn Signature + 'a>,
}

const SAMPLES: [Sample; 5] = [
    // GitHub's documentation, "Testing the webhook payload validation" (CC BY 4.0).
    Sample {
        body: "Hello, World!",
        headers: &[(
            "x-hub-signature-256",
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        )],
        secret: "It's a Secret to Everybody",
        scheme: |secret, previous| Box::new(github(secret).or(previous)),
    },
    // Slack's documentation, "Verifying requests from Slack"; the same in python-slack-sdk,
    // `tests/slack_sdk/signature/test_signature_verifier.py` (MIT).
    Sample {
        body: "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V\
            &channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=\
            &response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554\
            %2F96rGlfmibIGlgcZRskXaIFfN\
            &trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
        headers: &[
            ("x-slack-signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
            ("x-slack-request-timestamp", "1531420618"),
        ],
        secret: "8f742231b10e8888abcd99yyyzzz85a5",
        scheme: |secret, previous| Box::new(slack(secret).or(previous).at(second(1_531_420_618))),
    },
    // Body and secret of stripe-python, `tests/test_webhook.py` (MIT); the header is what
    // `webhooks.generateTestHeaderString` of stripe-node 23.1.0 (MIT) gives for them and this time.
    Sample {
        body: r#"{
  "id": "evt_test_webhook",
  "object": "event",
  "data": { "object": { "id": "rdr_123", "object": "terminal.reader" } }
}"#,
        headers: &[(
            "stripe-signature",
            "t=1700000000,v1=3bfab77baf5f7b6991a46c9b53b6547d7afc56148b10468fcad9f35c1992ffbd",
        )],
        secret: "whsec_test_secret",
        scheme: |secret, previous| Box::new(stripe(secret).or(previous).at(second(1_700_000_000))),
    },
    // The Standard Webhooks reference libraries, `libraries/javascript/src/webhook.test.ts` (MIT).
    Sample {
        body: r#"{"test": 2432232314}"#,
        headers: &[
            ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
            ("webhook-timestamp", "1614265330"),
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ],
        secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        scheme: |secret, previous| Box::new(standard_webhooks(secret).or(previous).at(second(1_614_265_330))),
    },
    // RFC 2202, test case 2.
    Sample {
        body: "what do ya want for nothing?",
        headers: &[("x-signature", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")],
        secret: "Jefe",
        scheme: |secret, previous| Box::new(hmac_sha1("x-signature", secret).or(previous)),
    },
];

/// Base64, so that every scheme can read it.
const OTHER: &str = "whsec_dGhlIHByZXZpb3VzIHNlY3JldA==";

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time of this epoch")
}

impl Sample {
    fn request(&self) -> Request {
        post(self.body, self.headers)
    }
}

#[test]
fn the_published_request_is_accepted() {
    for sample in &SAMPLES {
        assert_eq!((sample.scheme)(sample.secret, sample.secret).verify(&sample.request()), Ok(()));
    }
}

#[test]
fn either_secret_may_match_while_one_is_replaced() {
    for sample in &SAMPLES {
        assert_eq!((sample.scheme)(sample.secret, OTHER).verify(&sample.request()), Ok(()));
        assert_eq!((sample.scheme)(OTHER, sample.secret).verify(&sample.request()), Ok(()));
        let wrong = refusal(&sample.request(), &*(sample.scheme)(OTHER, OTHER));
        assert!(wrong.contains("does not match the body"), "{wrong}");
    }
}

#[test]
fn an_altered_body_does_not_match() {
    for sample in &SAMPLES {
        let altered = post(&format!("{} ", sample.body), sample.headers);
        let wrong = refusal(&altered, &*(sample.scheme)(sample.secret, OTHER));
        assert!(wrong.contains("does not match the body"), "{wrong}");
    }
}

#[test]
fn each_altered_header_is_refused_by_name() {
    for sample in &SAMPLES {
        let (name, value) = sample.headers[0];
        // Any digit but the last, of which base64 drops bits.
        let at = value.len() - 10;
        let digit = if value.as_bytes()[at] == b'5' { "6" } else { "5" };
        let altered = format!("{}{digit}{}", &value[..at], &value[at + 1..]);
        let mut headers = sample.headers.to_vec();
        headers[0] = (name, &altered);
        let wrong = refusal(&post(sample.body, &headers), &*(sample.scheme)(sample.secret, OTHER));
        assert!(wrong.to_lowercase().starts_with(&format!("header `{name}` does not match")), "{wrong}");
        for index in 1..headers.len() {
            let mut headers = sample.headers.to_vec();
            let longer = format!("{}1", &headers[index].1[..headers[index].1.len() - 1]);
            headers[index].1 = &longer;
            let wrong = refusal(&post(sample.body, &headers), &*(sample.scheme)(sample.secret, OTHER));
            assert!(wrong.contains("does not match the body and its time"), "{wrong}");
        }
    }
}

#[test]
fn each_missing_header_is_named() {
    for sample in &SAMPLES {
        for (index, (name, _)) in sample.headers.iter().enumerate() {
            let mut headers = sample.headers.to_vec();
            headers.remove(index);
            let wrong = refusal(&post(sample.body, &headers), &*(sample.scheme)(sample.secret, OTHER));
            assert_eq!(wrong.to_lowercase(), format!("header `{name}` is missing"));
        }
    }
}

#[test]
fn a_header_that_is_not_text_is_named() {
    for sample in &SAMPLES {
        let name = HeaderName::from_static(sample.headers[0].0);
        let request = sample.request().with_header(name, HeaderValue::from_bytes(b"\xff").unwrap());
        let wrong = refusal(&request, &*(sample.scheme)(sample.secret, OTHER));
        assert!(wrong.ends_with("` is not text"), "{wrong}");
    }
}

#[test]
fn an_empty_secret_refuses_what_is_signed_with_it() {
    for sample in &SAMPLES {
        for (secret, previous) in [("", OTHER), (sample.secret, ""), ("  ", OTHER)] {
            let wrong = refusal(&sample.request(), &*(sample.scheme)(secret, previous));
            assert!(wrong.starts_with("the secret to verify the signature with is "), "{wrong}");
        }
    }
}

#[test]
fn no_refusal_quotes_the_request_or_what_was_expected() {
    for sample in &SAMPLES {
        let wrong = refusal(&post("other", sample.headers), &*(sample.scheme)(sample.secret, OTHER));
        for (_, value) in sample.headers {
            assert!(!wrong.contains(&value[value.len().saturating_sub(8)..]), "{wrong}");
        }
        assert!(!wrong.contains(sample.secret), "{wrong}");
    }
}
