//! Connections: made over the API, chosen by a workflow, resolved for each attempt.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use stepwell::prelude::*;

use crate::http::{Server, body};

/// The mint
#[connection(bearer = token)]
struct Mint {
    /// Name
    name: String,
    /// Token
    token: String,
}

/// Strike a coin
#[step(outcomes(struck { by: String }))]
async fn strike(_config: NoConfig, cx: ExecuteContext<Mint>) -> Result<StrikeOutcome, StepError> {
    match cx.connection().token.as_str() {
        "worn out" => Err(StepError::permanent("the token is worn out")),
        _ => Ok(StrikeOutcome::Struck { by: cx.connection().name.clone() }),
    }
}

/// Polish a coin
#[step(outcomes(polished { by: Option<String> }), finish = shine)]
async fn polish(
    _config: NoConfig,
    cx: ExecuteContext<Option<Mint>>,
) -> Result<Execution<PolishOutcome, Option<String>>, StepError> {
    Ok(Execution::defer(cx.connection().as_ref().map(|mint| mint.name.clone())))
}

async fn shine(
    _request: Request,
    _config: NoConfig,
    cx: FinishContext<Option<String>, Option<Mint>>,
) -> Result<Finish<PolishOutcome>, StepError> {
    let by = cx.connection().as_ref().map(|mint| mint.name.clone());
    assert_eq!(&by, cx.state(), "every handler has the connection that `execute` had");
    Ok(PolishOutcome::Polished { by }.into())
}

/// Which coin it is.
#[config]
struct Coin {
    /// Name
    #[field(options = coins)]
    name: String,
}

/// A coin was found
#[trigger(outcomes(found { by: Option<String>, name: String }))]
async fn coin_found(
    _request: Request,
    config: Coin,
    cx: TriggerContext<(), Option<Mint>>,
) -> Result<CoinFoundOutcome, TriggerError> {
    let by = cx.connection().as_ref().map(|mint| mint.name.clone());
    Ok(CoinFoundOutcome::Found { by, name: config.name })
}

#[options]
async fn coins(_query: OptionsQuery, cx: OptionsContext<Option<Mint>>) -> Result<Vec<Choice>, StepError> {
    let by = cx.connection().as_ref().map_or("nobody", |mint| mint.name.as_str());
    Ok(vec![Choice::new("penny", format!("a penny of {by}"))])
}

const KIND: &str = "/connections/stepwell-engine/mint";

fn workflow(connection: Option<&str>) -> Value {
    let mut definition = json!({
        "title": "Strike",
        "trigger": { "block": "core/manual", "on": { "started": "strike" } },
        "steps": { "strike": { "block": "stepwell-engine/strike" } },
    });
    if let Some(connection) = connection {
        definition["steps"]["strike"]["connection"] = json!(connection);
    }
    definition
}

async fn set(server: &Server, name: &str, credentials: &Value) -> reqwest::Response {
    server.api(Method::PUT, &format!("{KIND}/{name}")).json(credentials).send().await.unwrap()
}

async fn struck(server: &Server, workflow: &str) -> Value {
    let started = server.api(Method::POST, &format!("/workflows/{workflow}/runs")).json(&json!({}));
    let run = body(started.send().await.unwrap()).await["id"].as_str().unwrap().to_owned();
    server.get(&format!("/runs/{run}?wait=20")).await
}

#[tokio::test]
async fn s8_a_step_gets_the_connection_that_its_workflow_names_as_it_is_at_the_attempt() {
    let server = Server::start().await;
    for (key, name, path) in
        [("plain", None, "steps.strike.block"), ("named", Some("north"), "steps.strike.connection")]
    {
        let put = server.api(Method::PUT, &format!("/workflows/{key}")).json(&workflow(name));
        assert_eq!(put.send().await.unwrap().status(), 200);
        let refused = server.api(Method::POST, &format!("/workflows/{key}/enable")).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let problem = body(refused).await;
        assert_eq!(problem["errors"][0]["path"], path, "{problem}");
        let mend =
            format!("`stepwell connections set stepwell-engine/mint --name {}`", name.unwrap_or("default"));
        assert!(problem.to_string().contains(&mend), "{problem}");
    }
    let main = json!({ "name": "main", "token": "w0rn" });
    let north = json!({ "name": "of the north", "token": "worn out" });
    for (name, credentials) in [("default", &main), ("north", &north)] {
        assert_eq!(set(&server, name, credentials).await.status(), StatusCode::CREATED);
    }
    server.enable_as("plain", &workflow(None)).await;
    server.enable_as("named", &workflow(Some("north"))).await;

    // One that is removed later is missed by the attempt that needs it.
    let removed = server.api(Method::DELETE, &format!("{KIND}/default")).send().await.unwrap();
    assert_eq!(removed.status(), StatusCode::OK);
    let without = struck(&server, "plain").await;
    let error = without["executions"][0]["error"].to_string();
    assert!(error.contains("`stepwell connections set stepwell-engine/mint --name default`"), "{without}");
    assert_eq!(set(&server, "default", &main).await.status(), StatusCode::CREATED);
    let run = without["id"].as_str().unwrap();
    let retried = server.api(Method::POST, &format!("/runs/{run}/retry")).send().await.unwrap();
    assert!(retried.status().is_success());
    let run = server.get(&format!("/runs/{run}?wait=20")).await;
    assert_eq!(run["executions"][1]["data"]["by"], "main", "{run}");

    assert_eq!(struck(&server, "named").await["status"], "failed");
    let renewed = json!({ "name": "of the north", "token": "n3w" });
    assert_eq!(set(&server, "north", &renewed).await.status(), StatusCode::OK);
    let run = struck(&server, "named").await;
    assert_eq!(run["executions"][0]["data"]["by"], "of the north", "{run}");

    let listed = server.get("/connections").await;
    let names: Vec<_> = listed["connections"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["default", "north"]);
    assert!(!listed.to_string().contains("n3w") && !run.to_string().contains("n3w"), "{listed} {run}");

    let removed = server.api(Method::DELETE, &format!("{KIND}/north")).send().await.unwrap();
    assert_eq!(removed.status(), StatusCode::OK);
    let again = server.api(Method::DELETE, &format!("{KIND}/north")).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_FOUND);
    assert_eq!(struck(&server, "named").await["status"], "failed");
}

