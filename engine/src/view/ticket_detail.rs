//! One ticket as one viewer sees it: form with permissions and values, actions, who can act now; and the same for a
//! ticket that is not there yet.
//!
//! A hidden value is never put in here. Not here: the shape on the wire (the facade's `wire`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;

use crate::account::directory::Directory;
use crate::account::permission;
use crate::account::person::Person;
use crate::id::{FieldKey, NodeId, TicketId, UserId};
use crate::limits::WAITED_FOR_MAX;
use crate::ticket::action_kind::ActionKind;
use crate::ticket::context::{Context, Draw};
use crate::ticket::offer::{self, OfferedAction, OfferedActions};
use crate::ticket::place::{current_nodes, waited_for};
use crate::ticket::token::Rest;
use crate::ticket::{ActState, EffectId, Ticket, Token, Work, visibility};
use crate::time::Timestamp;
use crate::view::example::example_value;
use crate::view::row::TicketRow;
use crate::view::vote::VoteView;
use crate::workflow::secrets::without_secrets;
use crate::workflow::{ApprovalRule, Component, ComponentKind, FieldPermission, Term, WorkflowVersion};

/// A ticket as a viewer sees it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TicketDetail {
    /// The ticket in one line.
    pub row: TicketRow,
    /// The version it is on; its form is to be shown with `permissions` and `values`.
    pub workflow: Arc<WorkflowVersion>,
    /// Every key of the form.
    pub permissions: BTreeMap<FieldKey, FieldPermission>,
    /// Values of fields that are not hidden and have one, information components included.
    pub values: BTreeMap<FieldKey, serde_json::Value>,
    /// Fields whose value could not be had, and why.
    pub field_errors: BTreeMap<FieldKey, String>,
    /// Fields that are not hidden and whose values come from outside: whoever shows them fetches them.
    pub external: Vec<FieldKey>,
    /// What the viewer can do.
    pub offered: OfferedActions,
    /// What every token waits for.
    pub waiting_for: Vec<WaitingFor>,
    /// Why nobody can act without help, where that is so.
    pub intervention: Option<String>,
    /// What failed for good, the oldest first; shown to those who may intervene alone.
    pub incidents: Vec<Incident>,
    /// The parent, for those who may view it; the list that knows which tickets there are fills it in.
    pub parent: Option<Relative>,
    /// Sub-tickets that the viewer may view; so does this.
    pub children: Vec<Relative>,
    /// How many sub-tickets there are that the viewer may not view.
    pub n_children_hidden: u64,
}

/// A parent or a sub-ticket, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Relative {
    /// The ticket.
    pub id: TicketId,
    /// Its title.
    pub title: String,
    /// Its state.
    pub act_state: ActState,
    /// Its workflow's name.
    pub workflow_name: String,
}

impl Relative {
    /// Of a ticket that the viewer may view.
    #[must_use]
    pub fn of(ticket: &Ticket, workflow: &WorkflowVersion) -> Self {
        Self {
            id: ticket.id,
            title: ticket.title.clone(),
            act_state: ticket.act_state,
            workflow_name: workflow.name.clone(),
        }
    }
}

/// An effect that failed for good.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Incident {
    /// Which.
    pub effect: EffectId,
    /// What was to be done.
    pub work: Work,
    /// Since when nobody tries it any more.
    pub since: Timestamp,
    /// How often it was tried, where the log says so.
    pub n_tries: Option<u32>,
    /// What went wrong last.
    pub last_error: String,
}

fn incidents(ticket: &Ticket) -> Vec<Incident> {
    let parked = ticket.effects.parked().into_iter();
    let incidents = parked.map(|(effect, open, parked)| Incident {
        effect,
        work: open.work.clone(),
        since: parked.at,
        n_tries: parked.n_tries,
        last_error: parked.reason.clone(),
    });
    incidents.collect()
}

/// What is known of a hook that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HookWait {
    /// `posted` until it has answered, `accepted` while its call-back is waited for, `failed` for good.
    pub state: &'static str,
    /// The request's number.
    pub attempt: u32,
}

/// The clock of a deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockShown {
    /// Whether it stands.
    pub paused: bool,
    /// Working milliseconds until it is due; below 0 where that has passed.
    pub remaining_ms: Option<i64>,
    /// What comes next: which step, what it does, and when.
    pub steps: Vec<(u32, &'static str, Timestamp)>,
}

