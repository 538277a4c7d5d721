//! One ticket taken from step to step through the tools alone, each person with its own token.
//!
//! Invariants, asserted at every step: the action is offered to whoever takes it; a dry run with the same arguments
//! comes first and writes nothing; the real call makes exactly the events that were previewed, and leads to the state
//! and nodes that were previewed; detail, list and history show it to whoever acted; a refusal is the same dry and real
//! and writes nothing.
//!
//! Where a ticket stands is written `on_going: crm(dana) prod(olga,sec)`; `?` stands for whoever was drawn.

use std::collections::{BTreeMap, BTreeSet};

use loonflow_engine::effect::Effect;
use loonflow_engine::runtime::Done;
use loonflow_engine::ticket::{HookOutcome, Refusal};
use serde_json::{Map, Value, json};

use crate::client::{Client, Outcome, Transport};
use crate::server::{TestServer, ticket_id};

/// See the module.
pub struct Walk<'a> {
    server: &'a TestServer,
    transport: Transport,
    clients: BTreeMap<String, Client>,
    /// The ticket; empty before it is there.
    pub ticket: String,
    /// Who was drawn at which node, as long as nobody else was put there.
    drawn: BTreeMap<String, String>,
}

impl<'a> Walk<'a> {
    /// Nobody has done anything yet.
    #[must_use]
    pub fn new(server: &'a TestServer, transport: Transport) -> Self {
        Self {
            server,
            transport,
            clients: BTreeMap::new(),
            ticket: String::new(),
            drawn: BTreeMap::new(),
        }
    }

    /// Creates the ticket, by way of a rehearsal. `rest` holds further arguments of `ticket_create`.
    ///
    /// # Panics
    /// Where an invariant does not hold, or the ticket does not come to stand at `then`.
    pub async fn create(&mut self, who: &str, workflow: &str, action_id: &str, rest: Value, then: &str) -> Value {
        let arguments = merged(json!({ "workflow_id": workflow, "action_id": action_id }), &rest);
        let position = self.server.position();
        let total = self.total(who).await;
        let dry = self.call(who, "ticket_create", rehearsal(&arguments)).await.ok();
        assert_eq!(dry["dry_run"], true);
        assert_eq!(dry["status"], "validated");
        assert_eq!(dry["version"], 0);
        assert!(dry.get("ticket_id").is_none(), "a rehearsal has no ticket: {dry}");
        assert_eq!(self.server.position(), position, "a rehearsal wrote something");
        assert_eq!(self.total(who).await, total);
        let real = self.call(who, "ticket_create", arguments.clone()).await.ok();
        assert_eq!(self.total(who).await, total + 1);
        self.ticket = real["ticket_id"].as_str().expect("the ticket has an id").to_owned();
        self.compare(who, 0, &dry["preview"], &real).await;
        assert_eq!(self.standing(&real), then, "{who} creates");
        real
    }

