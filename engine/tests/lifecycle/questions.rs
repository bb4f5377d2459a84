//! Questions over real HTTP: what people see who follow a link, and what comes of their answers.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::approval::config;
use crate::builtin::one_step;
use crate::http::{Server, body};

/// A run that asks three people, of whom two must approve.
struct Asking {
    server: Server,
    run: String,
    links: Vec<String>,
}

impl Asking {
    async fn start(more: &Value) -> Self {
        let server = Server::start().await;
        let mut asked = config(more);
        asked["quorum"] = json!(2);
        server.enable_as("ask", &one_step("core/approval", &asked, &["approved", "rejected"])).await;
        let start =
            server.api(Method::POST, "/workflows/ask/runs").json(&json!({ "data": { "order": "<7>" } }));
        let run = body(start.send().await.unwrap()).await["id"].as_str().unwrap().to_owned();
        server.get(&format!("/runs/{run}?wait=20&until=waiting")).await;
        let links = server.get(&format!("/runs/{run}/links")).await;
        let links = links["links"].as_array().unwrap().iter();
        let links = links.map(|link| link["link"].as_str().unwrap().to_owned()).collect();
        Self { server, run, links }
    }

    /// As a browser does.
    async fn browse(&self, method: Method, url: &str) -> Response {
        let request = self.server.client.request(method, url);
        request.header("accept", "text/html,application/xhtml+xml,*/*;q=0.8").send().await.unwrap()
    }

    async fn press(&self, url: &str, fields: &[(&str, &str)]) -> Response {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.server.client.post(url).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = request.header("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        // The page asks browsers not to tell it; some may.
        request.header("referer", url).send().await.unwrap()
    }

    async fn view(&self) -> Value {
        self.server.get(&format!("/runs/{}", self.run)).await
    }
}

/// Checks what every page promises, and gives its text.
async fn page(response: Response, status: u16) -> String {
    assert_eq!(response.status().as_u16(), status);
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    assert_eq!(
        (header("cache-control"), header("referrer-policy")),
        ("no-store".into(), "no-referrer".into())
    );
    assert_eq!(
        (header("x-content-type-options"), header("x-robots-tag")),
        ("nosniff".into(), "noindex".into())
    );
    let policy = header("content-security-policy");
    for rule in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
    let text = response.text().await.unwrap();
    assert!(text.starts_with("<!doctype html>\n<html lang=\"en\">") && !text.contains("<script"), "{text}");
    text
}

#[tokio::test]
async fn d1_seeing_the_page_changes_nothing_however_often() {
    let asking = Asking::start(&json!({})).await;
    let before = asking.view().await;
    for link in &asking.links {
        for _ in 0..3 {
            let seen = page(asking.browse(Method::GET, link).await, 200).await;
            assert!(seen.contains("May we ship order &lt;7&gt;?"), "{seen}");
            let head = asking.browse(Method::HEAD, link).await;
            assert_eq!(head.headers()["content-length"].to_str().unwrap(), seen.len().to_string());
            assert_eq!(page_of_head(head).await, "");
        }
        let with_answer = asking.browse(Method::GET, &format!("{link}?answer=approve")).await;
        page(with_answer, 200).await;
    }
    let bert = page(asking.browse(Method::GET, &asking.links[1]).await, 200).await;
    assert!(
        bert.contains("You answer as <strong>Bert</strong>") && bert.contains("12 kettles\nto Malmö"),
        "{bert}"
    );
    assert_eq!(asking.view().await, before);
    asking.server.engine.shutdown().await;
}

async fn page_of_head(head: Response) -> String {
    assert_eq!(head.status(), 200);
    assert_eq!(head.headers()["cache-control"], "no-store");
    head.text().await.unwrap()
}

#[tokio::test]
async fn d1_d3_d6_an_answer_by_form_is_thanked_for_once_it_is_durable_and_then_the_page_is_closed() {
    let asking = Asking::start(&json!({})).await;
    let thanks =
        page(asking.press(&asking.links[2], &[("answer", "approve"), ("comment", "")]).await, 202).await;
    assert!(thanks.contains("<h1>Thank you</h1>"), "{thanks}");
    assert_eq!(asking.view().await["executions"][0]["callbacks"][0]["request"]["sender"], 2);
    page(asking.browse(Method::GET, &asking.links[2]).await, 200).await;
    let comment = "Yes & <b>no</b>\r\nü";
    page(asking.press(&asking.links[0], &[("answer", "approve"), ("comment", comment)]).await, 202).await;
    let done = asking.server.get(&format!("/runs/{}?wait=20", asking.run)).await;
    assert_eq!(done["executions"][0]["outcome"], "approved");
    assert_eq!(done["executions"][0]["data"]["comment"], "Yes & <b>no</b>\nü");
    for link in &asking.links {
        let closed = page(asking.browse(Method::GET, link).await, 410).await;
        assert!(closed.contains("This is closed"), "{closed}");
        page(asking.press(link, &[("answer", "reject")]).await, 410).await;
        let program =
            asking.server.client.post(link).json(&json!({ "answer": "reject" })).send().await.unwrap();
        assert_eq!(program.status(), 410);
        assert_eq!(body(program).await["type"], "/problems/gone");
    }
    asking.server.engine.shutdown().await;
}

#[tokio::test]
async fn d1_what_is_refused_is_refused_as_a_page_to_people_and_as_a_problem_to_programs() {
    let asking = Asking::start(&json!({})).await;
    let link = &asking.links[0];
    let plain = asking.view().await["executions"][0]["finish_callback_url"].as_str().unwrap().to_owned();
    let nobodys = page(asking.browse(Method::GET, &plain).await, 403).await;
    assert!(nobodys.contains("Not your link") && !nobodys.contains("<form"), "{nobodys}");
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let refused = asking.browse(method, link).await;
        assert_eq!(refused.headers()["allow"], "GET, HEAD, POST");
        page(refused, 405).await;
    }
    let forged = format!("{link}A");
    page(asking.browse(Method::GET, &forged).await, 404).await;
    let program = asking.server.client.get(&forged).send().await.unwrap();
    assert_eq!(program.headers()["content-type"], "application/problem+json");
    assert_eq!(program.status(), 404);
    let long = "x".repeat(1024 * 1024);
    page(asking.press(link, &[("answer", "approve"), ("comment", &long)]).await, 413).await;
    assert_eq!(asking.view().await["executions"][0].get("callbacks"), None);
    assert_eq!(asking.view().await["status"], "waiting");
    asking.server.engine.shutdown().await;
}

