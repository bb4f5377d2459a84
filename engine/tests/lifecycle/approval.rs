//! `core/approval`: people are asked, each by a link of their own, until it is decided.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderValue, Method, header};
use serde_json::{Value, json};
use stepwell::http_client::{HttpRequest, HttpResponse};
use stepwell::request::Request;
use stepwell::response::Response;
use stepwell::testing::answering;
use stepwell_engine::model::{CallbackFate, RunStatus};
use stepwell_engine::testing::{TestEngine, TestRun};

use crate::builtin::{one_step, outcome, run};
use crate::database::{engine, setup};

const DAY: Duration = Duration::from_hours(24);

pub(crate) fn config(more: &Value) -> Value {
    let mut config = json!({
        "message": "May we ship order {{ trigger.order }}?",
        "details": "12 kettles\nto Malmö",
        "approvers": [
            { "name": "Anna", "address": "anna@shop.example" },
            { "name": "Bert" },
            { "name": "Cleo" },
        ],
    });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config
}

fn approval(more: &Value) -> Value {
    one_step("core/approval", &config(more), &["approved", "rejected"])
}

async fn asked(engine: &TestEngine, more: &Value) -> TestRun {
    run(engine, &approval(more), json!({ "order": 7 })).await
}

fn form(body: impl Into<bytes::Bytes>) -> Request {
    let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    Request::new(Method::POST, body).with_header(header::CONTENT_TYPE, content_type)
}

async fn links_of(run: &TestRun) -> [String; 3] {
    [run.finish_link(0).await, run.finish_link(1).await, run.finish_link(2).await]
}

async fn answer(engine: &TestEngine, run: &TestRun, person: u32, body: &str) -> Response {
    let link = run.finish_link(person).await;
    let response = engine.request(&link, form(body.to_owned())).await;
    engine.settle().await;
    response
}

async fn fates(run: &TestRun) -> Vec<CallbackFate> {
    run.execution().await.callbacks.into_iter().map(|callback| callback.fate).collect()
}

#[tokio::test]
async fn d4_d5_two_of_three_approve() {
    let engine = engine().await;
    let run = asked(&engine, &json!({ "quorum": 2 })).await;
    let waiting = run.execution().await;
    assert_eq!(waiting.waiting_for.unwrap()["text"], "approval by 2 of Anna, Bert, Cleo");
    assert_eq!(waiting.question.unwrap().text, "May we ship order 7?");
    assert_eq!(answer(&engine, &run, 1, "answer=approve").await.status(), 202);
    assert_eq!(run.status().await, RunStatus::Waiting);
    engine.advance(DAY).await;
    answer(&engine, &run, 0, "answer=approve&comment=Go+ahead%21").await;
    let (id, data) = outcome(&run).await;
    assert_eq!(id, "approved");
    assert_eq!(
        data,
        json!({
            "by": "Anna",
            "comment": "Go ahead!",
            "at": "2026-01-02T00:00:00Z",
            "answers": [
                { "name": "Bert", "address": null, "answer": "approve", "comment": null, "at": "2026-01-01T00:00:00Z" },
                { "name": "Anna", "address": "anna@shop.example", "answer": "approve", "comment": "Go ahead!", "at": "2026-01-02T00:00:00Z" },
            ],
        })
    );
    assert_eq!(fates(&run).await, [CallbackFate::NoOp, CallbackFate::Finished]);
    assert_eq!(run.execution().await.callbacks[0].request["sender"], 1);
}

