//! The workflow is replaced by new versions, disabled and enabled again while it is used.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::api::{Api, answer, until};
use super::ledger::Ledger;
use super::workflow::{CALLED, ID, called, definition};
use crate::failure::Failure;

/// How long a version is used.
const USED_FOR: Duration = Duration::from_secs(2);
/// How long the workflow stays disabled.
const DISABLED_FOR: Duration = Duration::from_millis(300);

/// Creates the workflow and the one that it calls, and enables them.
pub(super) async fn create(api: &Api, provider: &str) -> Result<(), Failure> {
    create_one(api, CALLED, called(provider)).await?;
    create_one(api, ID, definition(provider)).await
}

async fn create_one(api: &Api, id: &str, mut definition: Value) -> Result<(), Failure> {
    let path = format!("/api/v1/workflows/{id}");
    if let Some(fields) = definition.as_object_mut() {
        fields.remove("id");
    }
    until("the draft", async || {
        let answer = answer(api.put(&path).json(&definition)).await?;
        answer.status.is_success().then_some(())
    })
    .await?;
    switch(api, id, "enable").await
}

/// Switches until the ledger is stopped, and leaves the workflow enabled.
pub(super) async fn keep_switching(api: Api, ledger: Arc<Ledger>) -> Result<(), Failure> {
    for round in 1.. {
        tokio::time::sleep(USED_FOR).await;
        if ledger.is_stopped() {
            break;
        }
        if round % 3 == 0 {
            switch(&api, ID, "disable").await?;
            ledger.note_switch();
            tokio::time::sleep(DISABLED_FOR).await;
        }
        switch(&api, ID, "enable").await?;
        ledger.note_switch();
    }
    Ok(())
}

/// Enables or disables until that is acknowledged. Somebody who has asked before may have done it: then it is seen.
async fn switch(api: &Api, id: &str, how: &str) -> Result<(), Failure> {
    let path = format!("/api/v1/workflows/{id}");
    until(how, async || {
        let answer = answer(api.post(&format!("{path}/{how}"))).await?;
        if answer.status.is_success() && answer.status != reqwest::StatusCode::ACCEPTED {
            return Some(());
        }
        let enabled = api.get(&path).await.ok()?["enabled"] == (how == "enable");
        (how == "disable" && enabled).then_some(())
    })
    .await
}
