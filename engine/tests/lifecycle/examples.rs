//! The workflow files of `examples/workflows`.

use std::path::Path;
use std::time::Duration;

use http::{HeaderValue, Method, header};
use serde_json::{Value, json};
use stepwell::http_client::HttpResponse;
use stepwell::request::Request;
use stepwell::testing::answering;
use stepwell_engine::model::RunStatus;
use stepwell_engine::testing::{TestEngine, TestRun};

use crate::builtin::run;
use crate::database::setup;

fn example(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../examples/workflows/{name}.yaml"));
    serde_yaml_ng::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

async fn spending(engine: &TestEngine, amount: u32) -> TestRun {
    let data = json!({ "by": "Ada", "lead": "Bo", "purpose": "a lathe", "amount": amount });
    run(engine, &example("spending"), data).await
}

async fn answers(engine: &TestEngine, run: &TestRun, person: u32, body: &'static str) {
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    let request = Request::new(Method::POST, body).with_header(header::CONTENT_TYPE, form);
    assert_eq!(engine.request(&run.finish_link(person).await, request).await.status(), 202);
    engine.settle().await;
}

async fn engine() -> TestEngine {
    setup().http(answering(async |_| Ok(HttpResponse::new(200, "")))).start().await
}

async fn way(run: &TestRun) -> Vec<String> {
    assert_eq!(run.status().await, RunStatus::Completed);
    run.history().await.executions.into_iter().map(|execution| execution.step).collect()
}

#[tokio::test]
async fn what_the_lead_and_two_of_the_board_approve_is_paid() {
    let engine = engine().await;
    let small = spending(&engine, 500).await;
    answers(&engine, &small, 0, "answer=approve").await;
    assert_eq!(way(&small).await, ["lead", "size", "pay"]);
    let large = spending(&engine, 12_000).await;
    answers(&engine, &large, 0, "answer=approve&comment=We+need+it").await;
    let question = large.execution().await.question.unwrap();
    assert_eq!(question.details.unwrap(), "Bo has approved it: We need it");
    for (person, answer) in [(2, "answer=reject"), (0, "answer=approve"), (1, "answer=approve")] {
        answers(&engine, &large, person, answer).await;
    }
    assert_eq!(way(&large).await, ["lead", "size", "board", "pay"]);
}

#[tokio::test]
async fn what_somebody_rejects_or_nobody_decides_in_time_is_not_paid() {
    let engine = engine().await;
    let by_lead = spending(&engine, 12_000).await;
    answers(&engine, &by_lead, 0, "answer=reject").await;
    assert_eq!(way(&by_lead).await, ["lead", "refuse"]);
    let by_board = spending(&engine, 12_000).await;
    answers(&engine, &by_board, 0, "answer=approve").await;
    answers(&engine, &by_board, 0, "answer=reject").await;
    answers(&engine, &by_board, 1, "answer=reject&comment=Too+dear").await;
    assert_eq!(way(&by_board).await, ["lead", "size", "board", "refuse"]);
    assert_eq!(by_board.execution().await.config["message"], "a lathe was rejected: Too dear");
    let late = spending(&engine, 12_000).await;
    answers(&engine, &late, 0, "answer=approve").await;
    answers(&engine, &late, 0, "answer=approve").await;
    engine.advance(Duration::from_hours(24 * 7)).await;
    assert_eq!(way(&late).await, ["lead", "size", "board", "expire"]);
}
