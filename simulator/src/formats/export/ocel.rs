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

use loonflow_engine::id::TicketId;
use loonflow_engine::ticket::{Event, Meta, OwedEffect};
use serde_json::{Value as Json, json};

use super::history::{History, resource};

/// Attributes of every event type; an event has those that it knows.
const EVENT_ATTRIBUTES: [&str; 4] = ["node", "edge", "by", "detail"];
/// The time of attributes that never change.
const EVER: &str = "1970-01-01T00:00:00.000Z";

/// The log as JSON, an object or event a line; events in the order of time, tickets in the order given.
///
/// With `with_fields` the values of fields stand in it, those that some may not see included.
#[must_use]
pub fn ocel(histories: &[History], with_fields: bool) -> String {
    let found = Found::of(histories, with_fields);
    let text = |name: &str| json!({ "name": name, "type": "string" });
    let mut of_ticket: Vec<Json> = ["tenant", "state"].map(text).into();
    of_ticket.extend(with_fields.then(|| text("title")));
    of_ticket.extend(found.fields.iter().map(|name| text(name)));
    let object_types = [
        json!({ "name": "ticket", "attributes": of_ticket }),
        json!({ "name": "person", "attributes": [] }),
        json!({ "name": "workflow_version", "attributes": [text("workflow"), text("version")] }),
    ];
    let of_event: Vec<Json> = EVENT_ATTRIBUTES.iter().map(|name| text(name)).collect();
    let event_types = found.event_types.iter();
    let event_types = event_types.map(|name| json!({ "name": name, "attributes": of_event }));
    let tickets = histories.iter().map(|history| ticket(history, &found, with_fields));
    let people = found.people.iter();
    let people =
        people.map(|user| json!({ "id": person(user), "type": "person", "attributes": [], "relationships": [] }));
    let versions = found.versions.iter().map(|(id, (workflow, version))| {
        json!({
            "id": id, "type": "workflow_version", "relationships": [],
            "attributes": [attribute("workflow", workflow, EVER), attribute("version", version, EVER)],
        })
    });
    // One at a time, for a log of many tickets is too large to stand in memory twice.
    let mut out = String::from("{\n");
    list(&mut out, "objectTypes", object_types.into_iter(), ",");
    list(&mut out, "eventTypes", event_types, ",");
    list(&mut out, "objects", tickets.chain(people).chain(versions), ",");
    let events = found.events.iter();
    list(
        &mut out,
        "events",
        events.map(|place| event(&histories[place.history], place)),
        "",
    );
    out.push_str("}\n");
    out
}

fn list(out: &mut String, name: &str, items: impl Iterator<Item = Json>, after: &str) {
    out.push_str(&format!("\"{name}\": [\n"));
    for (n, item) in items.enumerate() {
        if n > 0 {
            out.push_str(",\n");
        }
        out.push_str(&item.to_string());
    }
    out.push_str(&format!("\n]{after}\n"));
}

/// Where an event is, and when it was.
struct Place {
    at: i64,
    history: usize,
    commit: usize,
    event: usize,
    /// Counts the ticket's events, from 1.
    n: usize,
}

/// What the head of the log must name before the rest is written.
#[derive(Default)]
struct Found {
    /// In the order of time.
    events: Vec<Place>,
    event_types: BTreeSet<&'static str>,
    people: BTreeSet<String>,
    versions: BTreeMap<String, (String, String)>,
    fields: BTreeSet<String>,
    tickets: BTreeSet<TicketId>,
}

impl Found {
    fn of(histories: &[History], with_fields: bool) -> Self {
        let mut found = Self::default();
        for (at, history) in histories.iter().enumerate() {
            found.history(at, history, with_fields);
        }
        // Stable: within one instant the order of the log.
        found.events.sort_by_key(|place| place.at);
        found
    }