#[tokio::test]
async fn d1_links_are_given_out_by_their_own_route_alone() {
    let asking = Asking::start(&json!({})).await;
    let path = format!("/runs/{}/links", asking.run);
    let open = asking.server.open(Method::GET, &format!("/api/v1{path}")).send().await.unwrap();
    assert_eq!(open.status(), 401);
    let given = asking.server.api(Method::GET, &path).send().await.unwrap();
    assert_eq!(given.headers()["cache-control"], "no-store");
    let given = body(given).await;
    let names: Vec<&Value> = given["links"].as_array().unwrap().iter().map(|link| &link["name"]).collect();
    assert_eq!(names, ["Anna", "Bert", "Cleo"]);
    assert_eq!(given["links"][0]["step"], "step");
    let unknown =
        asking.server.api(Method::GET, "/runs/0190c6f0-0000-7000-8000-000000000000/links").send().await;
    assert_eq!(unknown.unwrap().status(), 404);
    page(asking.press(&asking.links[0], &[("answer", "approve")]).await, 202).await;
    for told in [asking.view().await, asking.server.get("/waiting").await, asking.server.get("/runs").await] {
        let told = told.to_string();
        for link in &asking.links {
            assert!(!told.contains(link.rsplit('/').next().unwrap()), "{told}");
        }
    }
    let waiting = asking.server.get("/waiting").await;
    assert_eq!(waiting["waiting"][0]["question"]["people"], json!(["Anna", "Bert", "Cleo"]));
    page(asking.press(&asking.links[1], &[("answer", "reject")]).await, 202).await;
    asking.server.get(&format!("/runs/{}?wait=20", asking.run)).await;
    assert_eq!(asking.server.get(&path).await, json!({ "links": [] }));
    asking.server.engine.shutdown().await;
}
