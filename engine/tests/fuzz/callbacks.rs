//! Tokens, requests and records of callbacks.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use stepwell::question::Question;
use stepwell::request::Request;
use stepwell_engine::model::{
    ActivationId, AttemptResult, CallbackRequest, Entry, ExecutionId, HandlerName, RecordId, RunId, Unused,
    decode_entries, encode_entries,
};
use stepwell_engine::secrets::Keys;
use uuid::Uuid;

use crate::values::Bytes;

static KEYS: LazyLock<Keys> = LazyLock::new(Keys::ephemeral);

#[test]
fn t11_only_a_token_that_was_given_is_read() {
    bolero::check!().with_iterations(2_000).for_each(|input: &[u8]| {
        let mut bytes = Bytes::new(input);
        let run = RunId(Uuid::from_bytes(bytes.array()));
        let execution = ExecutionId { run, number: u32::from_le_bytes(bytes.array()) };
        let activation = ActivationId(Uuid::from_bytes(bytes.array()));
        let (finish, trigger) = (KEYS.finish_token(execution), KEYS.trigger_token(activation));
        let person = u32::from_le_bytes(bytes.array());
        let link = KEYS.finish_link_token(execution, person);
        assert_eq!(KEYS.read_finish_token(&finish), Some((execution, None)));
        assert_eq!(KEYS.read_finish_token(&link), Some((execution, Some(person))));
        assert_eq!(KEYS.read_trigger_token(&trigger), Some(activation));
        assert_eq!((KEYS.read_finish_token(&trigger), KEYS.read_trigger_token(&finish)), (None, None));
        for token in [finish, trigger, link] {
            let mut altered = URL_SAFE_NO_PAD.decode(&token).unwrap();
            let at = bytes.next() % altered.len();
            altered[at] ^= u8::try_from(bytes.next()).unwrap().max(1);
            let altered = URL_SAFE_NO_PAD.encode(altered);
            assert_eq!((KEYS.read_finish_token(&altered), KEYS.read_trigger_token(&altered)), (None, None));
            // One token has one form: no other text is read as it.
            let mut other = token.clone().into_bytes();
            let at = bytes.next() % other.len();
            other[at] = u8::try_from(bytes.next() % 128).unwrap();
            let other = String::from_utf8(other).unwrap();
            let read = KEYS.read_finish_token(&other).is_some() || KEYS.read_trigger_token(&other).is_some();
            assert_eq!(read, other == token, "{token} {other}");
        }
        let text = String::from_utf8_lossy(input);
        assert_eq!((KEYS.read_finish_token(&text), KEYS.read_trigger_token(&text)), (None, None));
    });
}

fn request(bytes: &mut Bytes<'_>) -> Request {
    let mut headers = HeaderMap::new();
    for _ in 0..bytes.next() % 5 {
        let name = bytes.one_of(&["content-type", "x-a", "x-b", "x-signature", "accept"]);
        let value: String = (0..bytes.next() % 10)
            .map(|_| char::from(b' ' + u8::try_from(bytes.next() % 95).unwrap()))
            .collect();
        headers.append(HeaderName::from_static(name), HeaderValue::try_from(value).unwrap());
    }
    let body: Vec<u8> = (0..bytes.next()).map(|_| u8::try_from(bytes.next()).unwrap()).collect();
    let request = Request::new(bytes.one_of(&["POST", "PUT", "GET"]).parse::<Method>().unwrap(), body)
        .with_query(bytes.text())
        .with_headers(headers);
    match bytes.next() % 2 {
        0 => request,
        _ => request.with_sender(u32::from_le_bytes(bytes.array())),
    }
}

#[test]
fn d3_a_request_is_read_as_it_was_recorded() {
    bolero::check!().with_iterations(1_500).for_each(|input: &[u8]| {
        let request = request(&mut Bytes::new(input));
        let read = CallbackRequest::of(&request).into_request().unwrap();
        assert_eq!(
            (read.method(), read.query(), read.headers(), read.bytes(), read.sender()),
            (request.method(), request.query(), request.headers(), request.bytes(), request.sender())
        );
    });
}

fn entry(bytes: &mut Bytes<'_>) -> Entry {
    let (execution, attempt) = (u32::from_le_bytes(bytes.array()), u32::from_le_bytes(bytes.array()));
    let callback = RecordId(i64::from_le_bytes(bytes.array()));
    let handler =
        bytes.one_of(&[HandlerName::Execute, HandlerName::Finish, HandlerName::Wake, HandlerName::Cancel]);
    let wake_at = Timestamp::from_second(i64::from(execution)).ok().filter(|_| attempt % 2 == 0);
    let result = match bytes.next() % 7 {
        0 => AttemptResult::Outcome { outcome: bytes.text(), data: bytes.value() },
        1 => AttemptResult::Exit,
        2 => {
            let question =
                Question::new(bytes.text()).details(bytes.text()).button(bytes.text(), bytes.text());
            let question = question.comment(bytes.text()).person(bytes.text());
            let question = Some(Box::new(question)).filter(|_| execution % 2 == 0);
            AttemptResult::Deferred { waiting_for: None, wake_at, question }
        }
        3 => AttemptResult::NoOp { wake_at },
        4 => AttemptResult::Rejected { message: bytes.text() },
        5 => AttemptResult::Error { message: bytes.text(), retryable: attempt % 2 == 0 },
        _ => AttemptResult::Interrupted { message: bytes.text(), given_up: attempt % 2 == 0 },
    };
    match bytes.next() % 7 {
        0 => {
            let activation = Some(ActivationId(Uuid::from_bytes(bytes.array()))).filter(|_| attempt % 2 == 0);
            Entry::RunStarted {
                activation,
                outcome: bytes.text(),
                data: bytes.value(),
                origin: None,
                caller: None,
            }
        }
        1 => Entry::ExecutionStarted {
            round: None,
            execution,
            step: bytes.text(),
            block: bytes.text(),
            config: bytes.value(),
        },
        2 => Entry::AttemptStarted {
            execution,
            attempt,
            handler,
            callback: Some(callback).filter(|_| attempt % 2 == 0),
            release: Some(bytes.text()),
        },
        3 => Entry::AttemptEnded { execution, attempt, handler, result },
        4 => Entry::CallbackReceived { execution, request: CallbackRequest::of(&request(bytes)) },
        5 => Entry::CallbackUnused {
            execution,
            callback,
            reason: bytes.one_of(&[Unused::Resolved, Unused::Cancelled, Unused::Deadline, Unused::NoHandler]),
        },
        _ => Entry::ExecutionFailed { execution, message: bytes.text() },
    }
}

#[test]
fn o3_the_journal_is_read_as_it_was_written() {
    bolero::check!().with_iterations(1_500).for_each(|input: &[u8]| {
        let mut bytes = Bytes::new(input);
        let entries: Vec<Entry> = (0..=bytes.next() % 3).map(|_| entry(&mut bytes)).collect();
        let mut encoded = encode_entries(&entries);
        assert_eq!(decode_entries(&encoded).unwrap(), entries);
        // What is damaged is an error, or another record; it is no panic.
        let at = bytes.next() * 256 + bytes.next();
        let length = encoded.len();
        encoded[at % length] = u8::try_from(bytes.next()).unwrap();
        let _ = decode_entries(&encoded);
        let _ = decode_entries(input);
    });
}
