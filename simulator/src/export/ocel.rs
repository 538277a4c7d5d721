//! Tickets as an OCEL 2.0 log in JSON: events of tickets, people and workflows together, for object-centric tools.
//!
//! | object type | objects | related |
//! |---|---|---|
//! | `ticket` | each ticket | `version` its workflow's version, `creator`, `parent` |
//! | `person` | whoever did something or held a node | |
//! | `workflow_version` | each version that a ticket was created on | |
//!
//! An event is one event of the engine, under its own name; what people did is under the action's word. It is related
//! to its ticket, to who did it (`by`), and to those it assigned (`assigned`) or concerned (`concerned`). Field values
//! are attributes of tickets that change over time, and are left out unless asked for.

use std::collections::{BTreeMap, BTreeSet};

use loonflow_engine::ticket::{Event, Meta};
use serde_json::{Value as Json, json};

use super::history::{History, resource};

/// Attributes of every event type; an event has those that it knows.
const EVENT_ATTRIBUTES: [&str; 4] = ["node", "edge", "by", "detail"];

/// The log; events in the order of time, tickets in the order given.
///
/// With `with_fields` the values of fields stand in it, those that some may not see included.
#[must_use]
pub fn ocel(histories: &[History], with_fields: bool) -> Json {
    let mut log = Log {
        with_fields,
        ..Log::default()
    };
    for history in histories {
        log.history(history);
    }
    log.finish()
}

#[derive(Default)]
struct Log {
    with_fields: bool,
    /// With time and order, to sort by.
    events: Vec<(i64, Json)>,
    event_types: BTreeSet<&'static str>,
    tickets: Vec<Json>,
    people: BTreeSet<String>,
    versions: BTreeMap<String, Json>,
    fields: BTreeSet<String>,
}

impl Log {
    fn history(&mut self, history: &History) {
        let ticket = format!("ticket:{}", history.ticket);
        let version = format!(
            "version:{}/{}/{}",
            history.tenant, history.workflow, history.version_name
        );
        let created = history.commits.first().map(|(meta, _)| meta.at).unwrap_or_default();
        self.versions.entry(version.clone()).or_insert_with(|| {
            json!({
                "id": version, "type": "workflow_version",
                "attributes": [
                    attribute("workflow", history.workflow.as_str(), "1970-01-01T00:00:00.000Z"),
                    attribute("version", history.version_name.as_str(), "1970-01-01T00:00:00.000Z"),
                ],
                "relationships": [],
            })
        });
        let at = created.to_rfc3339();
        let mut attributes = vec![attribute("tenant", history.tenant.as_str(), &at)];
        let mut relationships = vec![
            relation(&version, "version"),
            relation(&self.person(history.creator.as_str()), "creator"),
        ];
        relationships.extend(
            history
                .parent
                .map(|parent| relation(&format!("ticket:{parent}"), "parent")),
        );
        let mut n = 0;
        for (meta, events) in &history.commits {
            for event in events {
                self.attributes(event, meta, &mut attributes);
                n += 1;
                self.event((&ticket, &version), n, event, meta);
            }
        }
        self.tickets.push(json!({
            "id": ticket, "type": "ticket", "attributes": attributes, "relationships": relationships,
        }));
    }

    fn person(&mut self, user: &str) -> String {
        self.people.insert(user.to_owned());
        format!("person:{user}")
    }

    /// What an event makes of the ticket's attributes.
    fn attributes(&mut self, event: &Event, meta: &Meta, found: &mut Vec<Json>) {
        let at = meta.at.to_rfc3339();
        if let Event::StateChanged { to } = event {
            found.push(attribute("state", to.word(), &at));
        }
        if !self.with_fields {
            return;
        }
        if let Event::TitleChanged { title } = event {
            found.push(attribute("title", title, &at));
        }
        let changes = if let Event::FieldsChanged { changes } = event {
            changes.as_slice()
        } else {
            &[]
        };
        for change in changes {
            let name = format!("field:{}", change.key);
            let json = Json::from(&change.to);
            let value = json.as_str().map_or_else(|| json.to_string(), str::to_owned);
            found.push(attribute(&name, &value, &at));
            self.fields.insert(name);
        }
    }

    fn event(&mut self, (ticket, version): (&str, &str), n: usize, event: &Event, meta: &Meta) {
        let name = if let Event::ActionTaken(taken) = event {
            taken.kind.word()
        } else {
            event.name()
        };
        self.event_types.insert(name);
        let at = meta.at.to_rfc3339();
        let by = resource(&meta.by);
        let mut attributes = vec![json!({ "name": "by", "value": by })];
        let mut relationships = vec![relation(ticket, "ticket")];
        if let Some(user) = meta.by.user() {
            relationships.push(relation(&self.person(user.as_str()), "by"));
        }
        if matches!(event, Event::TicketCreated(_)) {
            relationships.push(relation(version, "version"));
        }
        let said = Said::of(event);
        let named = [("node", said.node), ("edge", said.edge), ("detail", said.detail)];
        attributes.extend(
            named
                .into_iter()
                .filter_map(|(name, value)| Some(json!({ "name": name, "value": value? }))),
        );
        for (user, qualifier) in said.people {
            relationships.push(relation(&self.person(&user), qualifier));
        }
        let event = json!({
            "id": format!("{ticket}#{n}"), "type": name, "time": at,
            "attributes": attributes, "relationships": relationships,
        });
        self.events.push((meta.at.0, event));
    }

