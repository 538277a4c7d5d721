//! Types, ranges and names of arguments, of every tool: what is wrong is named, with what was expected.

use loonflow_tests::{Raw, TestServer};
use serde_json::{Value, json};

use super::{leave_at_erin, with};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Text,
    Integer,
    Boolean,
    Object,
    Texts,
}

use Kind::{Boolean, Integer, Object, Text, Texts};

const ARGUMENTS: [(&str, &[(&str, Kind)]); 9] = [
    (
        "ticket_list",
        &[
            ("category", Text),
            ("search_value", Text),
            ("create_start", Text),
            ("create_end", Text),
            ("workflow_ids", Text),
            ("node_ids", Text),
            ("ticket_ids", Text),
            ("act_state", Text),
            ("creator_id", Text),
            ("parent_ticket_id", Text),
            ("reverse", Integer),
            ("per_page", Integer),
            ("page", Integer),
        ],
    ),
    ("ticket_detail", &[("ticket_id", Text), ("whole_field", Text)]),
    ("ticket_prepare_handle", &[("ticket_id", Text)]),
    (
        "ticket_handle",
        &[
            ("ticket_id", Text),
            ("action_type", Text),
            ("action_id", Text),
            ("action_props", Object),
            ("fields", Object),
            ("dry_run", Boolean),
            ("handle_request", Object),
            ("expected_version", Integer),
            ("idempotency_key", Text),
        ],
    ),
    (
        "user_list",
        &[
            ("search_value", Text),
            ("user_ids", Text),
            ("dept_id", Text),
            ("page", Integer),
            ("per_page", Integer),
            ("simple", Boolean),
        ],
    ),
    (
        "workflow_list",
        &[("search_value", Text), ("page", Integer), ("per_page", Integer)],
    ),
    (
        "ticket_prepare_create",
        &[("workflow_id", Text), ("version_name", Text)],
    ),
    (
        "ticket_create",
        &[
            ("workflow_id", Text),
            ("version_name", Text),
            ("action_id", Text),
            ("fields", Object),
            ("action_props", Object),
            ("cc_to_user_id_list", Texts),
            ("parent_ticket_id", Text),
            ("parent_ticket_node_id", Text),
            ("dry_run", Boolean),
            ("idempotency_key", Text),
        ],
    ),
    (
        "ticket_history",
        &[
            ("ticket_id", Text),
            ("from_version", Integer),
            ("page", Integer),
            ("per_page", Integer),
            ("reverse", Integer),
        ],
    ),
];

fn wrong(kind: Kind) -> Vec<Value> {
    match kind {
        Text => vec![json!(5), json!(true), json!(["x"]), json!({ "x": 1 })],
        Integer => vec![
            json!("x"),
            json!(1.5),
            json!("1.5"),
            json!(true),
            json!([1]),
            json!({}),
            json!(1e300),
            json!(""),
        ],
        Boolean => vec![json!("yes"), json!(1), json!([true]), json!({}), json!("")],
        Object => vec![json!(5), json!(true), json!("x"), json!("[1]"), json!([1]), json!("")],
        Texts => vec![json!(5), json!(true), json!([1]), json!({ "x": 1 })],
    }
}

/// A call that reads, or rehearses: nothing but the argument under test is wrong with it.
fn base(tool: &str, ticket: &str) -> Value {
    match tool {
        "ticket_detail" | "ticket_prepare_handle" | "ticket_history" => json!({ "ticket_id": ticket }),
        "ticket_handle" => {
            json!({ "ticket_id": ticket, "action_type": "agree", "action_id": "approve_yes", "dry_run": true })
        }
        "ticket_prepare_create" => json!({ "workflow_id": "leave" }),
        "ticket_create" => json!({ "workflow_id": "leave", "dry_run": true }),
        _ => json!({}),
    }
}

/// Erin, the id of a ticket at hers.
async fn erin(server: &TestServer) -> (Raw, String) {
    let ticket = leave_at_erin(server).await;
    (server.raw("erin"), ticket)
}

#[tokio::test]
async fn wrong_types_are_named() {
    let server = TestServer::start().await;
    let (erin, ticket) = erin(&server).await;
    let position = server.position();
    for (tool, arguments) in ARGUMENTS {
        assert_eq!(erin.call(tool, base(tool, &ticket)).await.code(), "ok", "{tool}");
        for (name, kind) in arguments.iter().copied().chain([("app_name", Text)]) {
            for value in wrong(kind) {
                let outcome = erin
                    .call(tool, with(base(tool, &ticket), &json!({ name: value })))
                    .await;
                let place = format!("{tool} {name} {value}: {}", outcome.text);
                let error = outcome.refused("invalid_argument");
                assert_eq!(error["details"]["argument"], name, "{place}");
                let message = error["message"].as_str().unwrap_or_default();
                assert!(message.contains(&format!("`{name}`")), "{place}");
                assert!(
                    error["details"]["expected"].is_string() && error["details"]["got"].is_string(),
                    "{place}"
                );
            }
        }
    }
    assert_eq!(server.position(), position);
}

