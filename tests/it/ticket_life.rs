//! Each of the seven fixture workflows from creation to its end, through the tools alone, each person with its own
//! token, over HTTP and over the streams of stdio. What holds at every step is asserted by `Walk`; here is who does what, and where the ticket stands then.

/// Makes a test of each walk over each transport.
macro_rules! over_every_transport {
    ($($walk:ident),+ $(,)?) => {$(
        mod $walk {
            #[tokio::test]
            async fn over_http() {
                super::$walk(loonflow_tests::Transport::Http).await;
            }

            #[tokio::test]
            async fn over_streams() {
                super::$walk(loonflow_tests::Transport::Streams).await;
            }
        }
    )+};
}

/// Workflows that split and merge: onboarding, access, nested.
mod branches;
/// Workflows that wait for a timer, a hook, a sub-ticket: incident, release.
mod effects;

use loonflow_tests::{TestServer, Transport, Walk};
use serde_json::{Value, json};

over_every_transport!(leave, purchase);

fn fields(fields: Value) -> Value {
    json!({ "fields": fields })
}

fn props(props: Value) -> Value {
    json!({ "action_props": props })
}

fn nothing() -> Value {
    json!({})
}

/// Draft, withdraw, consult, forward, reject, accept, send back, force forward, end.
async fn leave(transport: Transport) {
    let server = TestServer::start().await;
    let to = |name: &str| props(json!({ "target_assignee_id": server.id(name) }));
    let asked = json!({ "leave_type": "annual", "leave_start": "2026-12-01", "leave_end": "2026-12-03", "days": 2.5 });
    let mut walk = Walk::new(&server, transport);
    walk.create(
        "dev",
        "leave",
        "",
        fields(json!({ "leave_type": "annual" })),
        "in_draft: start(dev)",
    )
    .await;
    let error = walk
        .refused("dev", "agree/submit", nothing(), "missing_required_fields")
        .await;
    let missing: Vec<&str> = error["details"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["key"].as_str())
        .collect();
    assert_eq!(missing, ["leave_start", "leave_end", "days"]);
    walk.refused("dev", "withdraw/withdraw", nothing(), "action_not_available")
        .await;
    walk.step("dev", "agree/submit", fields(asked), "on_going: approve(erin)")
        .await;
    let detail = walk.detail("erin").await;
    assert_eq!(detail["ticket"]["title"], "Leave: Dev Patel 2026-12-01 (2.5 d)");
    walk.refused("dev", "agree/approve_yes", nothing(), "permission_denied")
        .await;
    walk.refused("dev", "discard/discard", nothing(), "action_not_available")
        .await;
    walk.step(
        "dev",
        "withdraw/withdraw",
        props(json!({ "comment": "wrong days" })),
        "withdrawn: start(dev)",
    )
    .await;
    walk.step(
        "dev",
        "agree/submit",
        fields(json!({ "days": 3 })),
        "on_going: approve(erin)",
    )
    .await;

    walk.step("erin", "consult/consult", to("dana"), "on_going: approve(dana)")
        .await;
    walk.refused("erin", "agree/approve_yes", nothing(), "permission_denied")
        .await;
    walk.refused("dana", "agree/approve_yes", nothing(), "action_not_available")
        .await;
    let answer = props(json!({ "comment": "nobody else is away" }));
    walk.step(
        "dana",
        "consult_submit/consult_submit",
        answer,
        "on_going: approve(erin)",
    )
    .await;
    walk.refused("erin", "forward/forward", to("erin"), "invalid_argument")
        .await;
    walk.refused("erin", "forward/forward", to("gone"), "invalid_argument")
        .await;
    walk.refused("erin", "forward/forward", nothing(), "invalid_argument")
        .await;
    walk.step("erin", "forward/forward", to("olga"), "on_going: approve(olga)")
        .await;
    walk.refused("erin", "agree/approve_yes", nothing(), "permission_denied")
        .await;
    walk.step("olga", "reject/approve_no", nothing(), "rejected: start(dev)")
        .await;
    walk.step("dev", "agree/submit", nothing(), "on_going: approve(erin)")
        .await;

    let stand_in = fields(json!({ "stand_in": server.id("dana") }));
    walk.step("erin", "agree/approve_yes", stand_in, "on_going: file(hana,hugo)")
        .await;
    walk.refused(
        "hugo",
        "agree/file_done",
        fields(json!({ "hr_note": "x" })),
        "action_not_available",
    )
    .await;
    walk.step("hugo", "accept/accept", nothing(), "on_going: file(hugo)")
        .await;
    walk.refused("hana", "accept/accept", nothing(), "action_not_available")
        .await;
    walk.refused("hana", "agree/file_done", nothing(), "permission_denied")
        .await;
    walk.step("hugo", "reject/file_back", nothing(), "rejected: approve(erin)")
        .await;
    walk.step("erin", "agree/approve_yes", nothing(), "on_going: file(hana,hugo)")
        .await;
    walk.refused("dev", "force_close/force_close", nothing(), "permission_denied")
        .await;
    walk.step(
        "hana",
        "force_forward/force_forward",
        to("hana"),
        "on_going: file(hana)",
    )
    .await;
    walk.refused(
        "hana",
        "agree/file_done",
        fields(json!({ "hr_note": "" })),
        "missing_required_fields",
    )
    .await;
    walk.step(
        "hana",
        "agree/file_done",
        fields(json!({ "hr_note": "filed" })),
        "finished: end()",
    )
    .await;

    walk.step(
        "dev",
        "add_comment/add_comment",
        props(json!({ "comment": "thanks" })),
        "finished: end()",
    )
    .await;
    walk.refused("dev", "agree/submit", nothing(), "action_not_available")
        .await;
    walk.refused("hana", "force_close/force_close", nothing(), "action_not_available")
        .await;
    assert_eq!(
        history_of(&mut walk, "dev").await.last().map(String::as_str),
        Some("dev add_comment")
    );

    let mut draft = Walk::new(&server, transport);
    draft
        .create("dev", "leave", "", nothing(), "in_draft: start(dev)")
        .await;
    let hidden = draft
        .call("wes", "ticket_detail", json!({ "ticket_id": draft.ticket }))
        .await;
    hidden.refused("ticket_not_found");
    draft
        .step("dev", "discard/discard", nothing(), "in_draft: start(dev)")
        .await;
}