    fn history(&mut self, at: usize, history: &History, with_fields: bool) {
        let words = (history.workflow.to_string(), history.version_name.to_string());
        self.versions.insert(version_id(history), words);
        self.people.insert(history.creator.to_string());
        self.tickets.insert(history.ticket);
        let mut n = 0;
        for (commit, (meta, events)) in history.commits.iter().enumerate() {
            self.people.extend(meta.by.user().map(ToString::to_string));
            for (idx, event) in events.iter().enumerate() {
                n += 1;
                self.event_types.insert(event_type(event));
                self.people
                    .extend(Said::of(event).people.into_iter().map(|(user, _)| user));
                if let (Event::FieldsChanged { changes }, true) = (event, with_fields) {
                    self.fields
                        .extend(changes.iter().map(|change| format!("field:{}", change.key)));
                }
                self.events.push(Place {
                    at: meta.at.0,
                    history: at,
                    commit,
                    event: idx,
                    n,
                });
            }
        }
    }
}

fn person(user: &str) -> String {
    format!("person:{user}")
}

fn ticket_id(ticket: TicketId) -> String {
    format!("ticket:{ticket}")
}

fn version_id(history: &History) -> String {
    format!(
        "version:{}/{}/{}",
        history.tenant, history.workflow, history.version_name
    )
}

/// The event's own name, and the action's word for what people did.
fn event_type(event: &Event) -> &'static str {
    if let Event::ActionTaken(taken) = event {
        taken.kind.word()
    } else {
        event.name()
    }
}

fn ticket(history: &History, found: &Found, with_fields: bool) -> Json {
    let created = history.commits.first().map(|(meta, _)| meta.at).unwrap_or_default();
    let mut attributes = vec![attribute("tenant", history.tenant.as_str(), &created.to_rfc3339())];
    for (meta, events) in &history.commits {
        for event in events {
            changed(event, meta, with_fields, &mut attributes);
        }
    }
    let mut relationships = vec![
        relation(&version_id(history), "version"),
        relation(&person(history.creator.as_str()), "creator"),
    ];
    // A parent of another workflow may be left out of the log, and no relation may hang loose.
    let parent = history.parent.filter(|parent| found.tickets.contains(parent));
    relationships.extend(parent.map(|parent| relation(&ticket_id(parent), "parent")));
    json!({
        "id": ticket_id(history.ticket), "type": "ticket", "attributes": attributes, "relationships": relationships,
    })
}

/// What an event makes of the ticket's attributes.
fn changed(event: &Event, meta: &Meta, with_fields: bool, attributes: &mut Vec<Json>) {
    let at = meta.at.to_rfc3339();
    if let Event::StateChanged { to } = event {
        attributes.push(attribute("state", to.word(), &at));
    }
    if !with_fields {
        return;
    }
    if let Event::TitleChanged { title } = event {
        attributes.push(attribute("title", title, &at));
    }
    let changes = if let Event::FieldsChanged { changes } = event {
        changes.as_slice()
    } else {
        &[]
    };
    for change in changes {
        let json = Json::from(&change.to);
        let value = json.as_str().map_or_else(|| json.to_string(), str::to_owned);
        attributes.push(attribute(&format!("field:{}", change.key), &value, &at));
    }
}