/// Also where it is no text, a token is not shown.
#[tokio::test]
async fn a_token_of_a_wrong_type_is_not_shown() {
    let server = TestServer::start().await;
    for (tool, _) in ARGUMENTS {
        let outcome = server
            .raw("erin")
            .call(tool, json!({ "access_token": ["s3cret-s3cret"] }))
            .await;
        assert!(!outcome.text.contains("s3cret"), "{}", outcome.text);
        let error = outcome.refused("invalid_argument");
        assert_eq!(error["details"]["argument"], "access_token");
    }
}

#[tokio::test]
async fn wrong_types_inside_of_objects_are_named() {
    let server = TestServer::start().await;
    let (erin, ticket) = erin(&server).await;
    for (more, argument) in [
        (json!({ "action_props": { "comment": 5 } }), "action_props.comment"),
        (
            json!({ "action_props": { "node_id": ["approve"] } }),
            "action_props.node_id",
        ),
        (
            json!({ "action_props": { "target_assignee_id": {} } }),
            "action_props.target_assignee_id",
        ),
        (
            json!({ "action_props": { "target_node_id": true } }),
            "action_props.target_node_id",
        ),
        (
            json!({ "handle_request": { "action_type": 5 } }),
            "handle_request.action_type",
        ),
        (
            json!({ "handle_request": { "action_id": [] } }),
            "handle_request.action_id",
        ),
        (
            json!({ "handle_request": { "action_props": "x" } }),
            "handle_request.action_props",
        ),
        (json!({ "handle_request": { "fields": [1] } }), "handle_request.fields"),
        (json!({ "handle_request": "{\"fields\":7}" }), "handle_request.fields"),
    ] {
        let outcome = erin
            .call("ticket_handle", with(base("ticket_handle", &ticket), &more))
            .await;
        assert_eq!(
            outcome.refused("invalid_argument")["details"]["argument"],
            argument,
            "{more}"
        );
    }
}

/// A misspelt argument is not dropped without a word, it is answered with the nearest name.
#[tokio::test]
async fn unknown_arguments_get_the_nearest_name() {
    let server = TestServer::start().await;
    let (erin, ticket) = erin(&server).await;
    for (tool, arguments) in ARGUMENTS {
        for (name, _) in arguments
            .iter()
            .copied()
            .chain([("app_name", Text), ("access_token", Text)])
        {
            let misspelt = format!("{}{}", name, &name[name.len() - 1..]);
            let outcome = erin
                .call(tool, with(base(tool, &ticket), &json!({ misspelt.as_str(): "x" })))
                .await;
            let error = outcome.refused("invalid_argument");
            assert_eq!(error["details"]["argument"], misspelt);
            let hint = error["hint"].as_str().expect("a text");
            assert!(hint.starts_with(&format!("did you mean `{name}`?")), "{tool}: {hint}");
        }
        let outcome = erin.call(tool, with(base(tool, &ticket), &json!({ "zzz": 1 }))).await;
        let error = outcome.refused("invalid_argument");
        assert!(
            error["details"]["known"]
                .as_array()
                .is_some_and(|known| known.len() >= 3),
            "{error}"
        );
    }
    let comment = json!({ "action_props": { "coment": "lost?" } });
    let error = erin
        .call("ticket_handle", with(base("ticket_handle", &ticket), &comment))
        .await;
    let error = error.refused("invalid_argument");
    let hint = error["hint"].as_str().expect("a text");
    assert!(hint.starts_with("did you mean `comment`?"), "{hint}");
}

#[tokio::test]
async fn required_arguments_are_asked_for() {
    let server = TestServer::start().await;
    let erin = server.raw("erin");
    for (tool, name) in [
        ("ticket_detail", "ticket_id"),
        ("ticket_prepare_handle", "ticket_id"),
        ("ticket_handle", "ticket_id"),
        ("ticket_history", "ticket_id"),
        ("ticket_prepare_create", "workflow_id"),
        ("ticket_create", "workflow_id"),
    ] {
        for arguments in [
            json!({}),
            json!({ name: "" }),
            json!({ name: " \t" }),
            json!({ name: null }),
        ] {
            let error = erin.call(tool, arguments).await.refused("invalid_argument");
            assert_eq!(error["details"]["argument"], name, "{tool}");
        }
    }
}

