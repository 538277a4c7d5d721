//! Files of a real server: on disk, through a kill, in an export, restored, erased.

use std::path::Path;

use loonflow_engine::define::{Assign, Field, Node, Workflow};
use loonflow_engine::workflow::{ComponentKind, Variable};
use serde_json::{Value, json};

use super::process::{Server, acme, done, run, text};

/// One document, which the creator's department approves.
fn documents() -> Value {
    Workflow::new("docs", "1")
        .field(Field::title())
        .field(Field::new(ComponentKind::File, "doc"))
        .node(Node::step("check", Assign::variables([Variable::CreatorDeptApprover])))
        .agree("go", "start", "check")
        .agree("done", "check", "end")
        .definition()
}

async fn upload(server: &Server, token: &str, bytes: &str) -> String {
    let body =
        format!("--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"plan.pdf\"\r\n\r\n{bytes}\r\n--b--\r\n");
    let request = reqwest::Client::new()
        .post(format!("http://{}/files", server.address))
        .bearer_auth(token)
        .header("content-type", "multipart/form-data; boundary=b")
        .body(body);
    let answer = request
        .send()
        .await
        .expect("an answer comes")
        .text()
        .await
        .expect("is whole");
    let answer: Value = serde_json::from_str(&answer).expect("is JSON");
    answer["data"]["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer}"))
        .to_owned()
}

async fn download(server: &Server, token: &str, id: &str) -> (u16, String) {
    let request = reqwest::Client::new()
        .get(format!("http://{}/files/{id}", server.address))
        .bearer_auth(token);
    let answer = request.send().await.expect("an answer comes");
    (answer.status().as_u16(), answer.text().await.expect("is whole"))
}

async fn submit(server: &Server, token: &str, id: &str) {
    let create = json!({ "workflow_id": "docs", "action_id": "go", "fields": { "title": "T", "doc": id } });
    let answer = server.call(token, "ticket_create", create).await;
    assert_eq!(answer["status"], "handled", "{answer}");
}

/// The kept bytes below a data directory.
fn kept(data: &Path) -> Vec<std::path::PathBuf> {
    let below = |path: &Path| {
        let entries = std::fs::read_dir(path).expect("is a directory");
        entries
            .map(|entry| entry.expect("is read").path())
            .filter(|path| !path.ends_with("incoming"))
            .collect::<Vec<_>>()
    };
    let spaces = below(&data.join("files"));
    let prefixes = spaces.iter().flat_map(|space| below(space)).collect::<Vec<_>>();
    prefixes.iter().flat_map(|prefix| below(prefix)).collect()
}

#[tokio::test]
async fn a_file_outlives_a_kill_and_an_export_and_is_erased() {
    let data = acme(&[]);
    let folder = tempfile::tempdir().expect("temporary directory");
    let source = folder.path().join("docs.json");
    std::fs::write(&source, documents().to_string()).expect("written");
    done(data.path(), &["import", text(&source)]);
    let token = done(data.path(), &["token", "create", "--email", "dev@acme.example"]);
    let token = token.trim();
    let server = Server::start(data.path());
    let (one, other) = (
        upload(&server, token, "one").await,
        upload(&server, token, "other").await,
    );
    submit(&server, token, &one).await;
    submit(&server, token, &other).await;
    server.signal("KILL");
    let _ = server.ended();
    let server = Server::start(data.path());
    assert_eq!(download(&server, token, &one).await, (200, "one".to_owned()));
    let export = folder.path().join("export.jsonl");
    done(data.path(), &["export", text(&export)]);
    assert!(done(data.path(), &["verify"]).contains("2 files"), "online");
    assert_eq!(server.stop().code(), Some(0));

    let place = folder.path().join("restored");
    assert!(done(&place, &["restore", text(&export)]).contains("2 files"));
    let server = Server::start(&place);
    assert_eq!(download(&server, token, &other).await, (200, "other".to_owned()));
    let erase = |id: &str, email: &str| {
        run(
            &place,
            &["file", "erase", id, "--email", email, "--reason", "a mistake"],
        )
    };
    let refused = erase(&one, "dev@acme.example");
    assert!(
        refused.code == 1 && refused.err.contains("permission_denied"),
        "{}",
        refused.err
    );
    assert!(erase(&one, "ada@acme.example").out.contains("is erased"));
    assert_eq!(download(&server, token, &one).await.0, 410);
    assert_eq!(kept(&place).len(), 1);
    assert_eq!(server.stop().code(), Some(0));
    assert!(done(&place, &["verify"]).contains("1 files"));

    // Bytes that the disk has changed, or lost, are named.
    let [bytes] = kept(&place).try_into().expect("one is left");
    std::fs::write(&bytes, "OTHER").expect("written");
    let found = run(&place, &["verify"]);
    assert!(
        found.code == 1 && found.out.contains("has not the bytes that it came with"),
        "{}",
        found.out
    );
    std::fs::remove_file(&bytes).expect("is removed");
    assert_eq!(run(&place, &["verify"]).code, 1);
}
