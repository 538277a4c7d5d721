//! `export`, `restore`, `verify`: the whole log at once.

use std::path::Path;

use serde_json::json;

use super::process::{Server, acme, done, run, text};

/// A data directory with some tickets in it, and dev's token.
async fn with_tickets() -> (tempfile::TempDir, String) {
    let data = acme(&["leave.json"]);
    let token = done(data.path(), &["token", "create", "--email", "dev@acme.example"])
        .trim()
        .to_owned();
    let server = Server::start(data.path());
    let form = server
        .call(&token, "ticket_prepare_create", json!({ "workflow_id": "leave" }))
        .await;
    for _ in 0..5 {
        let mut example = form["example"].clone();
        example["dry_run"] = json!(false);
        assert_eq!(server.call(&token, "ticket_create", example).await["status"], "handled");
    }
    assert_eq!(server.stop().code(), Some(0));
    (data, token)
}

#[tokio::test]
async fn an_export_is_restored_whole() {
    let (data, token) = with_tickets().await;
    let file = data.path().join("export.jsonl");
    done(data.path(), &["export", text(&file)]);
    let written = std::fs::read_to_string(&file).expect("is there");
    assert!(written.lines().count() > 8 && written.lines().all(|line| line.starts_with('{')));
    let server = Server::start(data.path());
    assert_eq!(done(data.path(), &["export"]), written, "online and offline are one");
    assert!(done(data.path(), &["verify"]).contains("the log is sound"));
    assert_eq!(server.stop().code(), Some(0));

    let other = tempfile::tempdir().expect("temporary directory");
    let place = other.path().join("data");
    assert!(done(&place, &["restore", text(&file)]).contains("restored"));
    assert_eq!(done(&place, &["export"]), written);
    assert!(done(&place, &["verify"]).contains("the log is sound"));
    let server = Server::start(&place);
    let list = server.call(&token, "ticket_list", json!({ "category": "owner" })).await;
    assert_eq!(list["total"], 5, "{list}");
    assert_eq!(server.stop().code(), Some(0));

    let refused = run(&place, &["restore", text(&file)]);
    assert!(
        refused.code == 1 && refused.err.contains("there is a log"),
        "{}",
        refused.err
    );
}

#[tokio::test]
async fn a_broken_export_restores_nothing() {
    let (data, _token) = with_tickets().await;
    let whole = done(data.path(), &["export"]);
    let file = data.path().join("cut.jsonl");
    let n_lines = whole.lines().count();
    let cut: Vec<&str> = whole.lines().take(n_lines - 1).collect();
    std::fs::write(&file, cut.join("\n")).expect("written");
    let place = data.path().join("other");
    let refused = run(&place, &["restore", text(&file)]);
    assert!(
        refused.code == 1 && refused.err.contains("nothing was restored"),
        "{}",
        refused.err
    );
    assert!(!place.join("log").exists() && !place.join("log.restoring").exists());
    std::fs::write(&file, &whole).expect("written");
    done(&place, &["restore", text(&file)]);
}

#[test]
fn a_log_that_is_not_there_is_not_made_by_reading() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let data = folder.path().join("none");
    for arguments in [&["export"][..], &["verify"], &["token", "list", "--email", "a@b.c"]] {
        let refused = run(&data, arguments);
        assert!(
            refused.code == 1 && refused.err.contains("there is no log in"),
            "{}",
            refused.err
        );
        assert!(!data.exists());
    }
}

#[test]
fn an_export_that_breaks_off_leaves_no_file() {
    let data = acme(&[]);
    let target = data.path().join("folder");
    std::fs::create_dir(&target).expect("made");
    let refused = run(data.path(), &["export", text(&target)]);
    assert_eq!(refused.code, 1);
    assert!(!Path::new(&format!("{}.partial", text(&target))).exists());
}
