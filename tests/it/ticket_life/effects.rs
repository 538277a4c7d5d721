//! Nodes that wait for no person: a timer, a hook. The engine's own commands complete them here, so that every step is
//! looked at; by themselves they run in the tests of effects.

use loonflow_engine::ticket::HookOutcome;
use loonflow_tests::{TestServer, Transport, Walk};
use serde_json::json;

use super::{fields, nothing};

over_every_transport!(incident, release);

/// A draw, a claim, an escalation, a timer that comes due after a day, the last handler remembered.
async fn incident(transport: Transport) {
    let server = TestServer::start().await;
    let mut walk = Walk::new(&server, transport);
    let report = json!({ "title": "Slow", "service": "web", "severity": "sev2", "details": "<p>very</p>" });
    walk.create("dev", "incident", "report", fields(report), "on_going: triage(?)")
        .await;
    let triage = walk.holder("triage").await;
    walk.step(
        &triage,
        "agree/triaged",
        fields(json!({ "severity": "sev1" })),
        "on_going: fix(erin,olga,omar)",
    )
    .await;
    walk.step("erin", "accept/accept", nothing(), "on_going: fix(erin)")
        .await;
    walk.step("erin", "other/escalate", nothing(), "on_going: triage(?)")
        .await;
    let triage = walk.holder("triage").await;
    walk.step(&triage, "agree/triaged", nothing(), "on_going: fix(erin)")
        .await;
    walk.refused("erin", "agree/fixed", nothing(), "missing_required_fields")
        .await;
    let cause = fields(json!({ "root_cause": "a full disk" }));
    walk.step("erin", "agree/fixed", cause, "on_going: cool_down()").await;
    let detail = walk.detail("dev").await;
    assert_eq!(detail["waiting_for"][0]["kind"], "timer");
    assert_eq!(detail["waiting_for"][0]["due"], "2026-11-23 09:30:00 +0000");
    walk.timer("cool_down", 24, "on_going: confirm(dev)").await;
    walk.step("dev", "reject/reopen", nothing(), "rejected: fix(erin)")
        .await;
    walk.step("erin", "agree/fixed", nothing(), "on_going: cool_down()")
        .await;
    walk.timer("cool_down", 24, "on_going: confirm(dev)").await;
    walk.step("dev", "agree/confirmed", nothing(), "finished: end()").await;

    let mut none = Walk::new(&server, transport);
    let report = json!({ "title": "Odd", "service": "api", "severity": "sev3" });
    none.create("dev", "incident", "report", fields(report), "on_going: triage(?)")
        .await;
    let triage = none.holder("triage").await;
    none.step(&triage, "reject/not_an_incident", nothing(), "rejected: end()")
        .await;
}

/// A sub-ticket that is waited for, a whole vote, a hook that fails and is posted again.
async fn release(transport: Transport) {
    let server = TestServer::start().await;
    let mut walk = Walk::new(&server, transport);
    let plan = json!({ "title": "R1", "service": "web", "version": "1.2.3", "plan": "<p>careful</p>" });
    walk.create("erin", "release", "submit", fields(plan), "on_going: prepare(erin)")
        .await;
    let mut child = Walk::new(&server, transport);
    let task = json!({
        "fields": { "title": "Access", "systems": ["crm"], "why": "release" },
        "parent_ticket_id": walk.ticket, "parent_ticket_node_id": "prepare"
    });
    child.create("erin", "access", "ask", task, "on_going: crm(dana)").await;
    let children = json!({ "category": "owner", "parent_ticket_id": walk.ticket });
    let children = walk.call("erin", "ticket_list", children).await.ok();
    assert_eq!(children["ticket_list"][0]["id"], child.ticket.as_str());
    assert_eq!(children["total"], 1);
    child.step("dana", "reject/crm_no", nothing(), "rejected: end()").await;
    child.deliver().await;

    walk.step("erin", "agree/ready", nothing(), "on_going: approve(erin,olga)")
        .await;
    walk.step("erin", "agree/go", nothing(), "on_going: approve(olga)")
        .await;
    let vote = walk.detail("olga").await["waiting_for"][0]["vote"].take();
    let told = json!([vote["rule"], vote["needed"], vote["for"], vote["against"], vote["open"]]);
    assert_eq!(told, json!(["all", 2, 1, 0, 1]));
    let states: Vec<_> = vote["shares"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|share| &share["state"])
        .collect();
    assert_eq!(states, ["voted", "open"], "{vote}");
    let go = json!({ "ticket_id": walk.ticket, "action_type": "agree", "action_id": "go", "dry_run": true });
    let rehearsed = walk.call("olga", "ticket_handle", go).await.ok();
    assert_eq!(
        rehearsed["preview"]["vote"],
        json!({ "needed": 2, "for": 2, "decides": "for" })
    );
    walk.step("olga", "reject/no_go", nothing(), "rejected: prepare(erin)")
        .await;
    let history = json!({ "ticket_id": walk.ticket, "per_page": 2, "reverse": 1 });
    let history = walk.call("erin", "ticket_history", history).await.ok();
    let votes = [0, 1]
        .map(|at| &history["history"][at])
        .map(|entry| json!([entry["vote"], entry["decided"]]));
    assert_eq!(votes, [json!([true, "against"]), json!([true, null])]);
    walk.step("erin", "agree/ready", nothing(), "on_going: approve(erin,olga)")
        .await;
    walk.step("olga", "agree/go", nothing(), "on_going: approve(erin)")
        .await;
    walk.step("erin", "agree/go", nothing(), "on_going: deploy()").await;
    walk.hook("deploy", HookOutcome::Failed("503".into()), "on_going: deploy()")
        .await;
    let stuck = walk.detail("wes").await;
    assert_eq!(stuck["ticket"]["needs_intervention"], true);
    let list = walk
        .call("wes", "ticket_list", json!({ "category": "intervene" }))
        .await
        .ok();
    assert!(
        list["ticket_list"]
            .as_array()
            .is_some_and(|rows| rows.contains(&stuck["ticket"]))
    );
    walk.refused("erin", "retry_hook/retry_hook", nothing(), "permission_denied")
        .await;
    walk.step("wes", "retry_hook/retry_hook", nothing(), "on_going: deploy()")
        .await;
    assert_eq!(walk.detail("wes").await["ticket"]["needs_intervention"], false);
    walk.hook("deploy", HookOutcome::Succeeded, "on_going: verify(erin,olga,omar)")
        .await;
    walk.step("omar", "reject/roll_back", nothing(), "rejected: prepare(erin)")
        .await;
    walk.step("erin", "withdraw/withdraw", nothing(), "withdrawn: start(erin)")
        .await;
    walk.step("erin", "agree/submit", nothing(), "on_going: prepare(erin)")
        .await;
    walk.step("erin", "agree/ready", nothing(), "on_going: approve(erin,olga)")
        .await;
    walk.step("erin", "agree/go", nothing(), "on_going: approve(olga)")
        .await;
    walk.step("olga", "agree/go", nothing(), "on_going: deploy()").await;
    walk.hook("deploy", HookOutcome::Succeeded, "on_going: verify(erin,olga,omar)")
        .await;
    walk.step(
        "olga",
        "agree/verified",
        fields(json!({ "result": "good" })),
        "finished: end()",
    )
    .await;
}
