//! The seven example workflows from creation to their end over the binary's own stdin and stdout, with rmcp's client:
//! one server process serves everybody, each call brings its person's token, each real call is rehearsed first.
//!
//! Whoever the ticket waits for takes the first way that agrees and fills in what is required. Where it waits for a timer
//! or a hook, the server is stopped and the engine's own commands complete them on the same data directory.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use loonflow_engine::effect::{Awaited, Effect};
use loonflow_engine::id::{TicketId, UserId};
use loonflow_engine::port::Clock;
use loonflow_engine::runtime::{Engine, EngineOptions, Ports, PublishRequest};
use loonflow_engine::ticket::HookOutcome;
use loonflow_engine::time::Timestamp;
use loonflow_storage::{EventLog, SledLog, SledOptions};
use rmcp::model::{CallToolRequestParams, ClientConfig};
use rmcp::service::RunningService;
use rmcp::{RoleClient, ServiceExt};
use serde_json::{Map, Value, json};
use tokio::process::Child;

use super::process::{asset, binary};

const WORKFLOWS: [&str; 7] = [
    "access",
    "incident",
    "leave",
    "nested",
    "onboarding",
    "purchase",
    "release",
];

/// More steps than any of them needs.
const STEPS_MAX: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_workflow_comes_to_its_end_over_stdio() {
    let data = tempfile::tempdir().expect("temporary directory");
    let people = prepare(data.path()).await;
    let session = Session::start(data.path()).await;
    let mut names = session.tools().await;
    names.sort();
    let expected = [
        "absence_clear",
        "absence_list",
        "absence_set",
        "file_upload",
        "ticket_create",
        "ticket_detail",
        "ticket_handle",
        "ticket_history",
        "ticket_list",
        "ticket_prepare_create",
        "ticket_prepare_handle",
        "user_list",
        "workflow_list",
    ];
    assert_eq!(names, expected);
    let mut open = Vec::new();
    for workflow in WORKFLOWS {
        let ticket = session.create(&people, workflow).await;
        open.extend(
            session
                .take_as_far_as_people_can(&people, &ticket)
                .await
                .then_some(ticket),
        );
    }
    session.stop().await;
    assert_eq!(open.len(), 2, "one workflow has a timer, one a hook");
    complete_effects(data.path(), &open).await;
    let session = Session::start(data.path()).await;
    for ticket in open {
        let waits = session.take_as_far_as_people_can(&people, &ticket).await;
        assert!(!waits, "{ticket} waits again");
    }
    session.stop().await;
}

/// Tokens by user id; the creator is under `dev`, the admin under `ada`.
type People = BTreeMap<String, String>;

/// The example organisation, its seven workflows, and a token for everybody who is active.
async fn prepare(data: &Path) -> People {
    let engine = engine(data, Ports::system()).await;
    let read = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(asset(name)).expect("an asset")).expect("is JSON")
    };
    let directory = read("acme.json");
    let report = engine
        .directories()
        .import(&directory)
        .await
        .expect("no fault")
        .expect("it imports");
    for name in WORKFLOWS {
        let source = Arc::new(read(&format!("{name}.json")));
        let published = engine
            .workflows()
            .publish(PublishRequest::new(report.tenant_id.clone(), source))
            .await;
        published.expect("no fault").expect("it is published");
    }
    let mut people = People::new();
    let active = |user: &&Value| user["is_active"] == true;
    for user in directory["users"].as_array().into_iter().flatten().filter(active) {
        let id = user["id"].as_str().expect("a user has an id");
        let made = engine
            .access_tokens()
            .create(&report.tenant_id, &UserId::from(id), "test", None)
            .await;
        let (_, token) = made.expect("no fault").expect("a token");
        people.insert(id.to_owned(), token.expose().to_owned());
        if let Some(name @ ("dev" | "ada")) = user["name"].as_str() {
            people.insert(name.to_owned(), token.expose().to_owned());
        }
    }
    engine.close().await.expect("it closes");
    people
}

/// The engine over the log of a data directory, as the binary opens it.
async fn engine(data: &Path, ports: Ports) -> Engine {
    let log = SledLog::open(data.join("log"), SledOptions::default()).expect("the log opens");
    let log: Arc<dyn EventLog> = Arc::new(log);
    // They are carried out by hand, below.
    let options = EngineOptions {
        runs_effects: false,
        ..EngineOptions::default()
    };
    Engine::start(log, ports, options).await.expect("the engine starts")
}

/// A clock that is years ahead: every timer is due.
#[derive(Debug)]
struct Later;

impl Clock for Later {
    fn now(&self) -> Timestamp {
        Timestamp(4_000_000_000_000)
    }
}

/// Fires the timers and answers the hooks that tickets wait for.
async fn complete_effects(data: &Path, tickets: &[String]) {
    let ports = Ports {
        clock: Arc::new(Later),
        ..Ports::system()
    };
    let engine = engine(data, ports).await;
    for ticket in tickets {
        let ticket = TicketId::parse(ticket).expect("an id");
        for Awaited { effect, .. } in engine
            .effects()
            .awaited(ticket)
            .await
            .expect("no fault")
            .expect("the ticket")
        {
            let effects = engine.effects();
            let done = if let Effect::Hook { token, attempt, .. } = effect {
                effects
                    .report_hook(ticket, token, attempt, HookOutcome::Succeeded)
                    .await
            } else if let Effect::Timer { token, .. } = effect {
                effects.fire_timer(ticket, token).await
            } else {
                continue;
            };
            done.expect("no fault").expect("it was waited for");
        }
    }
    engine.close().await.expect("it closes");
}