    fn finish(mut self) -> Json {
        // Stable: within one instant the order of the log.
        self.events.sort_by_key(|(at, _)| *at);
        let events: Vec<Json> = self.events.into_iter().map(|(_, event)| event).collect();
        let text = |name: &str| json!({ "name": name, "type": "string" });
        let event_types = self.event_types.iter().map(|name| {
            let attributes: Vec<Json> = EVENT_ATTRIBUTES.iter().map(|name| text(name)).collect();
            json!({ "name": name, "attributes": attributes })
        });
        let mut of_ticket: Vec<Json> = ["tenant", "state"].map(text).into();
        if self.with_fields {
            of_ticket.push(text("title"));
        }
        of_ticket.extend(self.fields.iter().map(|name| text(name)));
        let mut objects = self.tickets;
        // A parent of another workflow may be left out of the log, and no relation may hang loose.
        let known: BTreeSet<String> = objects
            .iter()
            .filter_map(|one| Some(one["id"].as_str()?.to_owned()))
            .collect();
        for object in &mut objects {
            if let Some(relationships) = object["relationships"].as_array_mut() {
                relationships.retain(|one| {
                    one["qualifier"] != "parent" || one["objectId"].as_str().is_some_and(|id| known.contains(id))
                });
            }
        }
        objects.extend(self.people.iter().map(
            |user| json!({ "id": format!("person:{user}"), "type": "person", "attributes": [], "relationships": [] }),
        ));
        objects.extend(self.versions.into_values());
        json!({
            "objectTypes": [
                { "name": "ticket", "attributes": of_ticket },
                { "name": "person", "attributes": [] },
                { "name": "workflow_version", "attributes": [text("workflow"), text("version")] },
            ],
            "eventTypes": event_types.collect::<Vec<_>>(),
            "objects": objects,
            "events": events,
        })
    }
}

/// What an event says beside its name.
#[derive(Default)]
struct Said {
    node: Option<String>,
    edge: Option<String>,
    detail: Option<String>,
    people: Vec<(String, &'static str)>,
}

impl Said {
    fn of(event: &Event) -> Self {
        let at = |node: &loonflow_engine::id::NodeId| Self {
            node: Some(node.to_string()),
            ..Self::default()
        };
        let concerned = |user: &loonflow_engine::id::UserId| vec![(user.to_string(), "concerned")];
        match event {
            Event::TicketCreated(created) => at(&created.start),
            Event::ActionTaken(taken) => Self {
                node: taken.node.as_ref().map(ToString::to_string),
                edge: taken.kind.is_edge().then(|| taken.action_id.clone()),
                detail: None,
                people: taken.target.iter().flat_map(concerned).collect(),
            },
            Event::EdgeTaken { edge, from, .. } => Self {
                edge: Some(edge.to_string()),
                ..at(from)
            },
            Event::Forked { fork, branches, .. } => Self {
                detail: Some(
                    branches
                        .iter()
                        .map(|branch| branch.edge.as_str())
                        .collect::<Vec<_>>()
                        .join(","),
                ),
                ..at(&fork.split)
            },
            Event::ForkLeft { fork, .. } => at(&fork.split),
            Event::NodeEntered { node, rest, .. } => Self {
                people: rest
                    .assignees()
                    .iter()
                    .map(|user| (user.to_string(), "assigned"))
                    .collect(),
                ..at(node)
            },
            Event::JoinAwaited { node, .. }
            | Event::Joined { node, .. }
            | Event::TokensReplaced { node, .. }
            | Event::TimerSet { node, .. }
            | Event::TimerFired { node, .. }
            | Event::HookRequested { node, .. }
            | Event::HookSucceeded { node, .. } => at(node),
            Event::HookFailed { node, reason, .. } => Self {
                detail: Some(reason.clone()),
                ..at(node)
            },
            Event::VoteCast { edge, .. } => Self {
                edge: Some(edge.to_string()),
                ..Self::default()
            },
            Event::Forwarded { to, .. } | Event::Consulted { to, .. } | Event::ForceForwarded { to, .. } => Self {
                people: concerned(to),
                ..Self::default()
            },
            Event::StateChanged { to } => Self {
                detail: Some(to.word().to_owned()),
                ..Self::default()
            },
            Event::InterventionNeeded { reason } => Self {
                detail: Some(reason.clone()),
                ..Self::default()
            },
            Event::Migrated { to, .. } => Self {
                detail: Some(to.to_string()),
                ..Self::default()
            },
            Event::FieldsChanged { changes } => Self {
                detail: Some(
                    changes
                        .iter()
                        .map(|change| change.key.as_str())
                        .collect::<Vec<_>>()
                        .join(","),
                ),
                ..Self::default()
            },
            Event::TitleChanged { .. }
            | Event::Accepted { .. }
            | Event::ConsultSubmitted { .. }
            | Event::InterventionEnded
            | Event::Discarded => Self::default(),
        }
    }
}

fn attribute(name: &str, value: &str, time: &str) -> Json {
    json!({ "name": name, "value": value, "time": time })
}

fn relation(object: &str, qualifier: &str) -> Json {
    json!({ "objectId": object, "qualifier": qualifier })
}
