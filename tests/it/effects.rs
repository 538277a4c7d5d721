//! What tickets cause outside, on an engine that carries it out: the fixtures of an incident and of a release to their end
//! over MCP, with time skipped, and with a receiver of hooks that fails in every way.
//!
//! Not here: each rule of tries and lanes (the engine's own tests), what a post looks like (`engine/outbound`).

/// Where asynchronous hooks call back.
mod call_backs;
/// What rows and lists say of deadlines.
mod deadlines;
/// People who are told.
mod notices;
/// Receivers that fail, each in its own way.
mod receivers;

use std::time::{Duration, Instant};

use loonflow_engine::runtime::Delivery;
use loonflow_outbound::{AllowList, HttpOutside, Settings};
use loonflow_tests::server::ticket_id;
use loonflow_tests::{Receiver, TestServer, fixtures};
use serde_json::{Value, json};

/// Time that anything here may take, on a slow and busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pause between two looks at whether something is there yet.
const LOOK_EVERY: Duration = Duration::from_millis(3);

/// Who may call this machine.
fn local() -> HttpOutside {
    HttpOutside::new(Settings {
        allow: AllowList::parse(["127.0.0.0/8"]).expect("an entry"),
        ..Settings::default()
    })
}

/// A server that carries effects out, and whom its workflows call.
struct World {
    server: TestServer,
    receiver: Receiver,
}

impl World {
    /// With the incident, and with the release as `change` has its hook node.
    async fn new(receiver: Receiver, change: impl FnOnce(&mut Value)) -> Self {
        Self::calling(local(), receiver, change).await
    }

    async fn calling(outside: HttpOutside, receiver: Receiver, change: impl FnOnce(&mut Value)) -> Self {
        let address = receiver.address.to_string();
        let release = fixtures::workflow("release")
            .to_string()
            .replace("127.0.0.1:18080", &address);
        let mut release: Value = serde_json::from_str(&release).expect("is JSON");
        let nodes = release["process_schema"]["node_info_list"].as_array_mut();
        let deploy = nodes.into_iter().flatten().find(|node| node["id"] == "deploy");
        change(&mut deploy.expect("it has a hook")["props"]);
        let workflows = vec![fixtures::workflow("incident"), release];
        Self {
            server: TestServer::carrying_out(outside, workflows).await,
            receiver,
        }
    }

    async fn ask(&self, who: &str, tool: &str, arguments: Value) -> Value {
        self.server.client(who).await.call(tool, arguments).await.ok()
    }

    /// Takes an action written `type/id`.
    async fn handle(&self, who: &str, ticket: &str, action: &str, rest: Value) -> Value {
        let (action_type, action_id) = action.split_once('/').expect("an action is `type/id`");
        let mut arguments = json!({ "ticket_id": ticket, "action_type": action_type, "action_id": action_id });
        let arguments_map = arguments.as_object_mut().expect("an object");
        arguments_map.extend(rest.as_object().cloned().unwrap_or_default());
        self.ask(who, "ticket_handle", arguments).await
    }

    /// The ticket as the tenant's admin sees it.
    async fn detail(&self, ticket: &str) -> Value {
        self.ask("ada", "ticket_detail", json!({ "ticket_id": ticket })).await
    }

    /// State and node of a ticket with one token: `on_going: verify`.
    async fn standing(&self, ticket: &str) -> String {
        let detail = self.detail(ticket).await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let ticket = &detail["ticket"];
        format!(
            "{}: {}",
            text(&ticket["act_state"]),
            text(&ticket["current_nodes"][0]["node_id"])
        )
    }

    /// Waits until a ticket stands somewhere; time stands still.
    async fn comes_to(&self, ticket: &str, then: &str) {
        self.pass_until(Duration::ZERO, then, async || self.standing(ticket).await == then)
            .await;
    }

    /// The last call may be answered before its ticket has noted it.
    async fn nothing_is_owed(&self) {
        self.pass_until(Duration::ZERO, "nothing is owed", async || {
            self.server.engine.effects().n_open() == 0
        })
        .await;
    }

