//! Many callbacks of one execution at once, received by several engines.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::process::until;
use crate::runs::{enable, run, two, waits_at};
use crate::support::postgres::Server;

/// How many callbacks there are.
const CALLBACKS: usize = 300;

#[test]
fn d3_d5_of_callbacks_that_come_at_once_to_two_engines_one_resolves() {
    let server = Server::shared();
    let (first, second, _data) = two(&server);
    let trigger = enable(&first);
    let run = run(&first, &trigger);
    let path = waits_at(&first, &run);
    let urls = [&first.url, &second.url].map(|url| format!("{url}{path}"));
    let acknowledged = tokio::runtime::Runtime::new().unwrap().block_on(async {
        // Another test of this binary may have chosen it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::new();
        let posts = (0..CALLBACKS).map(|number| {
            let request = http.post(format!("{}?number={number}", urls[number % 2])).json(&json!({}));
            tokio::spawn(async move { (number, request.send().await.unwrap().status().as_u16()) })
        });
        let mut acknowledged = BTreeSet::new();
        for post in posts.collect::<Vec<_>>() {
            match post.await.unwrap() {
                (number, 202) => assert!(acknowledged.insert(format!("number={number}"))),
                (number, status) => assert_eq!(status, 410, "callback {number}"),
            }
        }
        acknowledged
    });
    // What came too late for the one that resolved is recorded as unused after the run has ended.
    let seen = until(|| {
        let (_, seen) = second.get(&format!("/api/v1/runs/{run}"))?;
        let callbacks = seen["executions"][0]["callbacks"].as_array()?;
        let settled = callbacks.iter().all(|callback| callback["status"] != "pending");
        (seen["status"] == "completed" && settled).then_some(seen)
    });
    let callbacks = seen["executions"][0]["callbacks"].as_array().unwrap();
    let with = |wanted: &dyn Fn(&Value) -> bool| -> BTreeSet<String> {
        let found = callbacks.iter().filter(|callback| wanted(&callback["status"]));
        found.map(|callback| callback["request"]["query"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(with(&|_| true), acknowledged);
    assert_eq!(callbacks.len(), acknowledged.len());
    assert_eq!(with(&|status| status == "finished").len(), 1, "{seen:#}");
    assert_eq!(with(&|status| status == "unused").len(), acknowledged.len() - 1, "{seen:#}");
}
