//! Workflows: drafts, versions, enable, disable, check, and starting a run by hand.

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::definition::{Definition, Problem as Finding, check, is_workflow_id};
use crate::driver::Drafted;
use crate::http::problem::Problem;
use crate::http::{Api, views};
use crate::model::WorkflowId;
use crate::store::WorkflowRow;

type Body = Result<Json<Value>, JsonRejection>;

pub(in crate::http) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/v1/workflows", get(list).post(create))
        .route("/api/v1/workflows/check", post(check_only))
        .route("/api/v1/workflows/{id}", get(one).put(put))
        .route("/api/v1/workflows/{id}/export", get(export))
        .route("/api/v1/workflows/{id}/enable", post(enable))
        .route("/api/v1/workflows/{id}/disable", post(disable))
        .route("/api/v1/workflows/{id}/deactivate", post(deactivate))
        .route("/api/v1/workflows/{id}/versions", get(versions))
        .route("/api/v1/workflows/{id}/runs", post(start))
}

async fn list(State(api): State<Api>) -> Result<Json<Value>, Problem> {
    let rows = api.driver.store().workflows().await?;
    Ok(Json(json!({ "workflows": rows.iter().map(views::workflow).collect::<Vec<_>>() })))
}

async fn one(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    Ok(Json(views::workflow_with_draft(&find(&api, &id).await?)))
}

async fn create(State(api): State<Api>, body: Body) -> Result<Response, Problem> {
    let Json(value) = body?;
    let parsed = Definition::from_value(&value).map_err(Problem::invalid)?;
    let id = parsed.id.clone().unwrap_or_else(|| slug(&parsed.definition.title));
    if api.driver.store().workflow(&WorkflowId(id.clone())).await?.is_some() {
        let detail = format!("There is a workflow `{id}` already; PUT changes its draft");
        return Err(Problem::new(StatusCode::CONFLICT, "conflict", "Not possible now", detail));
    }
    let drafted = write(&api, &id, &value).await?;
    Ok((StatusCode::CREATED, Json(views::workflow_with_draft(&drafted.row))).into_response())
}