    /// Lets time pass in steps until it is so.
    async fn pass_until(&self, step: Duration, what: &str, is_so: impl AsyncFn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so().await {
            assert!(
                Instant::now() < deadline,
                "not in time: {what}, after {:?}; {:?}",
                self.server.clock.passed(),
                self.deliveries()
            );
            if !step.is_zero() {
                self.server.clock.advance(step);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// All tries of calls, the newest first.
    fn deliveries(&self) -> Vec<Delivery> {
        let tenant = &self.server.person("ada").tenant;
        self.server.engine.effects().deliveries(tenant, None, 1_000)
    }

    /// Tries of calls of a ticket's nodes.
    fn n_tries(&self, ticket: &str) -> usize {
        let ticket = ticket_id(ticket);
        let tries = self.deliveries().into_iter();
        tries
            .filter(|one| one.ticket == ticket && one.target.ends_with("/deploy"))
            .count()
    }

    /// A release that has been approved: its hook is owed.
    async fn release(&self) -> String {
        let fields = json!({ "title": "R1", "service": "web", "version": "1.2.3" });
        let arguments = json!({ "workflow_id": "release", "action_id": "submit", "fields": fields });
        let created = self.ask("erin", "ticket_create", arguments).await;
        let ticket = created["ticket_id"].as_str().expect("it is created").to_owned();
        self.handle("erin", &ticket, "agree/ready", json!({})).await;
        self.handle("erin", &ticket, "agree/go", json!({})).await;
        self.handle("olga", &ticket, "agree/go", json!({})).await;
        ticket
    }

    /// Takes a release that is deployed to its end, of which the audit system is told.
    async fn finish(&self, ticket: &str) {
        self.comes_to(ticket, "on_going: verify").await;
        let detail = self.detail(ticket).await;
        assert_eq!(detail["ticket"]["needs_intervention"], false, "{detail}");
        let result = json!({ "fields": { "result": "good" } });
        self.handle("olga", ticket, "agree/verified", result).await;
        assert_eq!(self.standing(ticket).await, "finished: end");
        self.pass_until(Duration::ZERO, "the audit system is told", async || {
            let told = self.receiver.got("/audit");
            told.iter().any(|got| got.json()["type"] == "finish")
        })
        .await;
        let types: Vec<Value> = self
            .receiver
            .got("/audit")
            .iter()
            .map(|got| got.json()["type"].clone())
            .collect();
        assert_eq!(types, ["create", "finish"]);
    }

    /// The one incident of a ticket, as its admins see it.
    async fn incident(&self, ticket: &str) -> Value {
        let detail = self.detail(ticket).await;
        assert_eq!(detail["ticket"]["needs_intervention"], true, "{detail}");
        let incidents = detail["incidents"].as_array().expect("incidents are listed");
        assert_eq!(incidents.len(), 1, "{detail}");
        incidents[0].clone()
    }
}

/// A day passes in a moment, and not a minute too early.
#[tokio::test]
async fn an_incident_cools_down_for_a_day() {
    let world = World::new(Receiver::start().await, |_| {}).await;
    let report = json!({ "title": "Slow", "service": "web", "severity": "sev2" });
    let arguments = json!({ "workflow_id": "incident", "action_id": "report", "fields": report });
    let created = world.ask("dev", "ticket_create", arguments).await;
    let ticket = created["ticket_id"].as_str().expect("it is created");
    let triage = created["current_nodes"][0]["assignees"][0]["name"]
        .as_str()
        .expect("somebody is drawn");
    world.handle(triage, ticket, "agree/triaged", json!({})).await;
    world.handle("erin", ticket, "accept/accept", json!({})).await;
    let cause = json!({ "fields": { "root_cause": "a full disk" } });
    world.handle("erin", ticket, "agree/fixed", cause).await;
    assert_eq!(world.standing(ticket).await, "on_going: cool_down");
    assert_eq!(
        world.detail(ticket).await["waiting_for"][0]["due"],
        "2026-11-23 09:30:00 +0000"
    );

    world.server.clock.advance(Duration::from_secs(24 * 3_600 - 60));
    assert_eq!(world.standing(ticket).await, "on_going: cool_down");
    world.server.clock.advance(Duration::from_secs(60));
    world.comes_to(ticket, "on_going: confirm").await;
    world.handle("dev", ticket, "agree/confirmed", json!({})).await;
    assert_eq!(world.standing(ticket).await, "finished: end");
    let history = world.ask("dev", "ticket_history", json!({ "ticket_id": ticket })).await;
    let by_timer = history["history"].as_array().into_iter().flatten();
    let by_timer: Vec<&Value> = by_timer.filter(|entry| entry["processor"] == "timer").collect();
    assert_eq!(by_timer.len(), 1, "{history}");
    assert_eq!(by_timer[0]["created_at"], "2026-11-23 09:30:00 +0000");
    world.nothing_is_owed().await;
}
