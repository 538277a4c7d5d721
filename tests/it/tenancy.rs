//! Another tenant's ids, in every argument of every tool that takes one: answered exactly as an id that does not exist.
//!
//! Each case is called twice, once with the foreign id and once with one of the same form that nobody has; with both
//! written `<id>`, the two answers must be the same to the last character, and nothing is written.

use loonflow_tests::{Raw, TestServer};
use serde_json::{Value, json};

const NO_TICKET: &str = "01a20297-4dc0-7000-8001-0a686aa245e5";
const NO_USER: &str = "00000000-0000-7000-8000-000000000999";
const NO_DEPT: &str = "00000000-0000-7000-8000-000000000998";

/// The words by which Globex would be known; none of them may appear in an answer to Acme.
const FOREIGN_WORDS: [&str; 5] = ["gina", "gil@", "globex", "Globex", "memo to read"];

struct Case<'a> {
    who: &'a Raw,
    foreign: &'a str,
    nobodys: &'a str,
}

impl Case<'_> {
    /// `@` in `arguments` stands for the id. Gives the code.
    async fn alike(&self, server: &TestServer, tool: &str, arguments: Value) -> String {
        let position = server.position();
        let mut told = Vec::new();
        for id in [self.foreign, self.nobodys] {
            let arguments = arguments.to_string().replace('@', id);
            let arguments = serde_json::from_str(&arguments).expect("is JSON still");
            let outcome = self.who.call(tool, arguments).await;
            told.push((
                outcome.code().to_owned(),
                outcome.text.replace(id, "<id>"),
                outcome.structured.to_string().replace(id, "<id>"),
            ));
        }
        assert_eq!(told[0], told[1], "{tool} {arguments}");
        for word in FOREIGN_WORDS {
            assert!(!told[0].1.contains(word), "{tool} {arguments}: {}", told[0].1);
        }
        assert_eq!(server.position(), position, "{tool} {arguments}");
        told.swap_remove(0).0
    }
}

/// A memo of gil's at gina's, in Globex.
async fn memo(server: &TestServer) -> String {
    let memo = json!({ "workflow_id": "memo", "action_id": "memo_send", "fields": { "title": "A memo to read" } });
    let created = server.raw("gil").call("ticket_create", memo).await.ok();
    created["ticket_id"].as_str().expect("a ticket has an id").to_owned()
}

/// A leave request of dev's at erin's, in Acme.
async fn leave(server: &TestServer) -> String {
    let fields = json!({ "leave_type": "sick", "leave_start": "2026-12-01", "leave_end": "2026-12-01", "days": 1 });
    let leave = json!({ "workflow_id": "leave", "action_id": "submit", "fields": fields });
    let created = server.raw("dev").call("ticket_create", leave).await.ok();
    created["ticket_id"].as_str().expect("a ticket has an id").to_owned()
}

#[tokio::test]
async fn tickets() {
    let server = TestServer::start().await;
    let foreign = memo(&server).await;
    // Also to whoever may see everything of its own tenant.
    for name in ["ada", "dev"] {
        let who = server.raw(name);
        let case = Case {
            who: &who,
            foreign: &foreign,
            nobodys: NO_TICKET,
        };
        for tool in [
            "ticket_detail",
            "ticket_prepare_handle",
            "ticket_history",
            "ticket_handle",
        ] {
            assert_eq!(
                case.alike(&server, tool, json!({ "ticket_id": "@" })).await,
                "ticket_not_found"
            );
        }
        for (action_type, action_id) in [
            ("agree", "memo_done"),
            ("add_comment", "add_comment"),
            ("force_close", "force_close"),
        ] {
            for dry_run in [true, false] {
                let handle = json!({
                    "ticket_id": "@", "action_type": action_type, "action_id": action_id, "dry_run": dry_run,
                    "action_props": { "comment": "x" }, "expected_version": 1
                });
                assert_eq!(case.alike(&server, "ticket_handle", handle).await, "ticket_not_found");
            }
        }
        for category in ["duty", "owner", "relation", "view", "worked", "intervene"] {
            let list = json!({ "category": category, "ticket_ids": "@" });
            assert_eq!(case.alike(&server, "ticket_list", list).await, "ok");
            let list = json!({ "category": category, "parent_ticket_id": "@" });
            assert_eq!(case.alike(&server, "ticket_list", list).await, "ok");
        }
        for node in ["memo_read", "prepare"] {
            let create = json!({ "workflow_id": "access", "parent_ticket_id": "@", "parent_ticket_node_id": node });
            assert_eq!(case.alike(&server, "ticket_create", create).await, "invalid_argument");
        }
    }
    let all = json!({ "category": "all" });
    assert_eq!(
        server.raw("ada").call("ticket_list", all.clone()).await.ok()["total"],
        0
    );
    assert_eq!(server.raw("gina").call("ticket_list", all).await.ok()["total"], 1);
}

