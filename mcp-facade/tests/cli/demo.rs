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

/// The third word of a role's line.
fn password(server: &Server, role: &str) -> String {
    let line = server
        .out
        .lines()
        .find(|line| line.starts_with(role))
        .expect("is printed");
    line.split_whitespace().nth(2).expect("has one").to_owned()
}

/// Signs in over REST with what was printed: the status, and the JWT.
async fn login(server: &Server, role: &str) -> (u16, String) {
    let line = server
        .out
        .lines()
        .find(|line| line.starts_with(role))
        .expect("is printed");
    let email = line.split_whitespace().nth(1).expect("has one");
    let body = json!({ "email": email, "password": password(server, role) });
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let sent = http
        .post(format!("http://{}/api/v1.0/login", server.address))
        .json(&body)
        .send();
    let answer = sent.await.expect("answers");
    let status = answer.status().as_u16();
    let answer: Value = answer.json().await.expect("is JSON");
    (
        status,
        answer["data"]["jwt"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"))
            .to_owned(),
    )
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

    assert!(
        server.out.contains(&format!("http://{}/sign-in", server.address)),
        "{}",
        server.out
    );
    let (_, jwt) = login(&server, "approver").await;
    let as_approver = server.call(&jwt, "ticket_list", json!({})).await;
    assert!(as_approver["total"].as_u64() > Some(0), "{as_approver}");
    let password = password(&server, "admin");

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
    // Neither when the clock is ahead: a JWT goes by the machine's, and one can sign in.
    let server = Server::start_with(&data, &["demo", "--clock", "+3d"]);
    assert_eq!(token(&server, "admin"), admin);
    let (_, fresh) = login(&server, "approver").await;
    let as_fresh = server.call(&fresh, "ticket_list", json!({})).await;
    assert_eq!(as_fresh["total"], as_approver["total"]);
    assert_eq!(self::password(&server, "admin"), password);
    // Its own key is kept, and so is what it signed.
    let again = server.call(&jwt, "ticket_list", json!({})).await;
    assert_eq!(again["total"], as_approver["total"]);
    let all = server.call(&admin, "ticket_list", json!({ "category": "all" })).await;
    assert_eq!(all["total"], n_tickets);
    assert_eq!(server.stop().code(), Some(0));
    for file in ["demo-tokens.json", "demo-passwords.json", "jwt.key"] {
        let kept = std::fs::metadata(data.join(file)).expect("is kept");
        assert_eq!(kept.permissions().mode() & 0o777, 0o600, "{file}");
    }

    let server = Server::start_with(&data, &["demo", "--fresh"]);
    assert_ne!(token(&server, "admin"), admin);
    assert_ne!(self::password(&server, "admin"), password);
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
