//! What a block of one's own can do with a question, and with a state that grows.

use http::{HeaderValue, Method, header};
use stepwell::prelude::*;
use stepwell_engine::model::{CallbackFate, RunStatus};

use crate::database::{engine, setup};
use crate::kit::{effect, effects};

/// How to ask.
#[config]
struct Asks {
    /// Kind
    kind: String,
}

#[data]
struct Answers {
    texts: Vec<String>,
}

/// Ask anybody three times
#[step(outcomes(answered(Answers)), finish = collect, cancel = note)]
async fn ask_anybody(
    config: Asks,
    _cx: ExecuteContext,
) -> Result<Execution<AskAnybodyOutcome, Answers>, StepError> {
    let question = Question::new("Ready?");
    let question = match config.kind.as_str() {
        "without answers" => question,
        "large" => question.details("x".repeat(1 << 20)).button("yes", "Yes"),
        _ => question.button("yes", "Yes").comment("Why"),
    };
    Ok(Execution::defer(Answers { texts: Vec::new() }).asking(question))
}

async fn collect(
    request: Request,
    config: Asks,
    cx: FinishContext<Answers>,
) -> Result<Finish<AskAnybodyOutcome, Answers>, StepError> {
    let Answer { answer, comment } = request.answer::<String>()?;
    let mut answers = cx.state().clone();
    if comment.as_deref() == Some("grow") {
        answers.texts.push("x".repeat(1 << 20));
        return Ok(Finish::NextState(answers));
    }
    // A callback that is tried again counts once.
    if config.kind == "busy" && cx.attempt().is_multiple_of(2) {
        return Err(StepError::retryable("busy"));
    }
    answers.texts.push(comment.unwrap_or(answer));
    Ok(if answers.texts.len() < 3 {
        Finish::NextState(answers)
    } else {
        AskAnybodyOutcome::Answered(answers).into()
    })
}

async fn note(config: Asks, cx: CancelContext<Answers>) -> Result<(), StepError> {
    for text in &cx.state().texts {
        effect(&config.kind, text);
    }
    Ok(())
}

/// Ask, and take no answer
#[step(outcomes(never), wake = never)]
async fn ask_nobody(
    _config: NoConfig,
    cx: ExecuteContext,
) -> Result<Execution<AskNobodyOutcome, ()>, StepError> {
    let question = Question::new("Ready?").button("yes", "Yes");
    Ok(Execution::defer(()).asking(question).wake_at(cx.now()))
}

async fn never(_config: NoConfig, _cx: WakeContext<()>) -> Result<Wake<AskNobodyOutcome>, StepError> {
    Ok(AskNobodyOutcome::Never.into())
}

fn asks(kind: &str) -> Asks {
    Asks { kind: kind.to_owned() }
}

fn form(body: &'static str) -> Request {
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    Request::new(Method::POST, body).with_header(header::CONTENT_TYPE, form)
}

#[tokio::test]
async fn d1_a_question_to_nobody_in_particular_is_at_the_plain_url() {
    let engine = engine().await;
    let run = engine.run(ask_anybody, asks("d1-anybody")).await;
    let page = run.request(Request::new(Method::GET, "")).await;
    assert_eq!(page.status(), 200);
    let html = String::from_utf8(page.bytes().to_vec()).unwrap();
    assert!(html.contains("<h1>Ready?</h1>") && !html.contains("You answer as"), "{html}");
    assert_eq!(run.execution().await.waiting_for.unwrap()["text"], "Ready?");
}

#[tokio::test]
async fn d4_the_next_state_is_what_the_next_callback_finds() {
    let engine = engine().await;
    let run = engine.run(ask_anybody, asks("busy")).await;
    for body in ["answer=1", "answer=2", "answer=3"] {
        assert_eq!(run.status().await, RunStatus::Waiting);
        assert_eq!(run.request(form(body)).await.status(), 202);
        engine.advance(std::time::Duration::from_mins(1)).await;
    }
    let texts = ["1", "2", "3"].map(str::to_owned).to_vec();
    run.has_outcome(AskAnybodyOutcome::Answered(Answers { texts })).await;
}

#[tokio::test]
async fn d4_d8_cancel_is_given_the_latest_state() {
    let engine = engine().await;
    let run = engine.run(ask_anybody, asks("d4-cancelled")).await;
    run.request(form("answer=1")).await;
    run.request(form("answer=2")).await;
    engine.settle().await;
    run.cancel().await.unwrap();
    assert_eq!(effects("d4-cancelled"), 2);
}

#[tokio::test]
async fn o1_d4_a_state_that_grows_survives_a_crash_at_every_moment() {
    let moments = setup()
        .at_every_crash(async |engine| {
            let run = engine.run(ask_anybody, asks("crash")).await;
            for body in ["answer=1", "answer=2"] {
                run.request(form(body)).await;
                engine.settle().await;
            }
            let waiting = run.execution().await;
            // A sender whose answer was lost sends again.
            let taken = waiting.callbacks.len();
            for _ in taken..3 {
                run.request(form("answer=3")).await;
            }
            engine.settle().await;
            let outcome = run.outcome().await.unwrap();
            let texts = outcome.data["texts"].as_array().unwrap();
            let bodies: Vec<String> = run.execution().await.callbacks[..3]
                .iter()
                .map(|callback| callback.request["body"].as_str().unwrap().replace("answer=", ""))
                .collect();
            assert_eq!(texts.iter().map(|text| text.as_str().unwrap()).collect::<Vec<_>>(), bodies);
        })
        .await;
    assert!(moments > 10, "{moments} moments");
}

#[tokio::test]
async fn d12_o9_a_callback_that_makes_the_state_too_large_is_rejected() {
    let engine = engine().await;
    let run = engine.run(ask_anybody, asks("o9")).await;
    run.request(form("answer=1&comment=grow")).await;
    engine.settle().await;
    let callback = run.execution().await.callbacks.remove(0);
    assert!(
        matches!(&callback.fate, CallbackFate::Rejected { message } if message.contains("the state has")),
        "{callback:?}"
    );
    for body in ["answer=1", "answer=2", "answer=3"] {
        run.request(form(body)).await;
        engine.settle().await;
    }
    assert_eq!(run.status().await, RunStatus::Completed);
}

#[tokio::test]
async fn a_question_that_nobody_could_answer_fails_the_step() {
    let engine = engine().await;
    for (kind, message) in [("without answers", "`.button(…)`"), ("large", "the question has")] {
        let run = engine.run(ask_anybody, asks(kind)).await;
        let error = run.error().await.unwrap();
        assert!(error.contains(message), "{error}");
    }
    let run = engine.run(ask_nobody, NoConfig {}).await;
    assert!(run.error().await.unwrap().contains("no `finish` handler to take the answer"));
}