#[tokio::test]
async fn users() {
    let server = TestServer::start().await;
    let ticket = leave(&server).await;
    let (ada, erin, dev) = (server.raw("ada"), server.raw("erin"), server.raw("dev"));
    let foreign = server.id("gina").to_owned();
    let case = |who| Case {
        who,
        foreign: &foreign,
        nobodys: NO_USER,
    };
    for arguments in [
        json!({ "user_ids": "@" }),
        json!({ "search_value": "@" }),
        json!({ "user_ids": "@", "simple": false }),
    ] {
        assert_eq!(case(&ada).alike(&server, "user_list", arguments).await, "ok");
    }
    let list = json!({ "category": "all", "creator_id": "@" });
    assert_eq!(case(&ada).alike(&server, "ticket_list", list).await, "ok");
    for (who, action) in [(&erin, "forward"), (&erin, "consult"), (&ada, "force_forward")] {
        for dry_run in [true, false] {
            let handle = json!({
                "ticket_id": ticket, "action_type": action, "action_id": action, "dry_run": dry_run,
                "action_props": { "target_assignee_id": "@" }
            });
            assert_eq!(
                case(who).alike(&server, "ticket_handle", handle).await,
                "invalid_argument"
            );
        }
    }
    let agree = json!({
        "ticket_id": ticket, "action_type": "agree", "action_id": "approve_yes", "fields": { "stand_in": "@" }
    });
    assert_eq!(
        case(&erin).alike(&server, "ticket_handle", agree).await,
        "invalid_field_value"
    );
    for (key, value) in [("cc_to_user_id_list", json!(["@"])), ("cc_to_user_id_list", json!("@"))] {
        let create = json!({ "workflow_id": "nested", key: value });
        assert_eq!(
            case(&dev).alike(&server, "ticket_create", create).await,
            "invalid_argument"
        );
        let create = json!({ "workflow_id": "nested", "action_props": { key: value } });
        assert_eq!(
            case(&dev).alike(&server, "ticket_create", create).await,
            "invalid_argument"
        );
    }
    for value in [json!("@"), json!(["@"])] {
        let create = json!({ "workflow_id": "onboarding", "fields": { "buddy": value } });
        assert_eq!(
            case(&dev).alike(&server, "ticket_create", create).await,
            "invalid_field_value"
        );
    }
    for key in ["user_id", "delegate_id"] {
        let mut set = json!({ "user_id": server.id("dev"), "delegate_id": server.id("dana"), "from": "2030-01-01", "to": "2030-01-02" });
        set[key] = "@".into();
        assert_eq!(case(&ada).alike(&server, "absence_set", set).await, "user_not_found");
    }
    assert_eq!(
        case(&ada)
            .alike(&server, "absence_list", json!({ "user_id": "@" }))
            .await,
        "ok"
    );
    assert_eq!(
        case(&dev)
            .alike(&server, "absence_list", json!({ "user_id": "@" }))
            .await,
        "permission_denied"
    );
    // By name and e-mail as well.
    for (name, nobodys) in [("gina", "gaga"), ("gina@globex.example", "gaga@globex.example")] {
        let case = Case {
            who: &ada,
            foreign: name,
            nobodys,
        };
        assert_eq!(
            case.alike(&server, "user_list", json!({ "search_value": "@" })).await,
            "ok"
        );
    }
}

#[tokio::test]
async fn departments() {
    let server = TestServer::start().await;
    let who = server.raw("ada");
    let case = Case {
        who: &who,
        foreign: "00000000-0000-7000-8000-000000000911",
        nobodys: NO_DEPT,
    };
    assert_eq!(case.alike(&server, "user_list", json!({ "dept_id": "@" })).await, "ok");
}