/// What one token waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitingFor {
    /// Where it is.
    pub node_id: NodeId,
    /// The node's name.
    pub name: String,
    /// What kind of waiting.
    pub kind: WaitKind,
    /// Who can act now: the first `limits::WAITED_FOR_MAX`.
    pub people: Vec<Person>,
    /// How many can act now.
    pub n_people: usize,
    /// Who of them, or of those with a share of the vote, stands in for whom.
    pub stand_ins: Vec<(UserId, Person)>,
    /// For a merge: the nodes whose tokens are missing, with their names.
    pub missing: Vec<(NodeId, String)>,
    /// For a timer: when it is due; for a hook: by when it must have called back; for people: the deadline.
    pub due: Option<Timestamp>,
    /// How far the clock of a deadline is; `None` where there is none.
    pub clock: Option<ClockShown>,
    /// For a hook: how far it is.
    pub hook: Option<HookWait>,
    /// For a vote: how far it is.
    pub vote: Option<VoteView>,
}

/// Kinds of waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitKind {
    /// Any one of the people acts.
    Action,
    /// One of the people must accept first.
    Accept,
    /// The one consulted answers.
    ConsultAnswer,
    /// All of the people act.
    Everyone,
    /// Enough of the people agree, by the rule of the vote.
    Vote,
    /// Other tokens of the fork must arrive.
    Merge,
    /// An instant.
    Timer,
    /// An outside system.
    Hook,
    /// Nobody: needs intervention.
    Nobody,
}

impl WaitKind {
    /// The wire word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Accept => "accept",
            Self::ConsultAnswer => "consult_answer",
            Self::Everyone => "everyone",
            Self::Vote => "vote",
            Self::Merge => "merge",
            Self::Timer => "timer",
            Self::Hook => "hook",
            Self::Nobody => "nobody",
        }
    }
}

/// What is looked at to show a ticket: nothing is decided.
fn looking<'c>(workflow: &'c WorkflowVersion, directory: &'c Directory, now: Timestamp) -> Context<'c> {
    Context {
        now,
        directory,
        workflow,
        draw: Draw::Preview,
        parent: None,
        migrate_to: None,
        replies: None,
        files: crate::ticket::Files::Unkept,
    }
}

/// What a user who may view a ticket may do with each field of its form: as [`detail`] says it, without the rest.
#[must_use]
pub fn permissions(
    ticket: &Ticket,
    workflow: &WorkflowVersion,
    directory: &Directory,
    user: &UserId,
    now: Timestamp,
) -> BTreeMap<FieldKey, FieldPermission> {
    let offered = offer::offered(ticket, user, &looking(workflow, directory, now));
    visibility::field_permissions(workflow, offered.acting_node())
}

/// Shows a ticket to a user who may view it; the caller has checked that it may.
#[must_use]
pub fn detail(
    ticket: &Ticket,
    workflow: &Arc<WorkflowVersion>,
    directory: &Directory,
    user: &UserId,
    now: Timestamp,
) -> TicketDetail {
    let context = looking(workflow, directory, now);
    let offered = offer::offered(ticket, user, &context);
    let permissions = visibility::field_permissions(workflow, offered.acting_node());
    let mut values = BTreeMap::new();
    let mut external = Vec::new();
    for component in workflow.form.components() {
        if permissions
            .get(&component.key)
            .is_none_or(|permission| *permission == FieldPermission::Hidden)
        {
            continue;
        }
        if component.kind.is_external() {
            external.push(component.key.clone());
        } else if let Some(value) = shown_value(component, ticket, workflow, directory) {
            values.insert(component.key.clone(), value);
        }
    }
    TicketDetail {
        row: TicketRow::of(ticket, workflow, directory),
        workflow: workflow.clone(),
        permissions,
        values,
        field_errors: BTreeMap::new(),
        external,
        offered,
        waiting_for: waiting_for(ticket, workflow, directory, now),
        intervention: ticket.intervention.clone(),
        parent: None,
        children: Vec::new(),
        n_children_hidden: 0,
        incidents: if permission::may_intervene(directory, user, workflow) {
            incidents(ticket)
        } else {
            Vec::new()
        },
    }
}

