//! `demo`: an example organisation that is kept between runs, its tokens too.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::process::{Server, acme, run};

/// The tokens that a demo has printed, by role.
fn token(server: &Server, role: &str) -> String {
    let line = server
        .out
        .lines()
        .find(|line| line.starts_with(role))
        .expect("is printed");
    line.split_whitespace().last().expect("has one").to_owned()
}

#[tokio::test]
async fn the_demo_is_prepared_and_kept() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let data = folder.path().join("demo");
    let server = Server::start_with(&data, &["demo", "--fresh"]);
    assert!(
        server.out.contains(&format!("http://{}/mcp", server.address)),
        "{}",
        server.out
    );
    let config = &server.out[server.out.find('{').expect("is printed")..];
    let config: Value = serde_json::from_str(config).expect("is JSON to paste");
    let header = config["mcpServers"]["loonflow-ticket"]["headers"]["Authorization"]
        .as_str()
        .expect("is there");
    assert_eq!(header, format!("Bearer {}", token(&server, "approver")));

    let admin = token(&server, "admin");
    let all = server
        .call(&admin, "ticket_list", json!({ "category": "all", "per_page": 100 }))
        .await;
    let n_tickets = all["total"].as_u64().expect("is a number");
    assert!(n_tickets >= 24, "{n_tickets}");
    let states: std::collections::BTreeSet<&str> = all["ticket_list"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|row| row["act_state"].as_str())
        .collect();
    assert_eq!(
        states.into_iter().collect::<Vec<_>>(),
        ["closed", "finished", "on_going", "rejected", "withdrawn"]
    );
    for role in ["approver", "creator"] {
        let duty = server.call(&token(&server, role), "ticket_list", json!({})).await;
        assert!(duty["total"].as_u64() > Some(0), "{role}: {duty}");
    }
    let drafts = server
        .call(
            &token(&server, "creator"),
            "ticket_list",
            json!({ "category": "owner", "act_state": "in_draft" }),
        )
        .await;
    assert_eq!(drafts["total"], 1);
    assert_eq!(server.stop().code(), Some(0));

    // A client that was set up with a token of the first run goes on working, and is what a restart prints.
    let server = Server::start_with(&data, &["demo"]);
    assert_eq!(token(&server, "admin"), admin);
    let all = server.call(&admin, "ticket_list", json!({ "category": "all" })).await;
    assert_eq!(all["total"], n_tickets);
    assert_eq!(server.stop().code(), Some(0));
    let kept = std::fs::metadata(data.join("demo-tokens.json")).expect("is kept");
    assert_eq!(kept.permissions().mode() & 0o777, 0o600);

    let server = Server::start_with(&data, &["demo", "--fresh"]);
    assert_ne!(token(&server, "admin"), admin);
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn the_demo_leaves_other_data_alone() {
    let data = acme(&[]);
    for arguments in [&["demo", "--port", "0"][..], &["demo", "--fresh", "--port", "0"]] {
        let refused = run(data.path(), arguments);
        assert_eq!(refused.code, 1);
        assert!(refused.err.contains("not the demo's"), "{}", refused.err);
    }
    assert!(run(data.path(), &["verify"]).out.contains("the log is sound"));
}
