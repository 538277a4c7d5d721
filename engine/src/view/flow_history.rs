//! What happened to a ticket: who did what, when, at which node, with which comment and which changes.
//!
//! One entry per commit, for that is what one command did. A viewer sees changes only of fields that it may see now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::account::directory::Directory;
use crate::account::person::Person;
use crate::id::{AccessTokenId, AppName, FieldKey, FileId, NodeId, UserId};
use crate::ticket::ballot::count::Outcome;
use crate::ticket::event::{Cause, Event, FieldChange, Meta, Processor, Step};
use crate::ticket::{ActState, Ticket, apply, file};
use crate::time::Timestamp;
use crate::view::preview::{Move, changes_of, moves};
use crate::view::vote;
use crate::workflow::{FieldPermission, WorkflowVersion};

impl HistoryEntry {
    /// Leaves nothing of erased files but that they were there.
    pub fn hide_erased(&mut self, is_erased: &dyn Fn(FileId) -> bool) {
        for change in &mut self.field_changes {
            change.to = file::masked(&change.to, is_erased);
            change.from = change.from.as_ref().map(|from| file::masked(from, is_erased));
        }
    }

    /// About how many bytes its texts and values have: what can be large of it.
    #[must_use]
    pub fn n_bytes(&self) -> usize {
        let changes = self.field_changes.iter().map(FieldChange::n_bytes);
        self.comment.as_ref().map_or(0, String::len) + changes.sum::<usize>()
    }
}

/// What one command did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryEntry {
    /// The ticket's version after it.
    pub version: u64,
    /// When.
    pub at: Timestamp,
    /// Who, where it was a person.
    pub by: Option<Person>,
    /// Who or what: `user`, `timer`, `hook`, `system`.
    pub processor: &'static str,
    /// What: an action's word, or `create`, `timer`, `deadline`, `hook`, `hook_failed`, `migrate`, `holder_dropped`,
    /// `hand_over`, `file_erase`, `review`.
    pub action_type: String,
    /// The edge's id, or the same word.
    pub action_id: String,
    /// The edge's name, where it is one.
    pub action_name: String,
    /// Of a deadline: which step, and what that does.
    pub deadline: Option<(u32, &'static str)>,
    /// At which node.
    pub node: Option<(NodeId, String)>,
    /// Whether it is a vote.
    pub is_vote: bool,
    /// What a vote or a share that was dropped decided.
    pub decided: Option<Outcome>,
    /// Of a return: where to.
    pub returned_to: Option<(NodeId, String)>,
    /// Whether what was returned comes straight back.
    pub resume: bool,
    /// Whether an edge led straight back to who had returned the ticket.
    pub resumed: bool,
    /// Whether it was undone since.
    pub is_undone: bool,
    /// Whom it concerned.
    pub target: Option<Person>,
    /// Those who are absent and in whose place who acted did; of what was handed over: whose it was.
    pub on_behalf_of: Vec<Person>,
    /// Those who need not act, for they agreed to the same before.
    pub skipped_same_approver: Vec<Person>,
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

/// What is kept of a ticket's commits, so that any of them is told without reading those before it.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    rows: Vec<OutlineRow>,
    /// The ticket so far, without its fields.
    ticket: Option<Ticket>,
}

/// What is kept of one commit.
#[derive(Clone, Debug)]
pub struct OutlineRow {
    /// Where the log has it.
    pub position: u64,
    /// The ticket's version after it.
    pub version: u64,
    /// The state since.
    pub act_state: ActState,
    /// Whether it is the creation.
    pub is_first: bool,
    /// Whether it only notes what became of effects.
    pub is_bookkeeping: bool,
    /// Those who are absent and in whose place who acted did.
    on_behalf_of: Vec<UserId>,
    /// Whether it was undone since.
    pub is_undone: bool,
    /// The ticket before it, without its fields, where it takes that to tell what the commit did.
    before: Option<Arc<Ticket>>,
}

