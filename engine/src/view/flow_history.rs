//! What happened to a ticket: who did what, when, at which node, with which comment and which changes.
//!
//! One entry per commit, for that is what one command did. A viewer sees changes only of fields that it may see now.

use std::collections::BTreeMap;

use crate::account::directory::Directory;
use crate::id::{AccessTokenId, AppName, FieldKey, NodeId};
use crate::ticket::event::{Event, FieldChange, Meta, Processor};
use crate::ticket::{ActState, Ticket, apply};
use crate::time::Timestamp;
use crate::view::preview::{Move, changes_of, moves};
use crate::view::row::Person;
use crate::workflow::{FieldPermission, WorkflowVersion};

/// What one command did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The ticket's version after it.
    pub version: u64,
    /// When.
    pub at: Timestamp,
    /// Who, where it was a person.
    pub by: Option<Person>,
    /// Who or what: `user`, `timer`, `hook`, `system`.
    pub processor: &'static str,
    /// What: an action's word, or `create`, `timer`, `hook`, `hook_failed`, `migrate`, `review`.
    pub action_type: String,
    /// The edge's id, or the same word.
    pub action_id: String,
    /// The edge's name, where it is one.
    pub action_name: String,
    /// At which node.
    pub node: Option<(NodeId, String)>,
    /// Whom it concerned.
    pub target: Option<Person>,
    /// What was said.
    pub comment: Option<String>,
    /// Values that changed and that the viewer may see.
    pub field_changes: Vec<FieldChange>,
    /// Steps that tokens made.
    pub moves: Vec<Move>,
    /// The state since.
    pub act_state: ActState,
    /// Through which application.
    pub app: Option<AppName>,
    /// With which personal access token (its public id).
    pub access_token: Option<AccessTokenId>,
}

/// Tells a ticket's commits, oldest first. `commits` is the whole stream: what each did depends on what was before.
///
/// `permissions` are the viewer's, from `visibility::field_permissions`; `workflow` is the version the ticket is on.
#[must_use]
pub fn entries(
    commits: &[(Meta, Vec<Event>)],
    workflow: &WorkflowVersion,
    directory: &Directory,
    permissions: &BTreeMap<FieldKey, FieldPermission>,
) -> Vec<HistoryEntry> {
    let mut ticket: Option<Ticket> = None;
    let mut found = Vec::with_capacity(commits.len());
    for (meta, events) in commits {
        let before = ticket.clone();
        let mut field_changes = Vec::new();
        for event in events {
            field_changes.extend(changes_of(event, ticket.as_ref(), workflow));
            ticket = apply(ticket, event, meta);
        }
        // The title is exempt from field permissions (semantics 6).
        field_changes.retain(|change| {
            planted!(HistoryTellsHidden, true, workflow.form.title_key() == Some(&change.key))
                || permissions
                    .get(&change.key)
                    .is_some_and(|permission| *permission != FieldPermission::Hidden)
        });
        let Some(after) = &ticket else { continue };
        let told = Told::of(events, before.is_none());
        found.push(HistoryEntry {
            version: after.version,
            at: meta.at,
            by: meta.by.user().map(|user| Person::of(user, directory)),
            processor: processor_word(&meta.by),
            action_name: workflow
                .edge(&told.action_id.as_str().into())
                .map(|edge| edge.name.clone())
                .unwrap_or_default(),
            action_type: told.action_type,
            action_id: told.action_id,
            node: told.node.map(|node| {
                let name = workflow.node(&node).map(|node| node.name.clone()).unwrap_or_default();
                (node, name)
            }),
            target: told.target.map(|user| Person::of(&user, directory)),
            comment: told.comment,
            field_changes,
            moves: moves(before.as_ref(), events, meta),
            act_state: after.act_state,
            app: meta.app.clone(),
            access_token: meta.access_token.clone(),
        });
    }
    found
}

struct Told {
    action_type: String,
    action_id: String,
    node: Option<NodeId>,
    target: Option<crate::id::UserId>,
    comment: Option<String>,
}

impl Told {
    fn of(events: &[Event], is_first: bool) -> Self {
        let taken = events.iter().find_map(|event| {
            if let Event::ActionTaken(taken) = event {
                Some(taken)
            } else {
                None
            }
        });
        let caused = events.iter().find_map(|event| {
            if let Event::TimerFired { node, .. } = event {
                Some(("timer", Some(node.clone())))
            } else if let Event::HookSucceeded { node, .. } = event {
                Some(("hook", Some(node.clone())))
            } else if let Event::HookFailed { node, .. } = event {
                Some(("hook_failed", Some(node.clone())))
            } else if let Event::Migrated { .. } = event {
                Some(("migrate", None))
            } else {
                None
            }
        });
        let (word, node) = caused.unwrap_or(("review", None));
        match taken {
            // A ticket that was submitted as it was created tells the edge it took, at the start node.
            Some(taken) => Self {
                action_type: if is_first {
                    "create".into()
                } else {
                    taken.kind.word().to_owned()
                },
                action_id: taken.action_id.clone(),
                node: taken.node.clone(),
                target: taken.target.clone(),
                comment: taken.comment.clone(),
            },
            None => {
                let word = if is_first { "create" } else { word };
                Self {
                    action_type: word.into(),
                    action_id: word.into(),
                    node,
                    target: None,
                    comment: None,
                }
            }
        }
    }
}

fn processor_word(processor: &Processor) -> &'static str {
    match processor {
        Processor::User(_) => "user",
        Processor::Timer => "timer",
        Processor::Hook => "hook",
        Processor::System => "system",
    }
}
