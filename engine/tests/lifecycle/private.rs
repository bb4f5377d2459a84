//! What nobody may read in the database or through the API.

use serde_json::json;
use stepwell::prelude::*;

use crate::http::Server;

const PASSWORD: &str = "passw0rd-of-the-config";
const REGISTRATION: &str = "w0rd-of-the-registration";
const STATE: &str = "w0rd-of-the-state";
const ONCE: &str = "w0rd-of-once";
const ANSWER: &str = "w0rd-of-the-answer";
const CREDENTIALS: &str = "w0rd-of-the-sender";
/// What is told to everybody who sees the run.
const TOLD: &str = "a w0rd for the door";

/// What is kept.
#[data]
struct Kept {
    word: String,
}

/// Somebody came to the vault
#[trigger(outcomes(came), activate = register, deactivate = forget)]
async fn vault(
    _request: Request,
    _config: NoConfig,
    cx: TriggerContext<Kept>,
) -> Result<Trigger<VaultOutcome, Dedupe>, TriggerError> {
    assert_eq!(cx.registration().word, REGISTRATION);
    Ok(VaultOutcome::Came.dedupe("once").with_response(Response::text(ANSWER)))
}

async fn register(_config: NoConfig, _cx: ActivateContext) -> Result<Kept, ActivationError> {
    Ok(Kept { word: REGISTRATION.to_owned() })
}

async fn forget(_config: NoConfig, cx: DeactivateContext<Kept>) -> Result<(), ActivationError> {
    assert_eq!(cx.registration().word, REGISTRATION);
    Ok(())
}

/// How the vault is locked.
#[config]
struct Lock {
    /// Password
    password: Secret,
}

/// Lock the vault
#[step(outcomes(unlocked), finish = unlock)]
async fn lock(_config: Lock, cx: ExecuteContext) -> Result<Execution<LockOutcome, Kept>, StepError> {
    let word = cx.once("word", async |_key: String| Ok::<_, StepError>(ONCE.to_owned())).await?;
    assert_eq!(word, ONCE);
    let waiting = Execution::defer(Kept { word: STATE.to_owned() }).waiting_for(TOLD);
    Ok(waiting.link("https://vault.example.com/door"))
}

async fn unlock(
    request: Request,
    config: Lock,
    cx: FinishContext<Kept>,
) -> Result<Finish<LockOutcome>, StepError> {
    assert_eq!((config.password.expose().as_str(), cx.state().word.as_str()), (PASSWORD, STATE));
    assert_eq!(request.header_opt("cookie"), None, "credentials were not stored");
    Ok(match request.text()? {
        "" => Finish::NoOp,
        _ => LockOutcome::Unlocked.into(),
    })
}

/// Whether a text is in the database, as it is or in `PostgreSQL`'s hexadecimal form.
fn holds(stored: &[u8], text: &str) -> bool {
    let hexadecimal = text.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let has = |text: &str| stored.windows(text.len()).any(|window| window == text.as_bytes());
    has(text) || has(&hexadecimal)
}

/// All that the database holds.
async fn stored(server: &Server) -> Vec<u8> {
    let Some(shared) = &server.data.shared else {
        let folder = server.data.directory.path().join("data");
        let files = ["stepwell.db", "stepwell.db-wal"];
        return files.map(|name| std::fs::read(folder.join(name)).unwrap()).concat();
    };
    let client = shared.connect().await;
    let tables =
        client.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", &[]).await.unwrap();
    let mut stored = Vec::new();
    for table in tables {
        let table: String = table.get(0);
        let rows =
            client.query(&format!("SELECT row_to_json({table})::text FROM {table}"), &[]).await.unwrap();
        stored.extend(rows.iter().flat_map(|row| row.get::<_, String>(0).into_bytes()));
    }
    stored
}

#[tokio::test]
async fn s8_o3_t7_d10_what_is_private_is_neither_in_the_database_in_clear_nor_in_the_api() {
    let server = Server::start().await;
    let definition = json!({
        "title": "A vault",
        "trigger": { "block": "stepwell-engine/vault", "on": { "came": "lock" } },
        "steps": { "lock": {
            "block": "stepwell-engine/lock",
            "config": { "password": PASSWORD },
            "on": { "unlocked": "end" },
        } },
    });
    let url = server.enable_as("vault", &definition).await;
    let sent = server.client.post(&url).bearer_auth(CREDENTIALS).send().await.unwrap();
    assert_eq!(sent.text().await.unwrap(), ANSWER);
    let run = server.get("/runs").await["runs"][0]["id"].as_str().unwrap().to_owned();
    server.get(&format!("/runs/{run}?wait=20&until=waiting")).await;
    let waiting = server.get("/waiting").await;
    let waits = &waiting["waiting"][0];
    let told = json!({ "text": TOLD, "link": "https://vault.example.com/door" });
    assert_eq!((&waits["waiting_for"], waits["waiting_since"].is_string()), (&told, true));

    let finish = waits["finish_callback_url"].as_str().unwrap();
    let callback = server.client.post(finish).bearer_auth(CREDENTIALS).header("cookie", CREDENTIALS);
    assert_eq!(callback.send().await.unwrap().status(), 202);
    let noted = server.finished_attempts(&run, 2).await;
    assert_eq!(noted["executions"][0]["attempts"][1]["result"], "no_op", "{noted}");

    let versions = server.get("/workflows/vault/versions").await;
    let workflow = server.get("/workflows/vault").await;
    let shown = format!("{noted}{versions}{workflow}{waiting}").into_bytes();
    let stored = stored(&server).await;
    assert!(holds(&stored, TOLD) && holds(&shown, TOLD));
    for word in [PASSWORD, REGISTRATION, STATE, ONCE, ANSWER, CREDENTIALS] {
        assert!(!holds(&stored, word), "the database holds the {word}");
        assert!(!holds(&shown, word), "the API shows the {word}");
    }
    let again = server.client.post(&url).send().await.unwrap();
    assert_eq!(again.text().await.unwrap(), ANSWER);
}
