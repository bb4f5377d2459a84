//! The workflow is replaced by new versions, disabled and enabled again while it is used.

use std::sync::Arc;
use std::time::Duration;

use super::api::{Api, answer, until};
use super::ledger::Ledger;
use super::workflow::{ID, definition};
use crate::failure::Failure;

/// How long a version is used.
const USED_FOR: Duration = Duration::from_secs(2);
/// How long the workflow stays disabled.
const DISABLED_FOR: Duration = Duration::from_millis(300);

/// Creates the workflow and enables it.
pub(super) async fn create(api: &Api, provider: &str) -> Result<(), Failure> {
    let path = format!("/api/v1/workflows/{ID}");
    let mut definition = definition(provider);
    if let Some(fields) = definition.as_object_mut() {
        fields.remove("id");
    }
    until("the draft", async || {
        let answer = answer(api.put(&path).json(&definition)).await?;
        answer.status.is_success().then_some(())
    })
    .await?;
    switch(api, "enable").await
}

/// Switches until the ledger is stopped, and leaves the workflow enabled.
pub(super) async fn keep_switching(api: Api, ledger: Arc<Ledger>) -> Result<(), Failure> {
    for round in 1.. {
        tokio::time::sleep(USED_FOR).await;
        if ledger.is_stopped() {
            break;
        }
        if round % 3 == 0 {
            switch(&api, "disable").await?;
            ledger.note_switch();
            tokio::time::sleep(DISABLED_FOR).await;
        }
        switch(&api, "enable").await?;
        ledger.note_switch();
    }
    Ok(())
}

/// Enables or disables until that is acknowledged. Somebody who has asked before may have done it: then it is seen.
async fn switch(api: &Api, how: &str) -> Result<(), Failure> {
    let path = format!("/api/v1/workflows/{ID}");
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