/// One server process and the client that speaks to it.
struct Session {
    child: Child,
    service: RunningService<RoleClient, ClientConfig>,
}

impl Session {
    async fn start(data: &Path) -> Self {
        let mut command = tokio::process::Command::from(binary());
        command.arg("--data").arg(data).args(["serve", "--transport", "stdio"]);
        command
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped());
        command.stderr(std::process::Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().expect("the binary runs");
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let streams = (output.expect("is piped"), input.expect("is piped"));
        let service = ClientConfig::default()
            .serve(streams)
            .await
            .expect("the client connects");
        Self { child, service }
    }

    /// Closes its stdin, which ends the server.
    async fn stop(mut self) {
        self.service.cancel().await.expect("the client stops");
        let status = self.child.wait().await.expect("it ends");
        assert!(status.success(), "{status}");
    }

    async fn tools(&self) -> Vec<String> {
        let tools = self.service.list_all_tools().await.expect("tools are listed");
        tools.iter().map(|tool| tool.name.to_string()).collect()
    }

    async fn call(&self, token: &str, tool: &str, arguments: Value) -> Value {
        let Value::Object(mut arguments) = arguments else {
            panic!("{arguments}")
        };
        arguments.insert("access_token".to_owned(), token.into());
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let result = self.service.call_tool(params).await.expect("no protocol error");
        let answer = result.structured_content.unwrap_or_default();
        assert_ne!(result.is_error, Some(true), "{tool}: {answer}");
        answer
    }

    /// Rehearses a write, carries it out, and compares: same state and nodes, a draw aside.
    async fn write(&self, token: &str, tool: &str, mut arguments: Value) -> Value {
        arguments["dry_run"] = true.into();
        let dry = self.call(token, tool, arguments.clone()).await;
        assert_eq!(dry["status"], "validated");
        arguments["dry_run"] = false.into();
        let real = self.call(token, tool, arguments).await;
        assert_eq!(real["act_state"], dry["preview"]["act_state"]);
        let nodes = |answer: &Value| -> Vec<Value> {
            let nodes = answer["current_nodes"].as_array().into_iter().flatten();
            nodes.map(|node| node["node_id"].clone()).collect()
        };
        assert_eq!(nodes(&real), nodes(&dry["preview"]));
        real
    }

    /// Creates a ticket from the example that the server gives.
    async fn create(&self, people: &People, workflow: &str) -> String {
        let form = self
            .call(
                &people["dev"],
                "ticket_prepare_create",
                json!({ "workflow_id": workflow }),
            )
            .await;
        let real = self
            .write(&people["dev"], "ticket_create", form["example"].clone())
            .await;
        real["ticket_id"].as_str().expect("a new ticket has an id").to_owned()
    }

    /// Lets everybody act in turn; whether the ticket then waits for no person but is not over.
    async fn take_as_far_as_people_can(&self, people: &People, ticket: &str) -> bool {
        for _ in 0..STEPS_MAX {
            let seen = self
                .call(&people["ada"], "ticket_detail", json!({ "ticket_id": ticket }))
                .await;
            if seen["ticket"]["act_state"] == "finished" {
                return false;
            }
            let mut waited_for = seen["waiting_for"].as_array().into_iter().flatten();
            let Some(person) = waited_for.find_map(|one| one["people"][0]["id"].as_str()) else {
                return true;
            };
            let token = &people[person];
            let detail = self
                .call(token, "ticket_prepare_handle", json!({ "ticket_id": ticket }))
                .await;
            let actions = detail["actions"].as_array().cloned().unwrap_or_default();
            let claims = |one: &&Value| one["id"] == "accept";
            let agrees = |one: &&Value| one["type"] == "agree";
            let action = actions.iter().find(claims).or_else(|| actions.iter().find(agrees));
            let action = action.unwrap_or_else(|| panic!("{person} can do nothing at {ticket}: {actions:?}"));
            let fields = if agrees(&action) {
                required(&detail, person)
            } else {
                Map::new()
            };
            let arguments = json!({
                "ticket_id": ticket, "action_type": action["type"], "action_id": action["id"],
                "action_props": { "node_id": action["node_id"], "comment": "so be it" }, "fields": fields,
                "expected_version": detail["version"],
            });
            self.write(token, "ticket_handle", arguments).await;
        }
        panic!("{ticket} does not end");
    }
}

/// Values for the required fields that have none, as the form describes them.
fn required(detail: &Value, person: &str) -> Map<String, Value> {
    let wanted = detail["required_fields"].as_array().cloned().unwrap_or_default();
    let rows = detail["form_schema"]["component_info_list"]
        .as_array()
        .into_iter()
        .flatten();
    let components = rows.flat_map(|row| row["children"].as_array().into_iter().flatten());
    let empty = components.filter(|one| wanted.contains(&one["component_key"]) && one["props"]["value"].is_null());
    let filled = empty.map(|one| {
        let value = match one["type"].as_str().unwrap_or_default() {
            "number" => one["props"]["min"].clone(),
            "select" | "radio" => one["props"]["options_with_keys"][0]["key"].clone(),
            "date" => json!("2026-12-01"),
            "user" => json!(person),
            _ => json!("done"),
        };
        (one["component_key"].as_str().unwrap_or_default().to_owned(), value)
    });
    filled.collect()
}