impl Outline {
    /// The ticket's version so far.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.ticket.as_ref().map_or(0, |ticket| ticket.version)
    }

    /// One for each commit, oldest first.
    #[must_use]
    pub fn rows(&self) -> &[OutlineRow] {
        &self.rows
    }

    /// Takes the next commit in.
    pub fn push(&mut self, position: u64, meta: &Meta, events: &[Event]) {
        let is_first = self.ticket.is_none();
        let looks_back = events.iter().any(|event| {
            matches!(
                event,
                Event::TitleChanged { .. } | Event::TokensReplaced { .. } | Event::Migrated { .. } | Event::Undone(_)
            )
        });
        let before = self.ticket.as_ref().filter(|_| looks_back).cloned().map(Arc::new);
        let on_behalf_of = self
            .ticket
            .as_ref()
            .map_or_else(Vec::new, |ticket| acted_for(ticket, meta, events));
        let mut ticket = self.ticket.take();
        for event in events {
            // Values of fields are in the events themselves.
            if !matches!(event, Event::FieldsChanged { .. }) {
                ticket = apply(ticket, event, meta);
            } else if let Some(ticket) = &mut ticket {
                ticket.version += 1;
            }
        }
        self.rows.extend(ticket.as_ref().map(|after| OutlineRow {
            position,
            version: after.version,
            act_state: after.act_state,
            is_first,
            is_bookkeeping: is_bookkeeping(events),
            on_behalf_of,
            is_undone: false,
            before,
        }));
        for event in events {
            if let Some(Step::Undone(undone)) = event.step() {
                // The first row that has come to that version holds it.
                let idx = self.rows.partition_point(|row| row.version < undone.commit);
                if let Some(row) = self.rows.get_mut(idx) {
                    row.is_undone = true;
                }
            }
        }
        self.ticket = ticket;
    }
}

/// For whom whoever takes an action acts, or whose work is handed over.
fn acted_for(before: &Ticket, meta: &Meta, events: &[Event]) -> Vec<UserId> {
    let acts = |cause: Cause<'_>| -> Option<Vec<UserId>> {
        if let Cause::HandedOver { from, .. } = cause {
            return Some(vec![from.clone()]);
        }
        let (Cause::Action(taken), Some(user)) = (cause, meta.by.user()) else {
            return None;
        };
        let token = taken.token.filter(|_| !taken.kind.is_remark())?;
        Some(before.stand_ins.for_whom(token, user).cloned().collect())
    };
    events
        .iter()
        .filter_map(Event::cause)
        .find_map(acts)
        .unwrap_or_default()
}

/// Whether a commit notes what became of effects, and nothing else.
fn is_bookkeeping(events: &[Event]) -> bool {
    let speaks_of_effects = |cause: Cause<'_>| {
        matches!(
            cause,
            Cause::EffectDone { .. } | Cause::EffectParked { .. } | Cause::HookAccepted { .. }
        )
    };
    events.iter().all(Event::is_bookkeeping) && events.iter().filter_map(Event::cause).any(speaks_of_effects)
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
    let mut outline = Outline::default();
    for (meta, events) in commits {
        outline.push(0, meta, events);
    }
    let erased: BTreeSet<FileId> = commits
        .iter()
        .flat_map(|(_, events)| events)
        .filter_map(|event| match event.cause() {
            Some(Cause::FileErased { file, .. }) => Some(file),
            Some(_) | None => None,
        })
        .collect();
    let told = outline.rows().iter().zip(commits);
    told.map(|(row, (meta, events))| {
        let mut entry = entry(row, meta, events, workflow, directory, permissions);
        entry.hide_erased(&|file| erased.contains(&file));
        entry
    })
    .collect()
}

/// Tells one commit, as [`entries`] does, but for files that were erased since: see [`HistoryEntry::hide_erased`].
#[must_use]
pub fn entry(
    row: &OutlineRow,
    meta: &Meta,
    events: &[Event],
    workflow: &WorkflowVersion,
    directory: &Directory,
    permissions: &BTreeMap<FieldKey, FieldPermission>,
) -> HistoryEntry {
    let before = row.before.as_deref();
    let mut ticket = before.cloned();
    let mut field_changes = Vec::new();
    for event in events {
        field_changes.extend(changes_of(event, ticket.as_ref(), workflow));
        // Values of fields are in the events themselves.
        if !matches!(event, Event::FieldsChanged { .. }) {
            ticket = apply(ticket, event, meta);
        }
    }
    // The title is exempt from field permissions (semantics: hidden-values).
    field_changes.retain(|change| {
        workflow.form.title_key() == Some(&change.key)
            || permissions
                .get(&change.key)
                .is_some_and(|permission| *permission != FieldPermission::Hidden)
    });
    let told = Told::of(events, row.is_first);
    let (is_vote, decided) = vote::told(events, workflow);
    let skipped = events.iter().filter_map(|event| {
        if let Event::ApprovalSkipped { user, .. } = event {
            return Some(user);
        }
        None
    });
    let named = |node: &NodeId| {
        let name = workflow.node(node).map(|node| node.name.clone()).unwrap_or_default();
        (node.clone(), name)
    };
    let mut returned = events.iter().filter_map(|event| {
        if let Event::TokenReturned { to, resume, .. } = event {
            return Some((to, resume.is_some()));
        }
        None
    });
    let returned = returned.next();
    HistoryEntry {
        version: row.version,
        at: meta.at,
        by: meta
            .by
            .user()
            .or(told.by.as_ref())
            .map(|user| Person::of(user, directory)),
        processor: processor_word(&meta.by),
        action_name: workflow
            .edge(&told.action_id.as_str().into())
            .map(|edge| edge.name.clone())
            .unwrap_or_default(),
        action_type: told.action_type,
        action_id: told.action_id,
        deadline: step_of(events),
        node: told.node.as_ref().map(named),
        returned_to: returned.map(|(to, _)| named(to)),
        resume: returned.is_some_and(|(_, resume)| resume),
        resumed: events.iter().any(|event| matches!(event, Event::Resumed { .. })),
        is_undone: row.is_undone,
        is_vote,
        decided,
        target: told.target.map(|user| Person::of(&user, directory)),
        on_behalf_of: row
            .on_behalf_of
            .iter()
            .map(|user| Person::of(user, directory))
            .collect(),
        skipped_same_approver: skipped.map(|user| Person::of(user, directory)).collect(),
        comment: told.comment,
        field_changes,
        moves: moves(before, events, meta),
        act_state: row.act_state,
        app: meta.app.clone(),
        access_token: meta.access_token.clone(),
    }
}

