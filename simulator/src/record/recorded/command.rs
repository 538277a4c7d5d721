//! The command behind a commit, put together again from its events.
//!
//! | in the commit | command |
//! |---|---|
//! | `TicketCreated` | create; with the edge and comment of `ActionTaken`, if one follows, else a draft |
//! | `ActionTaken` | that action, at its node; the target of `forward`, `consult`, `force_forward` stands in it, that of `force_alter_node` in `TokensReplaced` |
//! | `TimerFired` | a timer |
//! | `HookSucceeded`, `HookFailed` | a hook's answer |
//! | `Migrated` | a migration |
//! | nothing of these | a look whether somebody can act |
//!
//! Values are those of `FieldsChanged`; a title that people write comes from `TitleChanged`. What was sent and changed
//! nothing (a value repeated) is not in the log and is not sent again.

use std::collections::BTreeMap;

use loonflow_engine::id::{EdgeId, FieldKey, NodeId, TokenId};
use loonflow_engine::ticket::event::{ActionTaken, Cause as Said, TicketCreated};
use loonflow_engine::ticket::{Act, Action, Command, Create, Event, HookOutcome, SignerPosition};
use loonflow_engine::value::Value;

use super::Moment;

/// What caused a commit.
#[derive(Clone, Debug)]
pub enum Cause {
    /// A person's command, or a creation.
    Command(Command),
    /// A timer came due.
    Timer {
        /// The token that waited.
        token: TokenId,
        /// The timer node.
        node: NodeId,
    },
    /// A hook answered.
    Hook {
        /// The token that waited.
        token: TokenId,
        /// The hook node.
        node: NodeId,
        /// How it went.
        outcome: HookOutcome,
    },
    /// The ticket went over to another version.
    Migration,
    /// It was noted what became of effects; the ticket stands as before.
    Bookkeeping,
    /// The engine looked whether somebody can act.
    Review,
}

/// What caused a commit.
#[must_use]
pub fn cause(moment: &Moment<'_>) -> Cause {
    let mut action = None;
    for cause in moment.events.iter().filter_map(Event::cause) {
        match cause {
            Said::Created(created) => return Cause::Command(Command::Create(create(moment, created))),
            Said::Action(taken) => action = action.or(Some(taken)),
            Said::TimerFired { token, node } => {
                return Cause::Timer {
                    token,
                    node: node.clone(),
                };
            }
            Said::DeadlineReached { token, step, .. } => {
                return Cause::Command(Command::ReachDeadline { token, step });
            }
            Said::HookSucceeded { token, node } => {
                return Cause::Hook {
                    token,
                    node: node.clone(),
                    outcome: HookOutcome::Succeeded,
                };
            }
            Said::HookFailed { token, node, reason } => {
                return Cause::Hook {
                    token,
                    node: node.clone(),
                    outcome: HookOutcome::Failed(reason.to_owned()),
                };
            }
            Said::HookAccepted { .. }
            | Said::EffectDone { .. }
            | Said::EffectParked { .. }
            | Said::ChildOpened { .. }
            | Said::ChildEnded { .. } => return Cause::Bookkeeping,
            Said::HandedOver { from, by, .. } => {
                let (user, by) = (from.clone(), by.cloned());
                return Cause::Command(Command::HandOver { user, by });
            }
            // No step of the process: what is left of the file is in the fields as they are then.
            Said::FileErased { .. } => return Cause::Bookkeeping,
            Said::Migrated { .. } => return Cause::Migration,
            // A review, where nobody did it.
            Said::Dropped { .. } => {}
        }
    }
    match (action, moment.meta.by.user()) {
        (Some(taken), Some(user)) => Cause::Command(Command::Act(Act {
            closes_children: false,
            by: user.clone(),
            action: action_of(moment, taken),
            at: taken.node.clone(),
            comment: taken.comment.clone(),
            fields: if taken.kind.is_edge() {
                fields(moment)
            } else {
                BTreeMap::new()
            },
        })),
        (Some(_) | None, _) => Cause::Review,
    }
}

fn create(moment: &Moment<'_>, created: &TicketCreated) -> Create {
    let taken = moment.events.iter().find_map(|event| {
        if let Event::ActionTaken(taken) = event {
            Some(taken)
        } else {
            None
        }
    });
    let edge = taken.filter(|taken| taken.kind.is_edge());
    Create {
        via: None,
        ticket_id: created.ticket_id,
        by: created.creator.clone(),
        app: created.app.clone(),
        take: edge.map(|taken| EdgeId::from(taken.action_id.as_str())),
        fields: fields(moment),
        comment: taken.and_then(|taken| taken.comment.clone()),
        cc: created.cc.clone(),
        parent: created.parent.clone(),
    }
}

fn action_of(moment: &Moment<'_>, taken: &ActionTaken) -> Action {
    let led = moment.events.iter().find_map(|event| {
        if let Event::TokensReplaced { node, .. } = event {
            return Some((node.clone(), false));
        }
        if let Event::TokenReturned { to, resume, .. } = event {
            return Some((to.clone(), resume.is_some()));
        }
        None
    });
    let (to_node, resume) = led.unzip();
    let action = Action::of(taken.kind, &taken.action_id, taken.target.clone(), to_node);
    let action = action.resuming(resume.unwrap_or_default());
    let Action::AddSigner { to, .. } = action else {
        return action;
    };
    let added = moment.events.iter().find_map(|event| {
        if let Event::SignerAdded { position, .. } = event {
            Some(*position)
        } else {
            None
        }
    });
    Action::AddSigner {
        to,
        position: added.unwrap_or(SignerPosition::With),
    }
}

/// The values that were sent and changed something.
fn fields(moment: &Moment<'_>) -> BTreeMap<FieldKey, Value> {
    let mut found = BTreeMap::new();
    let form = moment.version.map(|version| &version.form);
    for event in moment.events {
        if let Event::FieldsChanged { changes } = event {
            found.extend(changes.iter().map(|change| (change.key.clone(), change.to.clone())));
        }
        if let Event::TitleChanged { title } = event
            && let Some(key) = form
                .filter(|form| form.automatic_title().is_none())
                .and_then(|form| form.title_key())
        {
            found.insert(key.clone(), Value::text(title.clone()));
        }
    }
    found
}