#[tokio::test]
async fn credentials_that_do_not_fit_are_refused_without_a_word_of_them() {
    let server = Server::start().await;
    let refused = set(&server, "default", &json!({ "name": 7, "word": "hush" })).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let problem = body(refused).await;
    let mut paths: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|error| error["path"].as_str().unwrap()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["name", "token"], "{problem}");
    assert!(!problem.to_string().contains("hush"), "{problem}");

    let unknown = server.api(Method::PUT, "/connections/stepwell-engine/mnt/default").json(&json!({}));
    let problem = body(unknown.send().await.unwrap()).await;
    assert_eq!(problem["errors"][0]["path"], "kind", "{problem}");
    let wrong_name = body(set(&server, "no.name", &json!({ "name": "a", "token": "b" })).await).await;
    assert_eq!(wrong_name["errors"][0]["path"], "name", "{wrong_name}");
    assert_eq!(server.get("/connections").await["connections"], json!([]));
}

#[tokio::test]
async fn a_connection_is_named_where_the_block_uses_one() {
    let server = Server::start().await;
    let mut definition = workflow(Some("no name"));
    definition["trigger"]["connection"] = json!("default");
    let checked = server.api(Method::POST, "/workflows/check").json(&definition);
    let problems = body(checked.send().await.unwrap()).await;
    assert_eq!(problems["problems"][0]["path"], "steps.strike.connection", "{problems}");
    definition["steps"]["strike"]["connection"] = json!("north");
    let checked = server.api(Method::POST, "/workflows/check").json(&definition);
    let problems = body(checked.send().await.unwrap()).await;
    assert_eq!(problems["problems"][0]["path"], "trigger.connection", "{problems}");
}

#[tokio::test]
async fn s8_a_block_that_runs_without_a_connection_has_the_one_that_is_named_and_no_other() {
    let server = Server::start().await;
    for name in ["default", "north"] {
        let credentials = json!({ "name": format!("the {name}"), "token": "t0ken" });
        assert_eq!(set(&server, name, &credentials).await.status(), StatusCode::CREATED);
    }
    for (id, named, by) in [
        ("without", None, Value::Null),
        ("default", Some("default"), json!("the default")),
        ("north", Some("north"), json!("the north")),
    ] {
        let mut definition = workflow(None);
        definition["steps"]["strike"]["block"] = json!("stepwell-engine/polish");
        definition["trigger"]["block"] = json!("stepwell-engine/coin-found");
        definition["trigger"]["config"] = json!({ "name": "penny" });
        definition["trigger"]["on"] = json!({ "found": "strike" });
        if let Some(named) = named {
            definition["steps"]["strike"]["connection"] = json!(named);
            definition["trigger"]["connection"] = json!(named);
        }
        let url = server.enable_as(id, &definition).await;
        let run = server.event(&url).await;
        let waiting = server.finished_attempts(&run, 1).await;
        assert_eq!(waiting["trigger"]["data"]["by"], by, "{waiting}");
        let callback = waiting["executions"][0]["finish_callback_url"].as_str().unwrap();
        assert_eq!(server.client.post(callback).send().await.unwrap().status(), 202);
        let ended = server.get(&format!("/runs/{run}?wait=20")).await;
        assert_eq!(ended["executions"][0]["data"]["by"], by, "{ended}");
    }
    let coin = json!({ "block": "stepwell-engine/coin-found", "field": "name" });
    let mut named = coin.clone();
    named["connection"] = json!("north");
    for (asked, label) in [(coin, "a penny of nobody"), (named, "a penny of the north")] {
        let answer = server.api(Method::POST, "/blocks/options").json(&asked).send().await.unwrap();
        assert_eq!(body(answer).await["choices"][0]["label"], label);
    }
}

#[tokio::test]
async fn a_connection_that_is_named_must_be_there_also_where_the_block_runs_without_one() {
    let server = Server::start().await;
    let mut definition = workflow(Some("north"));
    definition["steps"]["strike"]["block"] = json!("stepwell-engine/polish");
    server.api(Method::PUT, "/workflows/polish").json(&definition).send().await.unwrap();
    let refused = server.api(Method::POST, "/workflows/polish/enable").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let problem = body(refused).await;
    assert_eq!(problem["errors"][0]["path"], "steps.strike.connection", "{problem}");
    assert!(problem.to_string().contains("--name north"), "{problem}");
}
