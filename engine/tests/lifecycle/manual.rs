//! `core/manual`: what a start by hand gives.

use serde_json::{Value, json};
use stepwell_engine::definition::Problem;
use stepwell_engine::driver::Refusal;
use stepwell_engine::model::{RunStatus, WorkflowId};

use crate::engine::Engine;

/// A workflow that is started by hand with these inputs, and reads one of them.
fn workflow(inputs: &Value, path: &str) -> Value {
    json!({
        "title": "Spend",
        "trigger": {
            "block": "core/manual",
            "config": { "inputs": inputs },
            "on": { "started": "note" },
        },
        "steps": { "note": { "block": "core/log", "config": { "message": format!("{{{{ {path} }}}}") } } },
    })
}

/// The problems of a refusal, each as its path and message.
fn problems(refusal: Refusal) -> Vec<(String, String)> {
    let Refusal::Problems(problems) = refusal else { panic!("{refusal:?}") };
    problems.into_iter().map(|Problem { path, message, .. }| (path, message)).collect()
}

fn owned(problems: &[(&str, &str)]) -> Vec<(String, String)> {
    problems.iter().map(|(path, message)| ((*path).to_owned(), (*message).to_owned())).collect()
}

async fn start(engine: &Engine, data: Value) -> Result<RunStatus, Vec<(String, String)>> {
    let run = engine.driver.start_run(&WorkflowId("flow".into()), None, data).await.map_err(problems)?;
    engine.reaches(run, RunStatus::Completed).await;
    Ok(RunStatus::Completed)
}

#[test]
fn a_start_by_hand_gives_the_inputs_and_every_one_that_does_not_fit_is_named() {
    let engine = Engine::start();
    engine.block_on(async {
        let inputs = json!({
            "purpose": { "type": "text", "title": "What for" },
            "amount": { "type": "number" },
            "urgent": { "type": "boolean", "required": false },
        });
        engine.enable("flow", &workflow(&inputs, "trigger.purpose")).await.unwrap();
        let refused = start(&engine, json!({ "amount": "much", "urgnt": true })).await.unwrap_err();
        assert_eq!(
            refused,
            owned(&[
                ("data.purpose", "`purpose` is required; give it a value"),
                ("data.amount", "`amount` must be a number; change it"),
                ("data.urgnt", "There is no field `urgnt`; did you mean `urgent`?"),
            ])
        );
        let nothing = start(&engine, Value::Null).await.unwrap_err();
        assert_eq!(
            nothing,
            owned(&[
                ("data.purpose", "`purpose` is required; give it a value"),
                ("data.amount", "`amount` is required; give it a value"),
            ])
        );
        let list = start(&engine, json!([1])).await.unwrap_err();
        assert_eq!(list, owned(&[("data", "The data must be a map; change it")]));
        for right in [
            json!({ "purpose": "a lathe", "amount": 7 }),
            json!({ "purpose": "a lathe", "amount": 7.5, "urgent": null }),
        ] {
            start(&engine, right).await.unwrap();
        }
    });
}

#[test]
fn a_start_without_data_gives_none_of_the_inputs_that_may_be_left_out() {
    let engine = Engine::start();
    engine.block_on(async {
        let inputs = json!({ "note": { "type": "text", "required": false } });
        engine.enable("flow", &workflow(&inputs, "trigger.note | default('none', true)")).await.unwrap();
        start(&engine, Value::Null).await.unwrap();
        let open = workflow(&json!({}), "trigger.anything | default('none', true)");
        engine.enable("flow", &open).await.unwrap();
        start(&engine, json!({ "anything": "x" })).await.unwrap();
        start(&engine, Value::Null).await.unwrap();
    });
}

#[test]
fn a_step_reads_no_input_that_there_is_not_and_none_that_may_be_missing() {
    let engine = Engine::start();
    engine.block_on(async {
        let inputs = json!({ "note": { "type": "text", "required": false } });
        for (path, message) in [
            ("trigger.notes", "There is no field in `trigger`: `notes`; did you mean `note`?"),
            (
                "trigger.note",
                "`trigger.note` may be missing; say what to do then, such as `trigger.note | default('none', true)`",
            ),
        ] {
            let refused = engine.enable("flow", &workflow(&inputs, path)).await.unwrap_err();
            assert_eq!(problems(refused), owned(&[("steps.note.config.message", message)]));
        }
    });
}

#[test]
fn an_input_that_is_not_right_is_refused_with_its_path() {
    let engine = Engine::start();
    engine.block_on(async {
        for (input, path) in [
            (json!({ "type": "txt" }), "trigger.config.inputs.note.type"),
            (json!({ "title": "Note" }), "trigger.config.inputs.note.type"),
            (json!({ "type": "text", "requird": false }), "trigger.config.inputs.note.requird"),
        ] {
            let inputs = json!({ "note": input });
            let refused = engine.enable("flow", &workflow(&inputs, "workflow.id")).await.unwrap_err();
            assert_eq!(problems(refused)[0].0, path);
        }
    });
}
