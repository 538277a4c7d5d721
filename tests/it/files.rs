//! Files over the wire: sent whole and in pieces, put into tickets, given out to be saved (contract: files).

use std::time::Duration;

use loonflow_engine::define::{Assign, Field, Node, Workflow};
use loonflow_engine::workflow::ComponentKind;
use loonflow_mcp_facade::state::Options;
use loonflow_tests::{Browser, PASSWORD, TestServer};
use reqwest::header::HeaderMap;
use reqwest::{Body, Method, StatusCode};
use serde_json::{Value, json};

const BOUNDARY: &str = "--------a-boundary";

/// What came back.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }

    /// The word of a refusal; nothing for a success.
    fn code(&self) -> (u16, String) {
        let word = self.json()["data"]["error"].as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), word)
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("is a text"))
    }
}

async fn send(
    server: &TestServer,
    method: Method,
    path: &str,
    token: &str,
    kind: &str,
    body: impl Into<Body>,
) -> Answer {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(60))
        .build();
    let mut request = client
        .expect("is made")
        .request(method, format!("http://{}{path}", server.address));
    if !token.is_empty() {
        request = request.bearer_auth(token);
    }
    if !kind.is_empty() {
        request = request.header("content-type", kind);
    }
    let response = request.body(body).send().await.expect("an answer comes");
    Answer {
        status: response.status(),
        headers: response.headers().clone(),
        body: response.bytes().await.expect("is whole").to_vec(),
    }
}

fn part(name: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/html\r\n\r\n"
    );
    [head.as_bytes(), bytes, b"\r\n"].concat()
}

fn form(parts: &[Vec<u8>]) -> Vec<u8> {
    [parts.concat().as_slice(), format!("--{BOUNDARY}--\r\n").as_bytes()].concat()
}

async fn upload(server: &TestServer, who: &str, name: &str, bytes: &[u8]) -> Answer {
    let (token, kind) = (
        &server.person(who).token,
        format!("multipart/form-data; boundary={BOUNDARY}"),
    );
    send(server, Method::POST, "/files", token, &kind, form(&[part(name, bytes)])).await
}

