//! Deadlines as clients see them: rows say when, lists filter and sort by it, what comes due is done.

use std::time::Duration;

use loonflow_tests::{Receiver, TestServer, fixtures};
use serde_json::{Value, json};

use super::{World, local};

/// Leave that is refused where nobody has decided on it within eight hours and two more.
async fn world() -> World {
    let mut leave = fixtures::workflow("leave");
    let nodes = leave["process_schema"]["node_info_list"].as_array_mut();
    let approval = nodes.into_iter().flatten().find(|node| node["id"] == "approve");
    approval.expect("somebody approves")["props"]["deadline"] = json!({
        "after": "PT8H", "steps": [{ "at": "PT2H", "do": "take_edge", "edge": "approve_no" }],
    });
    World {
        server: TestServer::carrying_out(local(), vec![leave]).await,
        receiver: Receiver::start().await,
    }
}

impl World {
    async fn leave(&self) -> String {
        let fields = json!({
            "leave_type": "annual", "leave_start": "2026-12-01", "leave_end": "2026-12-02", "days": 2,
        });
        let arguments = json!({ "workflow_id": "leave", "action_id": "submit", "fields": fields });
        let created = self.ask("dev", "ticket_create", arguments).await;
        created["ticket_id"].as_str().expect("it is created").to_owned()
    }

    /// Ids of a list of dev's, and its rows.
    async fn listed(&self, arguments: Value) -> (Vec<String>, Vec<Value>) {
        let mut all = json!({ "category": "owner" });
        let map = all.as_object_mut().expect("an object");
        map.extend(arguments.as_object().cloned().unwrap_or_default());
        let answer = self.ask("dev", "ticket_list", all).await;
        let rows = answer["ticket_list"].as_array().cloned().expect("a list");
        let ids = rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned());
        (ids.collect(), rows)
    }
}

#[tokio::test]
async fn lists_filter_and_sort_by_deadline() {
    let world = world().await;
    let mut tickets = Vec::new();
    for _ in 0..3 {
        tickets.push(world.leave().await);
        world.server.clock.advance(Duration::from_secs(3_600));
    }
    let draft = world
        .ask("dev", "ticket_create", json!({ "workflow_id": "leave" }))
        .await;
    let draft = draft["ticket_id"].as_str().expect("it is created").to_owned();
    let (newest, rows) = world.listed(json!({})).await;
    assert_eq!(
        newest,
        [&draft, &tickets[2], &tickets[1], &tickets[0]].map(Clone::clone)
    );
    assert_eq!(
        (&rows[0]["due"], &rows[0]["overdue"]),
        (&json!(""), &json!(false)),
        "a draft has no clock"
    );
    let dues: Vec<_> = rows[1..]
        .iter()
        .map(|row| row["due"].as_str().expect("a due").to_owned())
        .collect();

    // By deadline, those without one last, whatever `reverse` says.
    let by_due = [&tickets[0], &tickets[1], &tickets[2], &draft].map(Clone::clone);
    for reverse in [0, 1] {
        let (sorted, _) = world.listed(json!({ "order_by": "due", "reverse": reverse })).await;
        assert_eq!(sorted, by_due);
    }
    let (first, _) = world.listed(json!({ "order_by": "due", "per_page": 1 })).await;
    assert_eq!(first, by_due[..1]);

    // Before the second's: the first alone. A time-zone is said with it.
    let (before, _) = world.listed(json!({ "due_before": dues[1] })).await;
    assert_eq!(before, tickets[..1]);
    assert_eq!(world.listed(json!({ "overdue": true })).await.0, [""; 0]);
    // Three hours have passed; in five and a half the first is late, and nothing is done yet.
    world.server.clock.advance(Duration::from_secs(5 * 3_600 + 1_800));
    let (late, rows) = world.listed(json!({ "overdue": true })).await;
    assert_eq!(late, tickets[..1]);
    assert_eq!(rows[0]["overdue"], true);
    let step = &world.detail(&tickets[0]).await["waiting_for"][0];
    assert_eq!(step["due"], dues[2], "{step}");

    // Ten hours after it was sent, silence is no.
    world.server.clock.advance(Duration::from_secs(3_600 + 1_800));
    world.comes_to(&tickets[0], "rejected: start").await;
    let history = world
        .ask("dev", "ticket_history", json!({ "ticket_id": tickets[0] }))
        .await;
    let entries = history["history"].as_array().cloned().unwrap_or_default();
    assert!(
        entries
            .iter()
            .any(|entry| entry["action_type"] == "deadline" && entry["processor"] == "timer"),
        "{history}"
    );
    let (late, _) = world.listed(json!({ "overdue": true, "order_by": "due" })).await;
    assert_eq!(
        late,
        tickets[1..],
        "the third is due this very moment; whoever has the first again is not late"
    );
}

#[tokio::test]
async fn words_that_no_list_knows_are_refused() {
    let world = world().await;
    for (argument, value) in [
        ("order_by", json!("title")),
        ("due_before", json!("soon")),
        ("overdue", json!("often")),
    ] {
        let refused = world
            .server
            .client("dev")
            .await
            .call("ticket_list", json!({ argument: value }))
            .await;
        let refused = refused.refused("invalid_argument");
        assert!(refused.to_string().contains(argument), "{refused}");
    }
}
