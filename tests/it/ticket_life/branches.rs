//! Splits and merges: parallel, inclusive, one inside the other; rejects out of a branch, merges that wait.

use loonflow_tests::{TestServer, Transport, Walk};
use serde_json::{Value, json};

use super::{fields, nothing, props};

over_every_transport!(onboarding, access, nested);

/// Three branches, a draw, a reject out of a branch, a merge that waits.
async fn onboarding(transport: Transport) {
    let server = TestServer::start().await;
    let mut walk = Walk::new(&server, transport);
    let newcomer = json!({ "title": "Nia", "newcomer": "Nia", "buddy": server.id("dana"), "first_day": "2027-01-04" });
    let split = "on_going: it(olga,omar) badge(?) security(sec)";
    walk.create("erin", "onboarding", "submit", fields(newcomer), split)
        .await;
    walk.step(
        "olga",
        "accept/accept",
        nothing(),
        "on_going: it(olga) badge(?) security(sec)",
    )
    .await;
    walk.step("olga", "reject/it_cancel", nothing(), "rejected: start(erin)")
        .await;
    walk.step("erin", "agree/submit", nothing(), split).await;

    let badge = |props: Value| {
        let mut all = json!({ "node_id": "badge" });
        if let (Some(all), Some(more)) = (all.as_object_mut(), props.as_object()) {
            all.extend(more.clone());
        }
        json!({ "action_props": all })
    };
    let to_sec = badge(json!({ "target_assignee_id": server.id("sec") }));
    let with_sec = "on_going: it(olga,omar) badge(sec) security(sec)";
    walk.step("wes", "force_forward/force_forward", to_sec, with_sec).await;
    let to_omar = json!({ "target_assignee_id": server.id("omar") });
    let ambiguous = walk
        .refused("sec", "forward/forward", props(to_omar.clone()), "ambiguous_node")
        .await;
    assert_eq!(
        ambiguous["details"],
        json!([{ "node_id": "badge" }, { "node_id": "security" }])
    );
    let with_omar = "on_going: it(olga,omar) badge(omar) security(sec)";
    walk.step("sec", "forward/forward", badge(to_omar), with_omar).await;

    let trained = fields(json!({ "training": ["phishing", "devices"] }));
    let one_joined = "on_going: it(olga,omar) badge(omar) sign_off()";
    walk.step("sec", "agree/sec_done", trained, one_joined).await;
    let waiting = walk.detail("erin").await["waiting_for"].clone();
    let merge = waiting
        .as_array()
        .into_iter()
        .flatten()
        .find(|one| one["kind"] == "merge")
        .cloned();
    let missing = merge.expect("a merge waits")["missing"].clone();
    assert_eq!(
        missing,
        json!([{ "node_id": "it", "name": "IT equipment" }, { "node_id": "badge", "name": "Badge" }])
    );
    let early = walk
        .call("dana", "ticket_detail", json!({ "ticket_id": walk.ticket }))
        .await;
    early.refused("ticket_not_found");
    walk.step(
        "omar",
        "accept/accept",
        nothing(),
        "on_going: it(omar) badge(omar) sign_off()",
    )
    .await;
    walk.step(
        "omar",
        "agree/badge_done",
        fields(json!({ "badge": "B-7" })),
        "on_going: it(omar) sign_off()",
    )
    .await;
    walk.refused("omar", "agree/it_done", nothing(), "missing_required_fields")
        .await;
    walk.step(
        "omar",
        "agree/it_done",
        fields(json!({ "laptop": "L-1" })),
        "on_going: sign_off(dana)",
    )
    .await;
    walk.step("dana", "reject/sign_back", nothing(), "rejected: start(erin)")
        .await;

    // Once more, with the badge to whoever is drawn.
    walk.step("erin", "agree/submit", nothing(), split).await;
    let drawn = walk.holder("badge").await;
    walk.step(
        &drawn,
        "agree/badge_done",
        nothing(),
        "on_going: it(olga,omar) sign_off() security(sec)",
    )
    .await;
    walk.step("sec", "agree/sec_done", nothing(), "on_going: it(olga,omar) sign_off()")
        .await;
    walk.step("omar", "accept/accept", nothing(), "on_going: it(omar) sign_off()")
        .await;
    walk.step("omar", "agree/it_done", nothing(), "on_going: sign_off(dana)")
        .await;
    walk.step("dana", "agree/signed", nothing(), "finished: end()").await;
}

