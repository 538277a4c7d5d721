//! `export`, `restore`, `verify`: the whole log at once.

use std::path::Path;

use serde_json::{Value, json};

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

/// Changes an export as it was written before there were digests: each line is given to `change`.
fn version_1(text: &str, mut change: impl FnMut(&mut Value)) -> String {
    let lines = text.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).expect("is JSON");
        let line_map = line.as_object_mut().expect("is an object");
        line_map.remove("sha256");
        if let Some(header) = line_map.get_mut("header") {
            *header = json!({ "format": "loonflow-log", "version": 1 });
        }
        if let Some(end) = line_map.get_mut("end").and_then(Value::as_object_mut) {
            end.retain(|key, _| key.starts_with("n_"));
        }
        change(&mut line);
        format!("{line}\n")
    });
    lines.collect()
}

#[tokio::test]
async fn what_does_not_decode_is_named_and_the_rest_restored() {
    let (data, _token) = with_tickets().await;
    let whole = done(data.path(), &["export"]);
    let folder = tempfile::tempdir().expect("temporary directory");
    let file = folder.path().join("export.jsonl");

    // Format 1 as it is: restored, with a word that no change can be noticed.
    std::fs::write(&file, version_1(&whole, |_| {})).expect("written");
    let old = run(&folder.path().join("old"), &["restore", text(&file)]);
    assert!(
        old.code == 0 && old.err.contains("carries no digests"),
        "{} {}",
        old.out,
        old.err
    );
    assert_eq!(done(&folder.path().join("old"), &["export"]), whole);

    let mut bad = None;
    let changed = version_1(&whole, |line| {
        let commit = &mut line["commit"];
        if bad.is_none() && commit["stream"].as_str().is_some_and(|stream| stream.starts_with("t/")) {
            // Twenty bytes of 0xFF.
            commit["events"][0]["payload"] = json!("//////////////////////////8=");
            bad = commit["stream"].as_str().map(str::to_owned);
        } else if line["commit"].is_null() {
            line.as_object_mut().expect("is an object").remove("commit");
        }
    });
    let bad = bad.expect("has a ticket");
    let ticket = bad.rsplit('/').next().expect("ends with its id");
    std::fs::write(&file, changed).expect("written");
    let place = folder.path().join("changed");
    let restored = run(&place, &["restore", text(&file)]);
    let verified = run(&place, &["verify"]);
    for (run, word) in [(restored, "restored"), (verified, "1 problem(s)")] {
        assert_eq!(run.code, 1, "{} {}", run.out, run.err);
        assert!(run.out.contains(&format!("ticket `{ticket}`")), "{}", run.out);
        assert!(
            run.out.contains("does not decode") && run.out.contains(word),
            "{}",
            run.out
        );
    }
    // The server comes up all the same, and says what it does not serve.
    let server = Server::start(&place);
    let status = run(&place, &["status"]);
    assert_eq!(server.stop().code(), Some(0));
    assert_eq!(status.code, 1, "{} {}", status.out, status.err);
    let lines: Vec<&str> = status.out.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("ready, "), "{}", status.out);
    assert!(
        lines[1].starts_with(&format!("not served: `{bad}`: ")),
        "{}",
        status.out
    );
}

#[tokio::test]
async fn a_change_in_an_export_restores_nothing() {
    let (data, _token) = with_tickets().await;
    let whole = done(data.path(), &["export"]);
    let file = data.path().join("changed.jsonl");
    let at = whole.rfind("\"payload\":\"").expect("has events") + 12;
    let n_line = whole[..at].lines().count();
    let changed = if &whole[at..=at] == "A" { "B" } else { "A" };
    std::fs::write(&file, format!("{}{changed}{}", &whole[..at], &whole[at + 1..])).expect("written");
    let place = data.path().join("other");
    let refused = run(&place, &["restore", text(&file)]);
    assert!(refused.code == 1 && !place.join("log").exists(), "{}", refused.err);
    assert!(
        refused.err.contains("nothing was restored")
            && refused.err.contains(&format!("line `{n_line}` of `{}`", text(&file)))
            && refused.err.contains("digest"),
        "{}",
        refused.err
    );
}

#[tokio::test]
async fn increments_are_restored_behind_the_whole() {
    let (data, _token) = with_tickets().await;
    let folder = tempfile::tempdir().expect("temporary directory");
    let name = |name: &str| text(&folder.path().join(name)).to_owned();
    let (full, one, two) = (name("full"), name("one"), name("two"));
    let told = run(data.path(), &["export", &full]);
    assert!(
        told.code == 0 && told.err.contains("Exported up to position"),
        "{}",
        told.err
    );
    done(data.path(), &["token", "create", "--email", "ada@acme.example"]);
    done(data.path(), &["export", "--since", &full, &one]);
    let server = Server::start(data.path());
    done(data.path(), &["token", "create", "--email", "erin@acme.example"]);
    done(data.path(), &["export", "--since", &one, &two]);
    assert_eq!(server.stop().code(), Some(0));

    let place = folder.path().join("data");
    done(&place, &["restore", &full, &one, &two]);
    assert_eq!(done(&place, &["export"]), done(data.path(), &["export"]));
    assert!(done(&place, &["verify"]).contains("the log is sound"));
    let missing = run(&folder.path().join("none"), &["restore", &full, &two]);
    assert!(
        missing.code == 1 && missing.err.contains("a part is missing"),
        "{}",
        missing.err
    );
    let later = run(&place, &["export", "--since", "1000"]);
    assert!(
        later.code == 1 && later.err.contains("the log ends at position"),
        "{}",
        later.err
    );
}

#[tokio::test]
async fn a_running_server_verifies_itself() {
    let (data, _token) = with_tickets().await;
    let none = run(data.path(), &["verify", "--online"]);
    assert!(none.code == 1 && none.err.contains("no server runs"), "{}", none.err);
    let status = run(data.path(), &["status"]);
    assert!(
        status.code == 1 && status.err.contains("no server runs"),
        "{}",
        status.err
    );
    let alone = done(data.path(), &["verify"]);
    let server = Server::start(data.path());
    let online = done(data.path(), &["verify", "--online"]);
    let status = done(data.path(), &["status"]);
    assert!(status.starts_with("ready, at position "), "{status}");
    assert_eq!(server.stop().code(), Some(0));
    assert!(
        online.contains("the log is sound") && online.contains("5 tickets (5 in the list"),
        "{online}"
    );
    assert_eq!(online, alone);
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