struct Told {
    action_type: String,
    action_id: String,
    node: Option<NodeId>,
    target: Option<UserId>,
    comment: Option<String>,
    /// Who is behind it, where it is no action of theirs.
    by: Option<UserId>,
}

impl Told {
    fn of(events: &[Event], is_first: bool) -> Self {
        let mut taken = None;
        let mut caused = None;
        let mut concerned = None;
        let mut asked_by = None;
        let mut said = None;
        for cause in events.iter().filter_map(Event::cause) {
            let (word, node) = match cause {
                Cause::Created(_) => continue,
                Cause::Action(one) => {
                    taken = taken.or(Some(one));
                    continue;
                }
                Cause::TimerFired { node, .. } => ("timer", Some(node)),
                Cause::DeadlineReached { node, .. } => ("deadline", Some(node)),
                Cause::HookSucceeded { node, .. } => ("hook", Some(node)),
                Cause::HookFailed { node, .. } => ("hook_failed", Some(node)),
                Cause::HookAccepted { node, .. } => ("hook_accepted", Some(node)),
                Cause::ChildOpened { node, .. } => ("child_opened", Some(node)),
                Cause::ChildEnded { .. } => ("child_ended", None),
                Cause::EffectDone { .. } => ("delivered", None),
                Cause::EffectParked { .. } => ("parked", None),
                Cause::Migrated { .. } => ("migrate", None),
                Cause::FileErased { reason, .. } => {
                    said = said.or(Some(reason));
                    ("file_erase", None)
                }
                Cause::Dropped { user, .. } => {
                    concerned = concerned.or(Some(user));
                    ("holder_dropped", None)
                }
                Cause::HandedOver { to, by, .. } => {
                    concerned = concerned.or(Some(to));
                    asked_by = asked_by.or(by);
                    ("hand_over", None)
                }
            };
            caused = caused.or(Some((word, node.cloned())));
        }
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
                by: None,
            },
            None => {
                let word = if is_first { "create" } else { word };
                Self {
                    action_type: word.into(),
                    action_id: word.into(),
                    node,
                    target: concerned.cloned(),
                    comment: said.map(str::to_owned),
                    by: asked_by.cloned(),
                }
            }
        }
    }
}

/// The step of a deadline that a commit has done; what that did, the events behind it tell, whatever version the ticket is
/// on since.
fn step_of(events: &[Event]) -> Option<(u32, &'static str)> {
    let reached = events.iter().find_map(|event| match event.cause()? {
        Cause::DeadlineReached { step, .. } => Some(step),
        Cause::Created(_)
        | Cause::Action(_)
        | Cause::TimerFired { .. }
        | Cause::HookSucceeded { .. }
        | Cause::HookFailed { .. }
        | Cause::Migrated { .. }
        | Cause::HookAccepted { .. }
        | Cause::Dropped { .. }
        | Cause::HandedOver { .. }
        | Cause::FileErased { .. }
        | Cause::ChildOpened { .. }
        | Cause::ChildEnded { .. }
        | Cause::EffectDone { .. }
        | Cause::EffectParked { .. } => None,
    })?;
    let has = |is_it: fn(&Event) -> bool| events.iter().any(is_it);
    let does = if has(|event| matches!(event, Event::Escalated { .. })) {
        "escalate"
    } else if has(|event| matches!(event, Event::EdgeTaken { .. } | Event::Resumed { .. })) {
        "take_edge"
    } else {
        "remind"
    };
    Some((reached, does))
}

fn processor_word(processor: &Processor) -> &'static str {
    match processor {
        Processor::User(_) => "user",
        Processor::Timer => "timer",
        Processor::Hook => "hook",
        Processor::System => "system",
    }
}