async fn put(State(api): State<Api>, Path(id): Path<String>, body: Body) -> Result<Json<Value>, Problem> {
    let Json(value) = body?;
    let Drafted { row, unchanged, published } = write(&api, &id, &value).await?;
    let mut view = views::workflow_with_draft(&row);
    view["unchanged"] = unchanged.into();
    view["published"] = published.into();
    Ok(Json(view))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exported {
    version: Option<u32>,
}

/// The draft or a version as a file that can be applied, without its secrets.
async fn export(
    State(api): State<Api>,
    Path(id): Path<String>,
    query: Result<Query<Exported>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(Exported { version }) =
        query.map_err(|_| Problem::invalid_field("version", "A version is a whole number, such as 3"))?;
    let file = api.driver.export(&workflow_id(&id)?, version).await?;
    Ok(([(http::header::CONTENT_TYPE, "application/yaml")], file).into_response())
}

/// Stores a draft that has no problems; of one that has, nothing is stored and all are told.
async fn write(api: &Api, id: &str, value: &Value) -> Result<Drafted, Problem> {
    if !is_workflow_id(id) {
        return Err(Problem::invalid_field(
            "id",
            "An id is 1 to 100 letters, digits, `-` and `_`, such as `qualify-lead`",
        ));
    }
    let definition = Definition::from_value(value).map_err(Problem::invalid)?.definition;
    let problems = check(&definition, api.driver.catalog());
    if !problems.is_empty() {
        return Err(Problem::invalid(problems));
    }
    Ok(api.driver.put_draft(&WorkflowId(id.to_owned()), &definition).await?)
}

async fn check_only(State(api): State<Api>, body: Body) -> Result<Json<Value>, Problem> {
    let Json(value) = body?;
    let problems = match Definition::from_value(&value) {
        Ok(parsed) => {
            let definition = parsed.definition;
            let id = parsed.id.unwrap_or_else(|| slug(&definition.title));
            let mut problems = check(&definition, api.driver.catalog());
            problems.extend(api.driver.call_problems(&WorkflowId(id), &definition).await?);
            problems
        }
        Err(problems) => problems,
    };
    Ok(Json(json!({ "problems": problems })))
}

async fn enable(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    let id = workflow_id(&id)?;
    let enabled = api.driver.enable(&id).await?;
    let versions = api.driver.store().versions(&id).await?;
    let activation =
        versions.into_iter().find(|(version, _)| version.id == enabled.id).and_then(|found| found.1);
    Ok(Json(json!({
        "workflow_version_id": enabled.id,
        "number": enabled.number,
        "unique_activation_id": activation.as_ref().map(|activation| activation.id),
        "trigger_callback_url":
            activation.and_then(|activation| views::trigger_callback_url(&api.driver, &enabled, activation.id)),
    })))
}

async fn disable(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    let id = workflow_id(&id)?;
    api.driver.disable(&id).await?;
    Ok(Json(json!({ "id": id, "enabled": false })))
}

/// Calls `deactivate` again where it has failed.
async fn deactivate(State(api): State<Api>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = workflow_id(&id)?;
    api.driver.deactivate_again(&id).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": id }))).into_response())
}

async fn versions(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    let row = find(&api, &id).await?;
    let versions = api.driver.store().versions(&row.id).await?;
    let state = views::state(&row);
    let views: Vec<_> = versions
        .iter()
        .map(|(version, activation)| views::version(&api.driver, version, activation.as_ref(), &state))
        .collect();
    Ok(Json(json!({ "versions": views })))
}

/// What a run is started with by hand.
#[derive(Debug, PartialEq)]
struct Start {
    outcome: Option<String>,
    data: Value,
}

impl Start {
    /// Reads a body; all mistakes are told at once, each with its field.
    fn read(body: Value) -> Result<Self, Vec<Finding>> {
        let finding = |path: &str, message: &str| Finding::new(path, message);
        let Value::Object(mut fields) = body else {
            return Err(vec![finding("", "Send an object with `outcome` and `data`")]);
        };
        let mut findings = Vec::new();
        let outcome = match fields.shift_remove("outcome") {
            None | Some(Value::Null) => None,
            Some(Value::String(outcome)) => Some(outcome),
            Some(_) => {
                findings.push(finding("outcome", "An outcome is named by its id, a text"));
                None
            }
        };
        let data = fields.shift_remove("data").unwrap_or_default();
        findings.extend(fields.keys().map(|field| finding(field, "Not a field; use `outcome` and `data`")));
        if findings.is_empty() { Ok(Self { outcome, data }) } else { Err(findings) }
    }
}

async fn start(State(api): State<Api>, Path(id): Path<String>, body: Body) -> Result<Response, Problem> {
    let Json(body) = body?;
    let Start { outcome, data } = Start::read(body).map_err(Problem::invalid)?;
    let run = api.driver.start_run(&workflow_id(&id)?, outcome, data).await?;
    Ok((StatusCode::CREATED, Json(json!({ "id": run }))).into_response())
}

pub(super) async fn find(api: &Api, id: &str) -> Result<WorkflowRow, Problem> {
    let row = api.driver.store().workflow(&workflow_id(id)?).await?;
    row.ok_or_else(|| no_workflow(id))
}

/// The id in a path. What cannot be one is asked of no database.
fn workflow_id(id: &str) -> Result<WorkflowId, Problem> {
    if is_workflow_id(id) { Ok(WorkflowId(id.to_owned())) } else { Err(no_workflow(id)) }
}

fn no_workflow(id: &str) -> Problem {
    Problem::not_found(format!("There is no workflow `{id}`"))
}

/// An id from a title: `Qualify a lead` becomes `qualify-a-lead`.
fn slug(title: &str) -> String {
    let plain: String = title
        .chars()
        .map(|next| if next.is_ascii_alphanumeric() { next.to_ascii_lowercase() } else { ' ' })
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join("-").chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_tells_every_mistake_with_its_field() {
        let paths = |body| -> Vec<String> {
            Start::read(body).unwrap_err().into_iter().map(|finding| finding.path).collect()
        };
        assert_eq!(paths(json!([])), [""]);
        assert_eq!(paths(json!({ "outcome": 1, "dat": {} })), ["outcome", "dat"]);
        assert_eq!(Start::read(json!({})), Ok(Start { outcome: None, data: Value::Null }));
        assert_eq!(
            Start::read(json!({ "outcome": "received", "data": 1 })),
            Ok(Start { outcome: Some("received".to_owned()), data: json!(1) })
        );
    }
}