    /// Takes the action written `type/id`, by way of a rehearsal. `rest` holds `action_props` and `fields`.
    ///
    /// # Panics
    /// Where an invariant does not hold, or the ticket does not come to stand at `then`.
    pub async fn step(&mut self, who: &str, action: &str, rest: Value, then: &str) -> Value {
        let before = self.detail(who).await;
        let version = before["version"].as_u64().expect("a ticket has a version");
        assert!(
            is_offered(&before, action, &rest),
            "{who} is not offered {action}: {before}"
        );
        let arguments = self.arguments(action, &rest, version);
        let dry = self.rehearse(who, &arguments, &before).await.ok();
        assert_eq!(dry["dry_run"], true);
        assert_eq!(dry["status"], "validated");
        assert_eq!(dry["ticket_id"], self.ticket.as_str());
        assert_eq!(dry["version"], version);
        assert_eq!(dry["missing_required_fields"], json!([]));
        assert_eq!(dry["validated_action"]["action_type"], arguments["action_type"]);
        assert_eq!(dry["validated_action"]["action_id"], arguments["action_id"]);
        let sent: Vec<&str> = rest["fields"]
            .as_object()
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str)
            .collect();
        assert_eq!(dry["provided_fields"], json!(sent));
        let real = self.call(who, "ticket_handle", arguments.clone()).await.ok();
        assert_eq!(real["dry_run"], false);
        assert_eq!(real["status"], "handled");
        assert_eq!(real["replayed"], false);
        assert_eq!(real["ticket_id"], self.ticket.as_str());
        assert_eq!(real["action_type"], arguments["action_type"]);
        assert_eq!(real["action_id"], arguments["action_id"]);
        if matches!(
            action,
            "forward/forward" | "force_forward/force_forward" | "consult/consult"
        ) {
            let node = rest["action_props"]["node_id"].as_str();
            self.drawn.retain(|drawn, _| node.is_some_and(|node| node != drawn));
        }
        if action == "discard/discard" {
            let gone = self
                .call(who, "ticket_detail", json!({ "ticket_id": self.ticket }))
                .await;
            gone.refused("ticket_not_found");
        } else {
            self.compare(who, version, &dry["preview"], &real).await;
        }
        assert_eq!(self.standing(&real), then, "{who} takes {action}");
        real
    }

    /// Asks for an action that is refused with `code`, dry as well as real; gives the error.
    ///
    /// # Panics
    /// Where an invariant does not hold.
    pub async fn refused(&mut self, who: &str, action: &str, rest: Value, code: &str) -> Value {
        let before = self.detail(who).await;
        if matches!(code, "action_not_available" | "permission_denied") {
            assert!(
                !is_offered(&before, action, &rest),
                "{who} is offered {action}: {before}"
            );
        }
        let arguments = self.arguments(action, &rest, before["version"].as_u64().unwrap_or_default());
        let dry = self.rehearse(who, &arguments, &before).await;
        let position = self.server.position();
        let real = self.call(who, "ticket_handle", arguments).await;
        assert_eq!(self.server.position(), position, "a refusal wrote something");
        assert_eq!(dry, real, "a rehearsal is refused as the real call is");
        real.refused(code)
    }

    /// Other tickets are told what this one owes them.
    ///
    /// # Panics
    /// Where they are not.
    pub async fn deliver(&mut self) {
        let effects = self.server.engine.effects();
        effects.deliver(ticket_id(&self.ticket)).await.expect("no fault");
    }

    /// The timer at a node comes due after `hours`, and not before.
    ///
    /// # Panics
    /// Where no timer waits there, or the ticket does not come to stand at `then`.
    pub async fn timer(&mut self, node: &str, hours: u64, then: &str) {
        let token = self.open(node, |effect| {
            if let Effect::Timer { token, node, .. } = effect {
                return Some((node.to_string(), *token));
            }
            None
        });
        let token = token.await;
        let ticket = ticket_id(&self.ticket);
        let position = self.server.position();
        let early = self
            .server
            .engine
            .effects()
            .fire_timer(ticket, token)
            .await
            .expect("no fault");
        assert!(matches!(early, Err(Refusal::NotWaiting { .. })), "{early:?}");
        assert_eq!(self.server.position(), position);
        self.server.clock.advance(std::time::Duration::from_secs(hours * 3_600));
        let done = self
            .server
            .engine
            .effects()
            .fire_timer(ticket, token)
            .await
            .expect("no fault");
        self.arrived(&done.expect("the timer fires"), then).await;
        let again = self
            .server
            .engine
            .effects()
            .fire_timer(ticket, token)
            .await
            .expect("no fault");
        assert!(
            matches!(again, Err(Refusal::NotWaiting { .. })),
            "a timer fires once: {again:?}"
        );
    }

    /// The hook at a node answers, or fails for good.
    ///
    /// # Panics
    /// Where no hook waits there, or the ticket does not come to stand at `then`.
    pub async fn hook(&mut self, node: &str, outcome: HookOutcome, then: &str) {
        let (token, attempt) = self
            .open(node, |effect| {
                if let Effect::Hook { token, node, attempt } = effect {
                    return Some((node.to_string(), (*token, *attempt)));
                }
                None
            })
            .await;
        let ticket = ticket_id(&self.ticket);
        let late = self
            .server
            .engine
            .effects()
            .report_hook(ticket, token, attempt + 1, outcome.clone())
            .await;
        let late = late.expect("no fault");
        assert!(
            matches!(late, Err(Refusal::NotWaiting { .. })),
            "another attempt: {late:?}"
        );
        let done = self
            .server
            .engine
            .effects()
            .report_hook(ticket, token, attempt, outcome)
            .await;
        self.arrived(&done.expect("no fault").expect("the report is taken"), then)
            .await;
    }

    /// Who holds a node now, where it is one person.
    ///
    /// # Panics
    /// Where it is not.
    pub async fn holder(&mut self, node: &str) -> String {
        let detail = self.detail("ada").await;
        let nodes = detail["ticket"]["current_nodes"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let found = nodes.iter().find(|one| one["node_id"] == node);
        let assignees = found.map(names).unwrap_or_default();
        assert_eq!(assignees.len(), 1, "one person at {node}: {detail}");
        assignees[0].clone()
    }

    /// The ticket as somebody sees it; that both tools show the same is asserted.
    ///
    /// # Panics
    /// Where it may not be seen.
    pub async fn detail(&mut self, who: &str) -> Value {
        let arguments = json!({ "ticket_id": self.ticket });
        let detail = self.call(who, "ticket_detail", arguments.clone()).await.ok();
        let prepared = self.call(who, "ticket_prepare_handle", arguments).await.ok();
        assert_eq!(detail, prepared);
        detail
    }

    /// Calls a tool as somebody.
    pub async fn call(&mut self, who: &str, tool: &str, arguments: Value) -> Outcome {
        if !self.clients.contains_key(who) {
            let client = self.server.client_over(self.transport, who).await;
            self.clients.insert(who.to_owned(), client);
        }
        self.clients[who].call(tool, arguments).await
    }

    fn arguments(&self, action: &str, rest: &Value, version: u64) -> Value {
        let (action_type, action_id) = action.split_once('/').expect("an action is `type/id`");
        let fixed = json!({
            "ticket_id": self.ticket, "action_type": action_type, "action_id": action_id, "expected_version": version
        });
        merged(fixed, rest)
    }

    /// Nothing may change for whoever rehearses, nor in the log.
    async fn rehearse(&mut self, who: &str, arguments: &Value, before: &Value) -> Outcome {
        let position = self.server.position();
        let total = self.total(who).await;
        let dry = self.call(who, "ticket_handle", rehearsal(arguments)).await;
        assert_eq!(self.server.position(), position, "a rehearsal wrote something");
        assert_eq!(&self.detail(who).await, before);
        assert_eq!(self.total(who).await, total);
        dry
    }

    async fn total(&mut self, who: &str) -> u64 {
        let list = self
            .call(who, "ticket_list", json!({ "category": "relation" }))
            .await
            .ok();
        list["total"].as_u64().expect("a list has a total")
    }

    /// The real call against its preview, then the three views of it.
    async fn compare(&mut self, who: &str, version: u64, preview: &Value, real: &Value) {
        let events = preview["events"].as_array().expect("events are previewed");
        assert!(!events.is_empty());
        assert_eq!(real["version"], version + events.len() as u64, "events: {events:?}");
        assert_eq!(real["act_state"], preview["act_state"]);
        self.compare_nodes(preview, real);

        let detail = self.detail(who).await;
        assert_eq!(detail["version"], real["version"]);
        assert_eq!(detail["ticket"]["act_state"], real["act_state"]);
        assert_eq!(detail["ticket"]["current_nodes"], real["current_nodes"]);
        let listed = json!({ "category": "relation", "ticket_ids": self.ticket });
        let listed = self.call(who, "ticket_list", listed).await.ok();
        assert_eq!(
            listed["ticket_list"],
            json!([detail["ticket"]]),
            "the list shows what was just done"
        );

        let history = json!({ "ticket_id": self.ticket, "from_version": version + 1 });
        let history = self.call(who, "ticket_history", history).await.ok();
        assert_eq!(history["total"], 1, "{history}");
        let entry = &history["history"][0];
        assert_eq!(entry["version"], real["version"]);
        assert_eq!(entry["act_state"], real["act_state"]);
        assert_eq!(entry["moves"], preview["moves"]);
        assert_eq!(entry["operator"]["id"], self.server.id(who));
        let previewed = preview["field_changes"].as_array().expect("changes are previewed");
        for change in entry["field_changes"].as_array().expect("changes are told") {
            assert!(previewed.contains(change), "{change} was not previewed: {previewed:?}");
        }
    }

    /// The nodes are those previewed; where somebody is drawn, it is one of the pool that the preview shows.
    fn compare_nodes(&mut self, preview: &Value, real: &Value) {
        let mut expected = preview["current_nodes"].clone();
        let pools = preview["pools"].as_array().cloned().unwrap_or_default();
        let nodes = expected.as_array_mut().into_iter().flatten();
        let real_nodes = real["current_nodes"].as_array().expect("nodes are answered");
        for (node, real_node) in nodes.zip(real_nodes) {
            let Some(pool) = pools.iter().find(|pool| pool["node_id"] == node["node_id"]) else {
                continue;
            };
            let pool: BTreeSet<String> = people(&pool["people"]).into_iter().collect();
            assert!(pool.len() > 1, "{pool:?}");
            assert_eq!(names(node).into_iter().collect::<BTreeSet<_>>(), pool);
            let drawn = names(real_node);
            assert!(drawn.len() == 1 && pool.contains(&drawn[0]), "{drawn:?} of {pool:?}");
            for key in ["assignees", "n_assignees"] {
                node[key] = real_node[key].clone();
            }
            self.drawn.insert(text(&node["node_id"]), drawn[0].clone());
        }
        assert_eq!(real["current_nodes"], expected);
    }

    /// Where an answer says that the ticket stands.
    fn standing(&mut self, answer: &Value) -> String {
        let nodes = answer["current_nodes"].as_array().expect("nodes are answered");
        let places: Vec<String> = nodes
            .iter()
            .map(|node| {
                let (id, names) = (text(&node["node_id"]), names(node));
                match self.drawn.get(&id) {
                    Some(drawn) if names == [drawn.clone()] => format!("{id}(?)"),
                    Some(_) | None => format!("{id}({})", names.join(",")),
                }
            })
            .collect();
        self.drawn
            .retain(|drawn, _| nodes.iter().any(|node| node["node_id"] == drawn.as_str()));
        format!("{}: {}", text(&answer["act_state"]), places.join(" "))
    }

    async fn open<T: Copy>(&self, node: &str, wanted: impl Fn(&Effect) -> Option<(String, T)>) -> T {
        let effects = self.server.open_effects(&self.ticket).await;
        let found = effects
            .iter()
            .filter_map(|one| wanted(&one.effect))
            .find(|(at, _)| at == node);
        found
            .unwrap_or_else(|| panic!("nothing waits at {node}: {effects:?}"))
            .1
    }

    async fn arrived(&mut self, done: &Done, then: &str) {
        let detail = self.detail("ada").await;
        assert_eq!(detail["version"], done.version);
        assert_eq!(self.standing(&detail["ticket"]), then);
    }
}

fn merged(mut into: Value, rest: &Value) -> Value {
    let into_map = into.as_object_mut().expect("arguments are an object");
    into_map.extend(rest.as_object().cloned().unwrap_or_default());
    into
}

fn rehearsal(arguments: &Value) -> Value {
    merged(arguments.clone(), &json!({ "dry_run": true }))
}

fn is_offered(detail: &Value, action: &str, rest: &Value) -> bool {
    let (action_type, action_id) = action.split_once('/').expect("an action is `type/id`");
    let node = rest["action_props"].get("node_id");
    let lists = [&detail["actions"], &detail["admin_actions"]];
    lists.into_iter().filter_map(Value::as_array).flatten().any(|one| {
        one["type"] == action_type && one["id"] == action_id && node.is_none_or(|node| one["node_id"] == *node)
    })
}

fn names(node: &Value) -> Vec<String> {
    people(&node["assignees"])
}

fn people(list: &Value) -> Vec<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .map(|person| text(&person["name"]))
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