#[tokio::test]
async fn numbers_out_of_range() {
    let server = TestServer::start().await;
    let (erin, ticket) = erin(&server).await;
    for (tool, name, values) in [
        ("ticket_list", "per_page", vec![0, -1, i64::MIN]),
        ("user_list", "per_page", vec![0, -1]),
        ("workflow_list", "per_page", vec![0]),
        ("ticket_history", "per_page", vec![0]),
        ("ticket_list", "reverse", vec![2, -1]),
        ("ticket_history", "reverse", vec![2, -1]),
        ("ticket_history", "from_version", vec![-1]),
        ("ticket_handle", "expected_version", vec![-1]),
    ] {
        for value in values {
            for value in [json!(value), json!(value.to_string())] {
                let arguments = with(base(tool, &ticket), &json!({ name: value }));
                let error = erin.call(tool, arguments).await.refused("invalid_argument");
                assert_eq!(error["details"]["argument"], name, "{tool} {value}");
            }
        }
    }
    for (tool, per_page) in [
        ("ticket_list", 1),
        ("ticket_list", 100),
        ("user_list", 100),
        ("ticket_history", 100),
    ] {
        let arguments = with(base(tool, &ticket), &json!({ "per_page": per_page, "page": i64::MAX }));
        let answer = erin.call(tool, arguments).await.ok();
        assert_eq!(answer["per_page"], per_page, "{tool}");
        assert_eq!(answer["page"], 1, "a page past the end answers the last: {tool}");
        assert_eq!(answer["has_more"], false);
    }
    for tool in ["ticket_list", "user_list", "workflow_list", "ticket_history"] {
        for (per_page, page) in [(101, 0), (i64::MAX, -1), (100, i64::MIN)] {
            let arguments = with(base(tool, &ticket), &json!({ "per_page": per_page, "page": page }));
            let answer = erin.call(tool, arguments).await.ok();
            assert_eq!(answer["per_page"], 100, "{tool}");
            assert_eq!(answer["page"], 1, "{tool}");
        }
    }
    let last = json!({ "per_page": 2, "page": 0, "simple": true });
    let answer = erin.call("user_list", last).await.ok();
    let n_pages = answer["total"].as_u64().expect("a number").div_ceil(2);
    assert_eq!(answer["page"], n_pages, "a page of 0 is the last");
}

#[tokio::test]
async fn words_and_dates_that_are_none() {
    let server = TestServer::start().await;
    let erin = server.raw("erin");
    for (name, value) in [
        ("category", "dutys"),
        ("category", "DUTY"),
        ("act_state", "running"),
        ("create_start", "yesterday"),
        ("create_start", "2026-02-30"),
        ("create_end", "2026-13-01"),
        ("create_end", "22.11.2026"),
        ("create_end", "1795339800"),
        ("create_start", "2026-11-22 25:00:00"),
        ("create_start", "-99999-01-01"),
    ] {
        let error = erin
            .call("ticket_list", json!({ name: value }))
            .await
            .refused("invalid_argument");
        assert_eq!(error["details"]["argument"], name, "{value}");
        assert!(
            error["message"].as_str().is_some_and(|text| text.contains(value)),
            "{error}"
        );
    }
    for value in [
        "2026-11-22",
        "2026-11-22 09:30:00",
        "2026-11-22 09:30:00 +0100",
        "2026-11-22T09:30:00Z",
    ] {
        erin.call("ticket_list", json!({ "create_start": value, "create_end": value }))
            .await
            .ok();
    }
}

/// No answer grows with its request.
#[tokio::test]
async fn long_values_are_not_given_back_whole() {
    let server = TestServer::start().await;
    let (erin, ticket) = erin(&server).await;
    let long = "ä\"\n\0".repeat(20_000);
    for (tool, arguments) in ARGUMENTS {
        for (name, kind) in arguments {
            let value = match kind {
                Object => json!({ long.as_str(): long }),
                Texts => json!([long]),
                Text | Integer | Boolean => json!(long),
            };
            let outcome = erin
                .call(tool, with(base(tool, &ticket), &json!({ *name: value })))
                .await;
            let is_page = outcome.code() == "ok";
            assert!(
                outcome.text.len() < 4_000 || is_page,
                "{tool} {name}: {} bytes",
                outcome.text.len()
            );
        }
        let outcome = erin.call(tool, json!({ long.as_str(): 1 })).await;
        assert!(outcome.text.len() < 4_000);
        outcome.refused("invalid_argument");
    }
    let error = erin.call(
        "ticket_handle",
        with(
            base("ticket_handle", &ticket),
            &json!({ "idempotency_key": "k".repeat(129) }),
        ),
    );
    assert_eq!(
        error.await.refused("invalid_argument")["details"]["argument"],
        "idempotency_key"
    );
}
