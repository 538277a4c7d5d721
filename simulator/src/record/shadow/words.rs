//! What was done and where a ticket is, in a few words, with names for people, nodes and edges.

use loonflow_engine::id::{EdgeId, NodeId};
use loonflow_engine::ticket::{Action, ActionKind, Command, HookOutcome, Rest, Ticket};
use loonflow_engine::workflow::WorkflowVersion;

use crate::record::recorded::Moment;
use crate::record::recorded::command::Cause;
use crate::world::names;

/// People told of one node.
const PEOPLE_MAX: usize = 5;

/// What was done.
pub(super) struct Done {
    /// Who did it; none where nobody did.
    pub(super) who: Option<String>,
    /// What, the same for everybody who does it.
    pub(super) what: String,
}

impl Done {
    /// As one sentence.
    pub(super) fn text(&self) -> String {
        match &self.who {
            Some(who) => format!("{who}: {}", self.what),
            None => self.what.clone(),
        }
    }
}

/// What was done, as the recorded version calls it.
pub(super) fn done(cause: &Cause, moment: &Moment<'_>) -> Done {
    let version = moment.version.map(|version| &**version);
    let node = |id: &NodeId| names::node(id, version);
    let edge = |id: &str| names::edge(&EdgeId::from(id), version);
    let person = |id| Some(moment.shared.person(id, moment.directory));
    let (who, what) = match cause {
        Cause::Command(Command::Create(create)) => {
            let what = match &create.take {
                Some(action) => format!("creates it by {}", edge(action.as_str())),
                None => "creates a draft".to_owned(),
            };
            (person(&create.by), what)
        }
        Cause::Command(Command::Act(act)) => {
            let at = act
                .at
                .as_ref()
                .map(|id| format!(" at {}", node(id)))
                .unwrap_or_default();
            let taken = act.action.edge().map(|id| format!(" {}", edge(id.as_str())));
            let word = if act.action == Action::AddComment {
                "comment"
            } else {
                act.action.said_kind().map_or("take", ActionKind::word)
            };
            let what = format!("{word}{}{at}", taken.unwrap_or_default());
            (person(&act.by), what)
        }
        Cause::Command(command) => (None, format!("{command:?}")),
        Cause::Timer { node: id, .. } => (None, format!("the timer {} fires", node(id))),
        Cause::Hook { node: id, outcome, .. } => match outcome {
            HookOutcome::Succeeded => (None, format!("the hook {} answers", node(id))),
            HookOutcome::Failed(_) => (None, format!("the hook {} fails", node(id))),
        },
        Cause::Migration => (None, format!("it goes over to version `{}`", moment.after.version_name)),
        Cause::Bookkeeping => (None, "effects were carried out".to_owned()),
        Cause::Review => (None, "users changed".to_owned()),
    };
    Done { who, what }
}

/// Where a ticket is, and who is to act there.
pub(super) fn position(ticket: &Ticket, version: Option<&WorkflowVersion>, moment: &Moment<'_>) -> String {
    told(ticket, version, &|rest| match rest {
        Rest::Joining => "waits for other branches".to_owned(),
        Rest::Unassigned => "nobody".to_owned(),
        Rest::Timer { due } => format!("until {due}"),
        Rest::Hook { .. } => "hook".to_owned(),
        Rest::Ended | Rest::Moving => String::new(),
        Rest::Held { .. } | Rest::Offered { .. } | Rest::Shared { .. } | Rest::Voting(_) => {
            let people = rest.waiting_for();
            let people = people.iter().take(PEOPLE_MAX);
            let people: Vec<String> = people.map(|id| moment.shared.person(id, moment.directory)).collect();
            people.join(", ")
        }
    })
}

/// Where a ticket is, and nothing that another ticket there may have otherwise.
pub(super) fn nodes(ticket: &Ticket, version: Option<&WorkflowVersion>) -> String {
    told(ticket, version, &|rest| match rest {
        Rest::Joining => "waits for other branches".to_owned(),
        Rest::Unassigned => "nobody".to_owned(),
        Rest::Timer { .. }
        | Rest::Hook { .. }
        | Rest::Ended
        | Rest::Moving
        | Rest::Held { .. }
        | Rest::Offered { .. }
        | Rest::Shared { .. }
        | Rest::Voting(_) => String::new(),
    })
}

fn told(ticket: &Ticket, version: Option<&WorkflowVersion>, rest: &dyn Fn(&Rest) -> String) -> String {
    if ticket.is_discarded {
        return "discarded".to_owned();
    }
    let parts = ticket.tokens.iter().map(|token| {
        let node = names::node(&token.node, version);
        match rest(&token.rest) {
            how if how.is_empty() => node,
            how => format!("{node} ({how})"),
        }
    });
    let mut parts: Vec<String> = parts.collect();
    parts.sort();
    parts.join(" + ")
}