#[tokio::test]
async fn workflows_nodes_and_edges() {
    let server = TestServer::start().await;
    memo(&server).await;
    let ticket = leave(&server).await;
    let (ada, erin) = (server.raw("ada"), server.raw("erin"));
    let case = Case {
        who: &ada,
        foreign: "memo",
        nobodys: "mumo",
    };
    for tool in ["ticket_prepare_create", "ticket_create"] {
        assert_eq!(
            case.alike(&server, tool, json!({ "workflow_id": "@" })).await,
            "workflow_not_found"
        );
        let with_version = json!({ "workflow_id": "@", "version_name": "1.0" });
        assert_eq!(case.alike(&server, tool, with_version).await, "workflow_not_found");
    }
    let create = json!({ "workflow_id": "@", "action_id": "memo_send", "fields": { "title": "x" }, "dry_run": true });
    assert_eq!(case.alike(&server, "ticket_create", create).await, "workflow_not_found");
    let list = json!({ "category": "all", "workflow_ids": "@" });
    assert_eq!(case.alike(&server, "ticket_list", list).await, "ok");
    assert_eq!(
        case.alike(&server, "workflow_list", json!({ "search_value": "@" }))
            .await,
        "ok"
    );

    let case = Case {
        who: &ada,
        foreign: "memo_read",
        nobodys: "mumo_read",
    };
    let list = json!({ "category": "all", "node_ids": "@" });
    assert_eq!(case.alike(&server, "ticket_list", list).await, "ok");
    let alter = json!({
        "ticket_id": ticket, "action_type": "force_alter_node", "action_id": "force_alter_node",
        "action_props": { "target_node_id": "@" }
    });
    assert_eq!(case.alike(&server, "ticket_handle", alter).await, "invalid_argument");
    let case = Case {
        who: &erin,
        foreign: "memo_read",
        nobodys: "mumo_read",
    };
    for (action, expected) in [("add_comment", "invalid_argument"), ("forward", "action_not_available")] {
        let handle = json!({
            "ticket_id": ticket, "action_type": action, "action_id": action,
            "action_props": { "node_id": "@", "comment": "x", "target_assignee_id": server.id("dana") }
        });
        assert_eq!(case.alike(&server, "ticket_handle", handle).await, expected);
    }
    let case = Case {
        who: &erin,
        foreign: "memo_done",
        nobodys: "mumo_done",
    };
    let agree = json!({ "ticket_id": ticket, "action_type": "agree", "action_id": "@" });
    assert_eq!(
        case.alike(&server, "ticket_handle", agree).await,
        "action_not_available"
    );
    let create = json!({ "workflow_id": "leave", "action_id": "@" });
    assert_eq!(
        case.alike(&server, "ticket_create", create).await,
        "action_not_available"
    );
}

/// The other way round, with an application that only Acme has.
#[tokio::test]
async fn acme_is_as_hidden_from_globex() {
    let server = TestServer::start().await;
    let ticket = leave(&server).await;
    let gina = server.raw("gina");
    let case = |foreign, nobodys| Case {
        who: &gina,
        foreign,
        nobodys,
    };
    for tool in [
        "ticket_detail",
        "ticket_prepare_handle",
        "ticket_history",
        "ticket_handle",
    ] {
        let code = case(ticket.as_str(), NO_TICKET)
            .alike(&server, tool, json!({ "ticket_id": "@" }))
            .await;
        assert_eq!(code, "ticket_not_found");
    }
    let code = case("leave", "leeve")
        .alike(&server, "ticket_create", json!({ "workflow_id": "@" }))
        .await;
    assert_eq!(code, "workflow_not_found");
    let app = case("helpdesk-bot", "halpdesk-bot");
    assert_eq!(
        app.alike(&server, "ticket_list", json!({ "app_name": "@" })).await,
        "app_not_allowed"
    );
    let users = gina.call("user_list", json!({ "per_page": 100 })).await.ok();
    assert_eq!(users["total"], 2);
    let workflows = gina.call("workflow_list", json!({})).await.ok();
    assert_eq!(workflows["total"], 1);
    // An idempotency key is a user's own, whatever others use.
    let memo = json!({ "workflow_id": "memo", "idempotency_key": "k" });
    gina.call("ticket_create", memo).await.ok();
    let nested = json!({ "workflow_id": "nested", "idempotency_key": "k" });
    assert_eq!(
        server.raw("dev").call("ticket_create", nested).await.ok()["replayed"],
        false
    );
}
