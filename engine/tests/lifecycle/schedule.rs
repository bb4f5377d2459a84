//! `core/schedule`: rhythms, and what becomes of times that pass while no engine runs.

use std::time::Duration;

use serde_json::{Value, json};
use stepwell_engine::testing::TestEngine;

use crate::builtin::{data, trigger};
use crate::database::{engine, setup};

const HOUR: Duration = Duration::from_hours(1);

async fn schedule(engine: &TestEngine, config: &Value) -> Result<String, String> {
    trigger(engine, "core/schedule", config, "due").await
}

/// When runs were due, on the first of January 2026, as hours and minutes.
async fn due(engine: &TestEngine) -> Vec<String> {
    let times = data(engine).await.into_iter().map(|data| data["time"].as_str().unwrap().to_owned());
    times
        .map(|time| {
            time.strip_prefix("2026-01-01T").and_then(|time| time.get(..5)).unwrap_or(&time).to_owned()
        })
        .collect()
}

#[tokio::test]
async fn t14_a_schedule_starts_runs_by_the_calendar() {
    let engine = engine().await;
    let config =
        json!({ "when": { "kind": "cron", "expression": "0 9 * * *", "time_zone": "Europe/Berlin" } });
    schedule(&engine, &config).await.unwrap();
    engine.advance(HOUR * 48).await;
    assert_eq!(
        data(&engine).await,
        [json!({ "time": "2026-01-01T08:00:00Z" }), json!({ "time": "2026-01-02T08:00:00Z" })]
    );
}

#[tokio::test]
async fn t14_a_schedule_counts_intervals_from_its_anchor_or_from_when_it_was_enabled() {
    let engine = engine().await;
    engine.advance(Duration::from_mins(7)).await;
    schedule(&engine, &json!({ "when": { "kind": "every", "interval": "15m" } })).await.unwrap();
    engine.advance(HOUR).await;
    assert_eq!(due(&engine).await, ["00:22", "00:37", "00:52", "01:07"]);
    let anchored = json!({ "kind": "every", "interval": "2h", "anchor": "2020-02-29T01:00:00+00:00" });
    schedule(&engine, &json!({ "when": anchored })).await.unwrap();
    engine.advance(HOUR * 4).await;
    assert_eq!(due(&engine).await[4..], ["03:00", "05:00"]);
}

/// What is due after an hour with an engine, four hours and a half without one, and two hours with one.
async fn with_a_gap(config: &Value) -> Vec<String> {
    let engine = engine().await;
    schedule(&engine, config).await.unwrap();
    engine.advance(HOUR).await;
    engine.down_for(Duration::from_mins(270)).await;
    engine.advance(HOUR * 2).await;
    due(&engine).await
}

#[tokio::test]
async fn t14_a_schedule_says_what_becomes_of_times_that_were_missed() {
    let every = json!({ "kind": "every", "interval": "1h" });
    let cron = json!({ "kind": "cron", "expression": "0 * * * *" });
    for when in [every, cron] {
        let once = with_a_gap(&json!({ "when": when })).await;
        assert_eq!(once, ["01:00", "02:00", "06:00", "07:00"], "{when}");
        let skip = with_a_gap(&json!({ "when": when, "missed": "skip" })).await;
        assert_eq!(skip, ["01:00", "06:00", "07:00"], "{when}");
        let all = with_a_gap(&json!({ "when": when, "missed": "all" })).await;
        assert_eq!(all, ["01:00", "02:00", "03:00", "04:00", "05:00", "06:00", "07:00"], "{when}");
    }
}

#[tokio::test]
async fn t14_a_schedule_catches_up_with_a_bounded_number_of_times() {
    let every = json!({ "kind": "every", "interval": "1m" });
    let cron = json!({ "kind": "cron", "expression": "* * * * *" });
    for when in [every, cron] {
        let engine = engine().await;
        schedule(&engine, &json!({ "when": when, "missed": "all" })).await.unwrap();
        // A little less than a hundred years.
        engine.down_for(24 * 36_500 * HOUR + Duration::from_secs(30)).await;
        let last = engine.now().to_string();
        let due = data(&engine).await;
        assert_eq!(due.len(), 1000, "{when}");
        let time = |due: &Value| due["time"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        let (first, last) = (time(&due[0]), last.parse::<jiff::Timestamp>().unwrap());
        assert_eq!(last.duration_since(first).as_mins(), 999, "{when}");
    }
}

#[tokio::test]
async fn o1_t14_a_schedule_leaves_out_what_was_missed_but_for_the_first_whatever_crashes() {
    let moments = setup()
        .at_every_crash(async |engine| {
            let when = json!({ "kind": "every", "interval": "1h" });
            schedule(&engine, &json!({ "when": when, "missed": "once" })).await.unwrap();
            engine.down_for(Duration::from_mins(150)).await;
            engine.advance(Duration::from_mins(30)).await;
            assert_eq!(due(&engine).await, ["01:00", "03:00"]);
        })
        .await;
    assert!(moments > 5, "{moments} moments");
}

#[tokio::test]
async fn t3_a_schedule_that_names_no_time_is_not_enabled() {
    let engine = engine().await;
    for (when, part) in [
        (json!({ "kind": "cron", "expression": "daily at nine" }), "trigger.config.when.expression"),
        (json!({ "kind": "cron", "expression": "0 9 * * *", "time_zone": "Mars" }), "when.time_zone"),
        (json!({ "kind": "every", "interval": "500ms" }), "when.interval"),
    ] {
        let error = schedule(&engine, &json!({ "when": when })).await.unwrap_err();
        assert!(error.contains(part), "{error}");
    }
    for (config, part) in [
        (json!({ "when": { "kind": "every", "interval": "1h" }, "missed": "first" }), "missed"),
        (json!({ "when": { "kind": "every", "interval": "1h", "anchor": "noon" } }), "when.anchor"),
        (
            json!({ "when": { "kind": "cron", "expression": "0 9 * * *", "timezone": "UTC" } }),
            "when.timezone",
        ),
    ] {
        let error = schedule(&engine, &config).await.unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}