fn event(history: &History, place: &Place) -> Json {
    let (meta, events) = &history.commits[place.commit];
    let event = &events[place.event];
    let ticket = ticket_id(history.ticket);
    let mut relationships = vec![relation(&ticket, "ticket")];
    relationships.extend(meta.by.user().map(|user| relation(&person(user.as_str()), "by")));
    if matches!(event, Event::TicketCreated(_)) {
        relationships.push(relation(&version_id(history), "version"));
    }
    let said = Said::of(event);
    let people = said.people.iter();
    relationships.extend(people.map(|(user, qualifier)| relation(&person(user), qualifier)));
    let by = Some(resource(&meta.by).to_owned());
    let named = [
        ("by", by),
        ("node", said.node),
        ("edge", said.edge),
        ("detail", said.detail),
    ];
    let attributes = named.into_iter();
    let attributes = attributes.filter_map(|(name, value)| Some(json!({ "name": name, "value": value? })));
    json!({
        "id": format!("{ticket}#{}", place.n), "type": event_type(event), "time": meta.at.to_rfc3339(),
        "attributes": attributes.collect::<Vec<_>>(), "relationships": relationships,
    })
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
            Event::EdgeTaken { edge, from, .. } | Event::Resumed { edge, from, .. } => Self {
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
                people: rest.assignees().map(|user| (user.to_string(), "assigned")).collect(),
                ..at(node)
            },
            Event::JoinAwaited { node, .. }
            | Event::Joined { node, .. }
            | Event::TokensReplaced { node, .. }
            | Event::TimerSet { node, .. }
            | Event::TimerFired { node, .. }
            | Event::DeadlineSet { node, .. }
            | Event::HookRequested { node, .. }
            | Event::HookSucceeded { node, .. }
            | Event::HookAccepted { node, .. }
            | Event::WaitSkipped { node, .. }
            | Event::ChildOpened { node, .. } => at(node),
            Event::DeadlineReached { node, step, .. } => Self {
                detail: Some(format!("step {step}")),
                ..at(node)
            },
            Event::Substituted { pairs, .. } => Self {
                people: pairs
                    .iter()
                    .flat_map(|(absent, by)| [(absent.to_string(), "absent"), (by.to_string(), "assigned")])
                    .collect(),
                ..Self::default()
            },
            Event::HandedOver { from, to, .. } => Self {
                people: vec![(from.to_string(), "absent"), (to.to_string(), "assigned")],
                ..Self::default()
            },
            Event::TokenReturned { from, to, .. } => Self {
                detail: Some(to.to_string()),
                ..at(from)
            },
            Event::Escalated { to, .. } | Event::GivenBack { candidates: to, .. } => Self {
                people: to.iter().map(|user| (user.to_string(), "assigned")).collect(),
                ..Self::default()
            },
            Event::ChildEnded { state, .. } => Self {
                detail: Some(state.word().to_owned()),
                ..Self::default()
            },
            Event::FileErased { reason, .. } => Self {
                detail: Some(reason.clone()),
                ..Self::default()
            },
            Event::ActedAs { via } => Self {
                detail: Some(via.word().to_owned()),
                ..Self::default()
            },
            Event::HookFailed { node, reason, .. } => Self {
                detail: Some(reason.clone()),
                ..at(node)
            },
            Event::VoteCast { edge, .. } => Self {
                edge: Some(edge.to_string()),
                ..Self::default()
            },
            Event::ShareDropped { user, .. }
            | Event::VoteTakenBack { user, .. }
            | Event::SignerAdded { user, .. }
            | Event::ApprovalSkipped { user, .. }
            | Event::HolderDropped { user, .. } => Self {
                people: concerned(user),
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
            Event::EffectParked { reason, .. } => Self {
                detail: Some(reason.clone()),
                ..Self::default()
            },
            Event::EffectsOwed { effects } => Self {
                detail: Some(effects.iter().map(owed).collect::<Vec<_>>().join(",")),
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
            | Event::ConsultTakenBack { .. }
            | Event::UndoKept
            | Event::Undone(_)
            | Event::InterventionEnded
            | Event::Asked { .. }
            | Event::EffectDone { .. }
            | Event::EffectRetried { .. }
            | Event::EffectSkipped { .. }
            | Event::Discarded => Self::default(),
        }
    }
}

/// What is owed, in words.
fn owed(effect: &OwedEffect) -> String {
    match effect {
        OwedEffect::EventHook { hook, event } => format!("{hook} on {event}"),
        OwedEffect::Child(child) => format!("sub-ticket of {}", child.workflow_id),
        OwedEffect::TellParent { .. } => "parent".to_owned(),
        OwedEffect::CloseChild { .. } => "close sub-ticket".to_owned(),
        OwedEffect::Notice(notice) => format!("notice of {}", notice.event.word()),
    }
}

fn attribute(name: &str, value: &str, time: &str) -> Json {
    json!({ "name": name, "value": value, "time": time })
}

fn relation(object: &str, qualifier: &str) -> Json {
    json!({ "objectId": object, "qualifier": qualifier })
}