#[tokio::test]
async fn d5_without_a_quorum_all_must_approve_and_any_rejection_ends_it() {
    let engine = engine().await;
    let all = asked(&engine, &json!({})).await;
    for person in 0..3 {
        assert_eq!(all.status().await, RunStatus::Waiting);
        answer(&engine, &all, person, "answer=approve").await;
    }
    assert_eq!(outcome(&all).await.0, "approved");
    let any = asked(&engine, &json!({ "quorum": 2 })).await;
    answer(&engine, &any, 0, "answer=approve").await;
    answer(&engine, &any, 2, "answer=reject&comment=Too+dear").await;
    let (id, data) = outcome(&any).await;
    assert_eq!(
        (id.as_str(), &data["by"], &data["comment"]),
        ("rejected", &json!("Cleo"), &json!("Too dear"))
    );
    assert_eq!(data["answers"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn d4_a_rejection_may_leave_the_quorum_possible() {
    let engine = engine().await;
    let patient = json!({ "quorum": 2, "reject_when": "quorum_impossible" });
    let approved = asked(&engine, &patient).await;
    for (person, answered) in [(0, "reject"), (1, "approve"), (2, "approve")] {
        assert_eq!(approved.status().await, RunStatus::Waiting);
        answer(&engine, &approved, person, &format!("answer={answered}")).await;
    }
    assert_eq!(outcome(&approved).await.0, "approved");
    let rejected = asked(&engine, &patient).await;
    answer(&engine, &rejected, 0, "answer=reject").await;
    answer(&engine, &rejected, 2, "answer=reject").await;
    assert_eq!(
        (outcome(&rejected).await.0, outcome(&rejected).await.1["by"].clone()),
        ("rejected".into(), json!("Cleo"))
    );
}

#[tokio::test]
async fn d4_who_answers_again_replaces_their_answer_and_counts_once() {
    let engine = engine().await;
    let patient = json!({ "quorum": 2, "reject_when": "quorum_impossible" });
    let run = asked(&engine, &patient).await;
    for answered in ["approve", "approve", "reject", "approve"] {
        answer(&engine, &run, 0, &format!("answer={answered}&comment={answered}")).await;
        assert_eq!(run.status().await, RunStatus::Waiting, "{answered}");
    }
    answer(&engine, &run, 1, "answer=reject").await;
    answer(&engine, &run, 0, "answer=approve&comment=last").await;
    assert_eq!(run.status().await, RunStatus::Waiting);
    answer(&engine, &run, 2, "answer=approve").await;
    let (id, data) = outcome(&run).await;
    let answers: Vec<(&str, &str)> = data["answers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|given| (given["name"].as_str().unwrap(), given["answer"].as_str().unwrap()))
        .collect();
    assert_eq!(id, "approved");
    assert_eq!(answers, [("Bert", "reject"), ("Anna", "approve"), ("Cleo", "approve")]);
    assert_eq!(data["answers"][1]["comment"], "last");
}

#[tokio::test]
async fn d1_d12_nobody_answers_in_the_name_of_another() {
    let engine = engine().await;
    let run = asked(&engine, &json!({ "quorum": 2 })).await;
    let links = links_of(&run).await;
    let plain = run.finish_callback_url().await;
    let number = HeaderValue::from_static("1");
    // Anna's link is Anna's, whatever the request says.
    for request in [
        form("answer=approve&sender=1&person=1"),
        form("answer=approve").with_query("sender=1&person=1"),
        form("answer=approve").with_header(http::HeaderName::from_static("x-sender"), number),
        form("answer=approve").with_sender(1),
    ] {
        let target = format!("{}?{}", links[0], request.query());
        assert_eq!(engine.request(&target, request).await.status(), 202);
        engine.settle().await;
        assert_eq!(run.status().await, RunStatus::Waiting);
    }
    assert_eq!(
        fates(&run).await,
        [CallbackFate::NoOp, CallbackFate::NoOp, CallbackFate::NoOp, CallbackFate::NoOp]
    );
    // The plain URL is nobody's, and so is the link of a person beyond the last.
    assert_eq!(engine.request(&plain, form("answer=approve")).await.status(), 202);
    engine.settle().await;
    let refused = "only an approver's own link can answer".to_owned();
    assert_eq!(fates(&run).await[4], CallbackFate::Rejected { message: refused });
    // An altered or mixed token is none.
    let other = links_of(&asked(&engine, &json!({ "quorum": 2 })).await).await;
    let token = |link: &str| link.rsplit('/').next().unwrap().to_owned();
    let (mine, theirs) = (token(&links[0]), token(&other[1]));
    let mut altered = mine.clone();
    altered.replace_range(30..31, if &altered[30..31] == "A" { "B" } else { "A" });
    for forged in
        [altered, format!("{}{}", &mine[..35], &theirs[35..]), format!("{mine}A"), mine[..77].to_owned()]
    {
        let url = links[0].replace(&mine, &forged);
        for request in [form("answer=approve"), Request::new(Method::GET, "")] {
            assert_eq!(engine.request(&url, request).await.status(), 404, "{forged}");
        }
    }
    assert_eq!(run.status().await, RunStatus::Waiting);
    answer(&engine, &run, 1, "answer=approve").await;
    assert_eq!(outcome(&run).await.0, "approved");
}

#[tokio::test]
async fn d12_what_is_no_answer_is_rejected_and_leaves_it_waiting() {
    let engine = engine().await;
    let run = asked(&engine, &json!({ "quorum": 1 })).await;
    let link = run.finish_link(0).await;
    let long = format!("answer=approve&comment={}", "x".repeat(2_001));
    let json = |body: &'static str| {
        let content_type = HeaderValue::from_static("application/json");
        Request::new(Method::POST, body).with_header(header::CONTENT_TYPE, content_type)
    };
    let wrong = [
        form(""),
        form("answer=perhaps"),
        form("answer=approve&answer=reject"),
        form(long),
        json("answer=approve"),
        json(r#"{"answer": true}"#),
        Request::new(Method::POST, "answer=approve"),
        Request::new(Method::POST, "answer=approve")
            .with_header(header::CONTENT_TYPE, HeaderValue::from_static("text/plain")),
    ];
    let count = wrong.len();
    for request in wrong {
        assert_eq!(engine.request(&link, request).await.status(), 202);
        engine.settle().await;
    }
    assert_eq!(run.status().await, RunStatus::Waiting);
    let fates = fates(&run).await;
    assert_eq!(fates.len(), count);
    for fate in fates {
        assert!(matches!(&fate, CallbackFate::Rejected { .. }), "{fate:?}");
    }
    engine.request(&link, json(r#"{"answer": "approve", "comment": " by a program "}"#)).await;
    engine.settle().await;
    assert_eq!(outcome(&run).await.1["comment"], "by a program");
}

#[tokio::test]
async fn d7_the_deadline_of_the_step_ends_the_wait_and_closes_the_links() {
    let engine = engine().await;
    let mut definition = approval(&json!({ "quorum": 2 }));
    definition["steps"]["step"]["deadline"] = json!("7d");
    definition["steps"]["step"]["on"]["deadline"] = json!("tell");
    definition["steps"]["tell"] = json!({ "block": "core/log", "config": { "message": "nobody decided" } });
    let run = run(&engine, &definition, json!({ "order": 7 })).await;
    let links = links_of(&run).await;
    answer(&engine, &run, 0, "answer=approve").await;
    engine.advance(DAY * 6).await;
    assert_eq!(run.status().await, RunStatus::Waiting);
    engine.advance(DAY).await;
    assert_eq!((run.status().await, run.execution().await.step.as_str()), (RunStatus::Completed, "tell"));
    for link in links {
        assert_eq!(engine.request(&link, form("answer=approve")).await.status(), 410);
        assert_eq!(engine.request(&link, Request::new(Method::GET, "")).await.status(), 410);
    }
}

#[tokio::test]
async fn d6_d8_a_cancelled_approval_is_closed() {
    let engine = engine().await;
    let run = asked(&engine, &json!({})).await;
    let link = run.finish_link(0).await;
    run.cancel().await.unwrap();
    assert_eq!(engine.request(&link, form("answer=approve")).await.status(), 410);
}

#[tokio::test]
async fn d1_d2_an_answer_that_comes_before_the_question_is_kept_and_a_look_is_put_off() {
    let engine = engine().await;
    engine.enable("flow", &approval(&json!({ "quorum": 1 }))).await.unwrap();
    let held = engine.hold().await;
    let early = engine.start_workflow("flow", json!({ "order": 8 })).await;
    let link = early.finish_link(1).await;
    let look = engine.request(&link, Request::new(Method::GET, "")).await;
    assert_eq!((look.status().as_u16(), look.headers().contains_key("retry-after")), (503, true));
    assert_eq!(engine.request(&link, form("answer=approve")).await.status(), 202);
    drop(held);
    engine.settle().await;
    assert_eq!(outcome(&early).await.1["by"], "Bert");
}

#[tokio::test]
async fn s11_each_approver_is_told_their_link_once_however_often_it_is_tried() {
    let sent: Arc<Mutex<Vec<HttpRequest>>> = Arc::default();
    let seen = Arc::clone(&sent);
    let http = answering(move |request: HttpRequest| {
        let mut sent = seen.lock().unwrap();
        sent.push(request);
        let response = HttpResponse::new(if sent.len() == 2 { 503 } else { 200 }, "");
        async { Ok(response) }
    });
    let engine = setup().http(http).start().await;
    let notify = json!([{ "kind": "webhook", "url": "https://chat.example/hook", "token": "t0ken" }]);
    let run = asked(&engine, &json!({ "notify": notify })).await;
    engine.advance(Duration::from_mins(1)).await;
    assert_eq!(run.status().await, RunStatus::Waiting);
    let links = links_of(&run).await;
    let sent: Vec<HttpRequest> = sent.lock().unwrap().clone();
    let told: Vec<(Value, String)> = sent
        .iter()
        .map(|request| {
            assert_eq!(request.url, "https://chat.example/hook");
            assert_eq!(request.headers["authorization"], "Bearer t0ken");
            let key = request.headers["idempotency-key"].to_str().unwrap().to_owned();
            (serde_json::from_slice(&request.body).unwrap(), key)
        })
        .collect();
    assert_eq!(told.len(), 4, "the second is tried again, the first is not");
    assert_eq!(told[1], told[2]);
    let by_name: BTreeMap<&str, &Value> =
        told.iter().map(|(body, _)| (body["name"].as_str().unwrap(), &body["link"])).collect();
    assert_eq!(
        by_name,
        BTreeMap::from([("Anna", &json!(links[0])), ("Bert", &json!(links[1])), ("Cleo", &json!(links[2]))])
    );
    let (first, key) = &told[0];
    assert_eq!(key, &format!("{}:notify-0-0", run.execution().await.unique_execution_id));
    assert_eq!(
        (&first["address"], &first["message"], &first["details"]),
        (&json!("anna@shop.example"), &json!("May we ship order 7?"), &json!("12 kettles\nto Malmö"))
    );
    // What was told is in nobody's history.
    let history = serde_json::to_string(&run.history().await).unwrap();
    for link in links {
        assert!(!history.contains(link.rsplit('/').next().unwrap()), "{history}");
    }
}

#[tokio::test]
async fn a_way_that_refuses_fails_the_step() {
    let http = answering(async |_| Ok(HttpResponse::new(403, "no")));
    let engine = setup().http(http).start().await;
    let notify = json!([{ "kind": "webhook", "url": "https://chat.example/hook" }]);
    let run = asked(&engine, &json!({ "notify": notify })).await;
    assert_eq!(run.status().await, RunStatus::Failed);
    assert!(run.error().await.unwrap().contains("403"));
}

#[tokio::test]
async fn who_is_asked_must_make_sense() {
    let engine = engine().await;
    let many: Vec<Value> = (0..101).map(|number| json!({ "name": number.to_string() })).collect();
    for (more, path, message) in [
        (json!({ "approvers": [] }), "approvers", "at least 1"),
        (json!({ "approvers": many }), "approvers", "at most 100"),
        (
            json!({ "approvers": [{ "name": "Anna" }, { "name": "Anna " }] }),
            "approvers.1.name",
            "`Anna` is there twice",
        ),
        (json!({ "quorum": 0 }), "quorum", "at least 1"),
        (json!({ "quorum": 4 }), "quorum", "make it 1 to 3"),
    ] {
        let refused = engine.enable("flow", &approval(&more)).await.unwrap_err();
        let path = format!("steps.step.config.{path}\"");
        assert!(refused.contains(&path) && refused.contains(message), "{more}: {refused}");
    }
}

#[tokio::test]
async fn s9_what_expressions_give_is_judged_by_the_same_rules_before_the_block_is_called() {
    let engine = engine().await;
    let from_expressions = json!({
        "approvers": [{ "name": "{{ trigger.lead }}" }, { "name": "Bert" }],
        "quorum": "{{ trigger.quorum }}",
    });
    engine.enable("flow", &approval(&from_expressions)).await.unwrap();
    for (lead, quorum, message) in [
        ("Bert", 1, "config.approvers.1.name: `Bert` is there twice"),
        ("Anna", 3, "config.quorum: 3 of 2 approvers cannot approve; make it 1 to 2"),
    ] {
        let data = json!({ "order": 7, "lead": lead, "quorum": quorum });
        let run = engine.start_workflow("flow", data).await;
        engine.settle().await;
        let (status, execution) = (run.status().await, run.execution().await);
        assert_eq!((status, execution.attempts.len()), (RunStatus::Failed, 0));
        let error = run.error().await.unwrap();
        assert!(error.contains(message), "{error}");
    }
    let right = engine.start_workflow("flow", json!({ "order": 7, "lead": "Anna", "quorum": 2 })).await;
    engine.settle().await;
    assert_eq!(right.status().await, RunStatus::Waiting);
}

#[tokio::test]
async fn o1_d3_votes_survive_a_crash_at_every_moment() {
    let moments = setup()
        .at_every_crash(async |engine| {
            let run = asked(&engine, &json!({ "quorum": 2, "reject_when": "quorum_impossible" })).await;
            for (person, body) in [(0, "answer=reject"), (0, "answer=approve"), (2, "answer=approve")] {
                // Whose process died before it answered sends again, and may find that the first has decided.
                let status = answer(&engine, &run, person, body).await.status().as_u16();
                assert!(status == 202 || status == 410 && person == 2, "{status}");
            }
            let (id, data) = outcome(&run).await;
            let answers: Vec<&Value> =
                data["answers"].as_array().unwrap().iter().map(|given| &given["name"]).collect();
            assert_eq!((id.as_str(), answers), ("approved", vec![&json!("Anna"), &json!("Cleo")]));
        })
        .await;
    assert!(moments > 15, "{moments} moments");
}