fn shown_value(
    component: &Component,
    ticket: &Ticket,
    workflow: &WorkflowVersion,
    directory: &Directory,
) -> Option<serde_json::Value> {
    let person = |person: &Person| json!({"id": person.id.as_str(), "name": person.name, "alias": person.alias});
    let nodes = || current_nodes(ticket, workflow, directory);
    match component.kind {
        ComponentKind::CreatorInfo => Some(person(&Person::of(&ticket.creator, directory))),
        ComponentKind::CreatedAt => Some(json!(ticket.created_at.to_answer(directory.zone()))),
        ComponentKind::ActState => Some(json!(ticket.act_state.word())),
        ComponentKind::WorkflowInfo => Some(
            json!({"id": workflow.workflow_id.as_str(), "name": workflow.name, "version": workflow.version_name.as_str()}),
        ),
        ComponentKind::CurrentAssigneeInfos => {
            let mut known = BTreeSet::new();
            let people = nodes().into_iter().flat_map(|node| node.assignees);
            let people = people.filter(|one| known.insert(one.id.clone()));
            Some(people.take(WAITED_FOR_MAX).map(|one| person(&one)).collect())
        }
        ComponentKind::TicketNodeInfos => Some(
            nodes()
                .iter()
                .map(|node| json!({"id": node.node_id.as_str(), "name": node.name}))
                .collect(),
        ),
        ComponentKind::Title
        | ComponentKind::Text
        | ComponentKind::Textarea
        | ComponentKind::Number
        | ComponentKind::Select
        | ComponentKind::Radio
        | ComponentKind::Checkbox
        | ComponentKind::Date
        | ComponentKind::Time
        | ComponentKind::Datetime
        | ComponentKind::User
        | ComponentKind::Department
        | ComponentKind::File
        | ComponentKind::Link
        | ComponentKind::Richtext
        | ComponentKind::Externaldata => ticket
            .value_of(&component.key, &workflow.form)
            .filter(|value| !value.is_empty())
            .map(|value| serde_json::Value::from(&*value)),
    }
}

fn waiting_for(ticket: &Ticket, workflow: &WorkflowVersion, directory: &Directory, now: Timestamp) -> Vec<WaitingFor> {
    let name_of = |node: &NodeId| workflow.node(node).map(|node| node.name.clone()).unwrap_or_default();
    let one = |token: &Token| {
        let (kind, due) = match &token.rest {
            Rest::Moving | Rest::Shared { .. } | Rest::Ended => return None,
            Rest::Joining => (WaitKind::Merge, None),
            Rest::Unassigned => (WaitKind::Nobody, None),
            Rest::Held { consult: Some(_), .. } => (WaitKind::ConsultAnswer, None),
            Rest::Held { consult: None, .. } => (WaitKind::Action, None),
            Rest::Offered { .. } => (WaitKind::Accept, None),
            Rest::Voting(ballot) if ballot.rule == ApprovalRule::All => (WaitKind::Everyone, None),
            Rest::Voting(_) => (WaitKind::Vote, None),
            Rest::Timer { due } => (WaitKind::Timer, Some(*due)),
            Rest::Hook { .. } => (WaitKind::Hook, None),
        };
        let mut missing = Vec::new();
        if let (WaitKind::Merge, Some(fork)) = (kind, token.forks.last()) {
            let others = ticket.tokens.iter().filter(|other| {
                other.forks.contains(fork) && !(other.rest == Rest::Joining && other.forks.last() == Some(fork))
            });
            for other in others {
                if !missing.iter().any(|(node, _)| *node == other.node) {
                    missing.push((other.node.clone(), name_of(&other.node)));
                }
            }
        }
        let people = waited_for(&token.rest, directory);
        Some(WaitingFor {
            node_id: token.node.clone(),
            name: name_of(&token.node),
            kind,
            people: people
                .iter()
                .take(WAITED_FOR_MAX)
                .map(|user| Person::of(user, directory))
                .collect(),
            n_people: people.len(),
            stand_ins: stand_ins(ticket, token, directory),
            missing,
            due: due
                .or_else(|| call_back_due(ticket, token))
                .or_else(|| ticket.clocks.of(token)?.due),
            clock: clock_shown(ticket, token, workflow, directory, now),
            hook: hook_wait(ticket, token),
            vote: VoteView::of(&token.rest, workflow, directory),
        })
    };
    ticket.tokens.iter().filter_map(one).collect()
}

/// Who acts at a token for people who are absent, and for whom.
pub(super) fn stand_ins(ticket: &Ticket, token: &Token, directory: &Directory) -> Vec<(UserId, Person)> {
    let for_whom = |by: &UserId| {
        let absent = ticket.stand_ins.for_whom(token.id, by);
        let pairs = absent.map(|absent| (by.clone(), Person::of(absent, directory)));
        pairs.collect::<Vec<_>>()
    };
    token.rest.assignees().take(WAITED_FOR_MAX).flat_map(for_whom).collect()
}