/// The amount decides, both accountants sign, votes with a consult and a forward among them.
async fn purchase(transport: Transport) {
    let server = TestServer::start().await;
    let to = |name: &str| props(json!({ "target_assignee_id": server.id(name) }));
    let mut walk = Walk::new(&server, transport);
    let order = json!({ "title": "Monitor", "item": "27 inch", "amount": 250 });
    walk.create("dev", "purchase", "submit", fields(order), "on_going: manager(erin)")
        .await;
    let start = props(json!({ "target_node_id": "start" }));
    walk.refused(
        "dev",
        "force_alter_node/force_alter_node",
        start.clone(),
        "permission_denied",
    )
    .await;
    let end = props(json!({ "target_node_id": "end" }));
    walk.refused("wes", "force_alter_node/force_alter_node", end, "invalid_argument")
        .await;
    walk.step(
        "wes",
        "force_alter_node/force_alter_node",
        start,
        "on_going: start(dev)",
    )
    .await;
    walk.step(
        "dev",
        "agree/submit",
        fields(json!({ "amount": 12000 })),
        "on_going: cfo(cfo)",
    )
    .await;
    walk.step("dev", "withdraw/withdraw", nothing(), "withdrawn: start(dev)")
        .await;
    let urgent = fields(json!({ "amount": "6000.00", "urgent": "yes" }));
    walk.step("dev", "agree/submit", urgent, "on_going: cfo(cfo)").await;
    walk.step("cfo", "agree/cfo_yes", nothing(), "on_going: booking(fin,faye)")
        .await;

    walk.refused("fin", "agree/booked", nothing(), "missing_required_fields")
        .await;
    let number = fields(json!({ "po_number": "PO-1" }));
    walk.step("fin", "agree/booked", number.clone(), "on_going: booking(faye)")
        .await;
    walk.refused("fin", "agree/booked", number.clone(), "permission_denied")
        .await;
    walk.step("faye", "reject/booking_no", nothing(), "rejected: start(dev)")
        .await;
    let plain = fields(json!({ "amount": 2000, "urgent": "no" }));
    walk.step("dev", "agree/submit", plain, "on_going: director(erin)")
        .await;
    let more = fields(json!({ "amount": 2500.5 }));
    walk.step("erin", "agree/director_yes", more, "on_going: booking(fin,faye)")
        .await;
    walk.refused("faye", "consult/consult", to("fin"), "invalid_argument")
        .await;
    walk.step("faye", "consult/consult", to("omar"), "on_going: booking(fin,omar)")
        .await;
    walk.refused("faye", "agree/booked", number.clone(), "permission_denied")
        .await;
    walk.step("fin", "agree/booked", nothing(), "on_going: booking(omar)")
        .await;
    walk.step(
        "omar",
        "consult_submit/consult_submit",
        nothing(),
        "on_going: booking(faye)",
    )
    .await;
    walk.refused("faye", "forward/forward", to("fin"), "invalid_argument")
        .await;
    walk.step("faye", "forward/forward", to("dana"), "on_going: booking(dana)")
        .await;
    walk.step("dana", "agree/booked", nothing(), "finished: end()").await;

    let mut refused = Walk::new(&server, transport);
    let order = json!({ "title": "Car", "item": "fast", "amount": 90000 });
    refused
        .create("dev", "purchase", "submit", fields(order), "on_going: cfo(cfo)")
        .await;
    let detail = refused.detail("cfo").await;
    let is_destructive = |id: &str| {
        detail["actions"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|one| one["id"] == id)
            .map(|one| one["destructive"] == true)
    };
    assert_eq!(
        (is_destructive("cfo_yes"), is_destructive("cfo_no")),
        (Some(false), Some(true))
    );
    refused
        .step(
            "cfo",
            "reject/cfo_no",
            props(json!({ "comment": "walk" })),
            "rejected: end()",
        )
        .await;
    refused
        .refused("dev", "withdraw/withdraw", nothing(), "action_not_available")
        .await;
    refused
        .refused("dev", "agree/submit", nothing(), "action_not_available")
        .await;
}

/// Who did what, oldest first.
async fn history_of(walk: &mut Walk<'_>, who: &str) -> Vec<String> {
    let history = json!({ "ticket_id": walk.ticket, "per_page": 100 });
    let history = walk.call(who, "ticket_history", history).await.ok();
    let entries = history["history"].as_array().cloned().unwrap_or_default();
    entries
        .iter()
        .map(|entry| {
            format!(
                "{} {}",
                entry["operator"]["name"].as_str().unwrap_or("-"),
                entry["action_type"].as_str().unwrap_or("-")
            )
        })
        .collect()
}