/// Only the owners asked for, a whole vote that an admin cuts short, the default way, a refusal for good.
async fn access(transport: Transport) {
    let server = TestServer::start().await;
    let mut walk = Walk::new(&server, transport);
    let asked =
        json!({ "title": "Prod", "systems": ["crm", "prod"], "why": "on call", "until": "2026-12-24 18:00:00" });
    walk.create(
        "dev",
        "access",
        "ask",
        fields(asked),
        "on_going: crm(dana) prod(olga,sec)",
    )
    .await;
    walk.step("olga", "agree/prod_yes", nothing(), "on_going: crm(dana) prod(sec)")
        .await;
    let omar = props(json!({ "target_assignee_id": server.id("omar"), "node_id": "prod" }));
    walk.step(
        "wes",
        "force_forward/force_forward",
        omar,
        "on_going: crm(dana) prod(omar)",
    )
    .await;
    walk.refused("sec", "agree/prod_yes", nothing(), "permission_denied")
        .await;
    walk.step("dana", "agree/crm_yes", nothing(), "on_going: merge() prod(omar)")
        .await;
    walk.step("omar", "agree/prod_yes", nothing(), "on_going: grant(olga,omar)")
        .await;
    walk.step("omar", "accept/accept", nothing(), "on_going: grant(omar)")
        .await;
    walk.step("omar", "reject/not_granted", nothing(), "rejected: start(dev)")
        .await;
    let none = fields(json!({ "systems": [] }));
    walk.step("dev", "agree/ask", none, "on_going: desk(olga,omar)").await;
    walk.step("olga", "agree/desk_yes", nothing(), "on_going: grant(olga,omar)")
        .await;
    walk.step("olga", "accept/accept", nothing(), "on_going: grant(olga)")
        .await;
    walk.step(
        "olga",
        "agree/granted",
        fields(json!({ "until": "2026-12-31" })),
        "finished: end()",
    )
    .await;

    let mut refused = Walk::new(&server, transport);
    let asked = json!({ "title": "Ledger", "systems": ["crm", "ledger"], "why": "curious" });
    refused
        .create("dev", "access", "ask", fields(asked), "on_going: crm(dana) ledger(fin)")
        .await;
    refused
        .step("fin", "reject/ledger_no", nothing(), "rejected: end()")
        .await;
}

/// A split inside a branch of a split: a reject from inside cancels both, merges join inside out.
async fn nested(transport: Transport) {
    let server = TestServer::start().await;
    let mut walk = Walk::new(&server, transport);
    let split = "on_going: legal(cfo) tech(erin) ops(olga)";
    walk.create(
        "dana",
        "nested",
        "submit",
        fields(json!({ "title": "Post", "text": "Draft" })),
        split,
    )
    .await;
    walk.step(
        "cfo",
        "agree/legal_ok",
        nothing(),
        "on_going: join1() tech(erin) ops(olga)",
    )
    .await;
    walk.step("erin", "reject/tech_no", nothing(), "rejected: start(dana)")
        .await;
    walk.step("dana", "agree/submit", nothing(), split).await;
    walk.step(
        "olga",
        "agree/ops_ok",
        nothing(),
        "on_going: legal(cfo) tech(erin) join2()",
    )
    .await;
    walk.refused(
        "erin",
        "agree/tech_ok",
        fields(json!({ "score": 11 })),
        "invalid_field_value",
    )
    .await;
    let scored = fields(json!({ "score": 7 }));
    walk.step("erin", "agree/tech_ok", scored, "on_going: legal(cfo) summary(dana)")
        .await;
    walk.step("dana", "agree/sum_ok", nothing(), "on_going: legal(cfo) join1()")
        .await;
    walk.step("cfo", "agree/legal_ok", nothing(), "on_going: publish(hana,hugo)")
        .await;
    walk.step("hana", "accept/accept", nothing(), "on_going: publish(hana)")
        .await;
    walk.step("hana", "agree/published", nothing(), "finished: end()").await;

    let mut closed = Walk::new(&server, transport);
    closed
        .create(
            "dana",
            "nested",
            "submit",
            fields(json!({ "title": "Post", "text": "Draft" })),
            split,
        )
        .await;
    closed
        .step("ada", "force_close/force_close", nothing(), "closed: end()")
        .await;
    closed
        .refused("cfo", "agree/legal_ok", nothing(), "action_not_available")
        .await;
}