fn clock_shown(
    ticket: &Ticket,
    token: &Token,
    workflow: &WorkflowVersion,
    directory: &Directory,
    now: Timestamp,
) -> Option<ClockShown> {
    let clock = ticket.clocks.of(token)?;
    let deadline = workflow.node(&token.node)?.deadline.as_ref()?;
    let working = directory.working_time(deadline.calendar.as_ref());
    let left = |due: Timestamp| working.working(now, due) - working.working(due, now);
    let remaining_ms = match &deadline.term {
        Term::UntilField(_) => clock.due.map(left),
        Term::After(after) => {
            let until = clock.run.until.unwrap_or(now);
            let spent = clock.run.spent_ms + working.working(clock.run.since, until);
            Some(after.ms(working).saturating_sub(spent))
        }
    };
    let alarms = ticket.effects.iter().filter_map(|(_, open)| open.work.step());
    let mut steps: Vec<_> = alarms
        .filter(|(of, ..)| *of == token.id)
        .filter_map(|(_, step, due)| {
            let does = &deadline.steps.get(usize::try_from(step).ok()?)?.does;
            Some((step, does.word(), due))
        })
        .collect();
    steps.sort_unstable_by_key(|(step, _, due)| (*due, *step));
    Some(ClockShown {
        paused: clock.stands(),
        remaining_ms,
        steps,
    })
}

fn hook_wait(ticket: &Ticket, token: &Token) -> Option<HookWait> {
    let Rest::Hook { attempt, failed } = &token.rest else {
        return None;
    };
    let is_accepted = ticket
        .effects
        .iter()
        .any(|(_, open)| matches!(open.work, Work::Hook { token: of, is_accepted: true, .. } if of == token.id));
    let state = match (failed, is_accepted) {
        (Some(_), _) => "failed",
        (None, true) => "accepted",
        (None, false) => "posted",
    };
    Some(HookWait {
        state,
        attempt: *attempt,
    })
}

fn call_back_due(ticket: &Ticket, token: &Token) -> Option<Timestamp> {
    ticket.effects.iter().find_map(|(_, open)| match &open.work {
        Work::NoCallBack { token: of, due, .. } if *of == token.id => Some(*due),
        Work::NoCallBack { .. }
        | Work::Timer { .. }
        | Work::Deadline { .. }
        | Work::Hook { .. }
        | Work::EventHook { .. }
        | Work::Child { .. }
        | Work::Reserved { .. }
        | Work::TellParent { .. }
        | Work::CloseChild { .. }
        | Work::Notice(_) => None,
    })
}

/// The form of a ticket that is not there yet, as its creator fills it in at start.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CreateForm {
    /// The version a ticket would be created on.
    pub workflow: Arc<WorkflowVersion>,
    /// Permissions of the start node, for every key of the form.
    pub permissions: BTreeMap<FieldKey, FieldPermission>,
    /// The edges out of start.
    pub actions: Vec<OfferedAction>,
    /// A value of the right form for each writable field, as an example.
    pub example_fields: BTreeMap<FieldKey, serde_json::Value>,
}

/// Shows the start form of a version.
#[must_use]
pub fn create_form(workflow: &Arc<WorkflowVersion>, directory: &Directory, user: &UserId) -> CreateForm {
    let start = workflow.start();
    let keys = workflow.form.components().map(|component| component.key.clone());
    let permissions: BTreeMap<_, _> = keys
        .map(|key| (key.clone(), workflow.form.permission_at(start, &key)))
        .collect();
    let writable = |component: &&Component| permissions.get(&component.key).is_some_and(|one| one.is_writable());
    let example_fields = workflow.form.components().filter(writable);
    let example_fields = example_fields
        .map(|component| (component.key.clone(), example_value(component, directory, user)))
        .collect();
    let actions = workflow.ways_out(&start.id).filter_map(|edge| {
        let kind = ActionKind::of_edge(edge)?;
        Some(OfferedAction {
            kind,
            id: edge.id.as_str().to_owned(),
            name: edge.shown_name().to_owned(),
            node: start.id.clone(),
            token: crate::id::TokenId(1),
            props: without_secrets(&edge.props, false),
            is_destructive: false,
        })
    });
    CreateForm {
        workflow: workflow.clone(),
        actions: actions.collect(),
        permissions,
        example_fields,
    }
}