async fn uploaded(server: &TestServer, who: &str, name: &str, bytes: &[u8]) -> String {
    let answer = upload(server, who, name, bytes).await;
    assert_eq!(
        answer.status,
        StatusCode::OK,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    answer.json()["data"]["id"].as_str().expect("has an id").to_owned()
}

async fn read(server: &TestServer, who: &str, id: &str) -> Answer {
    let token = if who.is_empty() {
        String::new()
    } else {
        server.person(who).token.clone()
    };
    send(server, Method::GET, &format!("/files/{id}"), &token, "", "").await
}

/// A document that erin checks and hana does not see.
fn documents(server: &TestServer) -> Value {
    Workflow::new("docs", "1")
        .field(Field::title())
        .field(Field::new(ComponentKind::File, "doc").multiple().hidden_at("file"))
        .node(Node::step("check", Assign::users([server.id("erin")])))
        .node(Node::step("file", Assign::users([server.id("hana")])))
        .agree("go", "start", "check")
        .agree("on", "check", "file")
        .agree("done", "file", "end")
        .definition()
}

async fn with_documents(options: Options) -> TestServer {
    let server = TestServer::with_passwords(options).await;
    let source = documents(&server);
    let tenant = server.person("erin").tenant.clone();
    let publish = loonflow_engine::runtime::PublishRequest::new(tenant, source);
    let published = server.engine.workflows().publish(publish).await;
    published.expect("no fault").expect("publishes");
    server
}

#[tokio::test]
async fn a_file_goes_up_into_a_ticket_and_down_again() {
    let server = with_documents(Options::default()).await;
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let sent = [&b"%PDF-1.7\n"[..], &bytes].concat();
    let answer = upload(&server, "dev", "../Größe \u{202e}plan.pdf", &sent).await;
    let data = answer.json()["data"].clone();
    assert_eq!(
        (&data["name"], &data["size"], &data["type"]),
        (&json!("Größe plan.pdf"), &json!(3_000_009), &json!("application/pdf"))
    );
    let id = data["id"].as_str().expect("has an id");
    assert_ne!(data["id"], data["sha256"]);
    let create = json!({ "workflow_id": "docs", "action_id": "go", "fields": { "title": "T", "doc": [id] } });
    let ticket = server.raw("dev").call("ticket_create", create).await.ok()["ticket_id"].clone();
    let down = read(&server, "erin", id).await;
    assert_eq!((down.status, down.body == sent), (StatusCode::OK, true));
    assert_eq!(down.header("content-length"), "3000009");
    assert_eq!(down.header("content-type"), "application/pdf");
    assert_eq!(
        down.header("content-disposition"),
        "attachment; filename=\"Gr__e plan.pdf\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20plan.pdf"
    );
    assert_eq!(down.header("x-content-type-options"), "nosniff");
    assert!(down.header("content-security-policy").starts_with("sandbox"));
    assert!(!down.header("x-request-id").is_empty());
    // Answers describe it, and link to it behind the text.
    let body = loonflow_tests::raw::tool_call("ticket_detail", &json!({ "ticket_id": ticket }));
    let (_, answer) = server.raw("erin").post_json(&[], body).await;
    let content = answer["result"]["content"].as_array().expect("is a list");
    assert_eq!(content.len(), 2, "{answer}");
    let link = json!({
        "type": "resource_link", "uri": format!("http://{}/files/{id}", server.address), "name": "Größe plan.pdf",
        "mimeType": "application/pdf", "size": 3_000_009,
    });
    assert_eq!(content[1], link);
    assert!(
        content[0]["text"]
            .as_str()
            .expect("a text")
            .contains(data["sha256"].as_str().expect("a digest"))
    );
}

#[tokio::test]
async fn who_reads_which_file() {
    let server = with_documents(Options::default()).await;
    let draft = uploaded(&server, "dev", "a", b"draft").await;
    let doc = uploaded(&server, "dev", "a", b"doc").await;
    let create = json!({ "workflow_id": "docs", "action_id": "go", "fields": { "title": "T", "doc": doc } });
    let ticket = server.raw("dev").call("ticket_create", create).await.ok()["ticket_id"].clone();
    let mut handle = json!({ "ticket_id": ticket, "action_type": "agree", "action_id": "on" });
    server.raw("erin").call("ticket_handle", handle.clone()).await.ok();
    let mut table = String::new();
    for (role, who) in [
        ("anonymous", ""),
        ("stranger", "faye"),
        ("assignee it is hidden from", "hana"),
        ("assignee before", "erin"),
        ("creator and uploader", "dev"),
        ("admin", "ada"),
        ("other-tenant", "gina"),
    ] {
        let mut cells = Vec::new();
        for id in [&draft, &doc, "00000000-0000-4000-8000-000000000001", "nonsense"] {
            let answer = read(&server, who, id).await;
            let word = if answer.status.is_success() {
                "ok".to_owned()
            } else {
                answer.code().1
            };
            cells.push(format!("{} {word}", answer.status.as_u16()));
        }
        table.push_str(&format!(
            "{role}: draft {}, file {}, none {}, no id {}\n",
            cells[0], cells[1], cells[2], cells[3]
        ));
    }
    insta::assert_snapshot!(table, @r"
    anonymous: draft 401 token_missing, file 401 token_missing, none 401 token_missing, no id 401 token_missing
    stranger: draft 404 unknown_file, file 404 unknown_file, none 404 unknown_file, no id 404 unknown_file
    assignee it is hidden from: draft 404 unknown_file, file 404 unknown_file, none 404 unknown_file, no id 404 unknown_file
    assignee before: draft 404 unknown_file, file 200 ok, none 404 unknown_file, no id 404 unknown_file
    creator and uploader: draft 200 ok, file 200 ok, none 404 unknown_file, no id 404 unknown_file
    admin: draft 404 unknown_file, file 200 ok, none 404 unknown_file, no id 404 unknown_file
    other-tenant: draft 404 unknown_file, file 404 unknown_file, none 404 unknown_file, no id 404 unknown_file
    ");
    // Somebody else's file cannot be put into a ticket, and is told as one that is not there.
    let take = |id: &str| json!({ "workflow_id": "docs", "action_id": "go", "fields": { "title": "T", "doc": id } });
    for id in [&draft, &doc] {
        let foreign = server.raw("erin").call("ticket_create", take(id)).await;
        let nobodys = server
            .raw("erin")
            .call("ticket_create", take("00000000-0000-4000-8000-000000000001"))
            .await;
        assert_eq!((foreign.code(), nobodys.code()), ("unknown_file", "unknown_file"));
        assert_eq!(
            foreign.text.replace(id.as_str(), "<id>"),
            nobodys.text.replace("00000000-0000-4000-8000-000000000001", "<id>")
        );
    }
    // An erased one.
    let (tenant, ada) = (server.person("ada").tenant.clone(), server.person("ada").id.clone());
    let id = loonflow_engine::id::FileId::parse(&doc).expect("is an id");
    let erased = server
        .engine
        .files()
        .erase(&tenant, &ada, id, "it names a patient")
        .await;
    erased.expect("no fault").expect("is erased");
    assert_eq!(read(&server, "dev", &doc).await.code(), (410, "file_erased".to_owned()));
    assert_eq!(
        read(&server, "faye", &doc).await.code(),
        (404, "unknown_file".to_owned())
    );
    handle["action_id"] = "done".into();
    server.raw("hana").call("ticket_handle", handle).await.ok();
}

#[tokio::test]
async fn a_browser_that_is_signed_in_reads_with_its_cookie_and_uploads_nothing() {
    let server = with_documents(Options::default()).await;
    let draft = uploaded(&server, "dev", "a.txt", b"draft").await;
    let mut browser = Browser::new(server.address);
    browser.sign_in(&server.person("dev").email, PASSWORD).await;
    assert_eq!(browser.get(&format!("/files/{draft}")).await.status, StatusCode::OK);
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let body = String::from_utf8(form(&[part("a", b"b")])).expect("is a text");
    let page = browser
        .send(Method::POST, "/files", &[("content-type", &kind)], body)
        .await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_is_no_file_is_refused() {
    let server = TestServer::start().await;
    let token = server.person("dev").token.clone();
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let two = form(&[part("a", b"a"), part("b", b"b")]);
    let endless = [part("a", b"")[..40].to_vec(), vec![b'x'; 3 << 20]].concat();
    for (what, kind, body, code) in [
        ("no type", "", form(&[part("a", b"a")]), (400, "invalid_argument")),
        ("JSON", "application/json", b"{}".to_vec(), (400, "invalid_argument")),
        ("no part", kind.as_str(), form(&[]), (400, "invalid_argument")),
        ("two parts", kind.as_str(), two, (400, "invalid_argument")),
        ("cut", kind.as_str(), part("a", b"a"), (400, "invalid_argument")),
        ("a head without end", kind.as_str(), endless, (400, "invalid_argument")),
        ("nothing", kind.as_str(), Vec::new(), (400, "invalid_argument")),
        (
            "a long name",
            kind.as_str(),
            form(&[part(&"n".repeat(5_000), b"a")]),
            (400, "invalid_argument"),
        ),
    ] {
        let answer = send(&server, Method::POST, "/files", &token, kind, body).await;
        assert_eq!(answer.code(), (code.0, code.1.to_owned()), "{what}");
    }
    let large = form(&[part("a", &vec![0; (50 << 20) + 1])]);
    let answer = send(&server, Method::POST, "/files", &token, &kind, large).await;
    assert_eq!(answer.code(), (413, "payload_too_large".to_owned()));
    let answer = send(&server, Method::POST, "/files", "", &kind, form(&[part("a", b"a")])).await;
    assert_eq!(answer.code(), (401, "token_missing".to_owned()));
    for (method, path) in [
        (Method::GET, "/files"),
        (Method::DELETE, "/files/x"),
        (Method::POST, "/files/x"),
    ] {
        let answer = send(&server, method, path, &token, "", "").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    // None of them left anything, and an empty file is one.
    let id = uploaded(&server, "dev", "empty", b"").await;
    assert_eq!(read(&server, "dev", &id).await.body, Vec::<u8>::new());
}

#[tokio::test]
async fn a_small_file_is_a_call() {
    let server = with_documents(Options::default()).await;
    let call = |name: &str, text: &str| json!({ "name": name, "base64": text });
    let dev = server.raw("dev");
    let answer = dev.call("file_upload", call("a.png", "iVBORw0KGgo=")).await.ok();
    assert_eq!(
        (&answer["name"], &answer["size"], &answer["type"]),
        (&json!("a.png"), &json!(8), &json!("image/png"))
    );
    let id = answer["id"].as_str().expect("has an id");
    assert_eq!(read(&server, "dev", id).await.body, b"\x89PNG\r\n\x1a\n");
    for (arguments, code) in [
        (call("a", "no base64!"), "invalid_argument"),
        (json!({ "name": "a" }), "invalid_argument"),
        (call("a", &"AAAA".repeat((512 << 8) + 1)), "payload_too_large"),
    ] {
        assert_eq!(dev.call("file_upload", arguments).await.code(), code);
    }
    dev.call("file_upload", call("a", &"AAAA".repeat(512 << 8))).await.ok();
}
