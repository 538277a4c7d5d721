//! An exhaustive walk of the engine itself: every edge, by whoever holds it, with every value that conditions can tell
//! apart, from every ticket that comes of it. What there is no room for ends the walk without an answer.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::{FieldKey, NodeId, UserId};
use loonflow_engine::ticket::ActionKind;
use loonflow_engine::ticket::{
    Act, Action, Command, Context, Create, Draw, HookOutcome, Rest as EngineRest, ShareState, Ticket, apply, decide,
};
use loonflow_engine::time::Timestamp;
use loonflow_engine::value::Value;
use loonflow_engine::workflow::{FieldPermission, Node, WorkflowVersion};
use loonflow_simulator::prove::check::{Marking, Markings, Rest};

/// What the engine comes to.
pub(crate) struct Walked {
    pub(crate) reached: BTreeSet<Marking>,
    pub(crate) bad: BTreeSet<Marking>,
}

struct Walk<'a> {
    workflow: &'a Arc<WorkflowVersion>,
    directory: &'a Directory,
    values: &'a [(FieldKey, Vec<Value>)],
}

/// Walks with the values of `like`, as its creator; nothing where more than `tickets_max` tickets differ.
pub(crate) fn walk(
    workflow: &Arc<WorkflowVersion>,
    directory: &Directory,
    like: &Markings,
    tickets_max: usize,
) -> Option<Walked> {
    let walk = Walk {
        workflow,
        directory,
        values: &like.values,
    };
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut tickets: Vec<Ticket> = Vec::new();
    let mut before: Vec<Vec<usize>> = Vec::new();
    let mut work: VecDeque<usize> = VecDeque::new();
    let mut add = |ticket: Ticket, from: Option<usize>, tickets: &mut Vec<Ticket>, work: &mut VecDeque<usize>| {
        let idx = *known.entry(walk.key(&ticket)).or_insert_with(|| {
            tickets.push(ticket);
            before.push(Vec::new());
            work.push_back(tickets.len() - 1);
            tickets.len() - 1
        });
        before[idx].extend(from);
    };
    let draft = walk.draft(&like.creator);
    add(draft, None, &mut tickets, &mut work);
    while let Some(idx) = work.pop_front() {
        if tickets.len() > tickets_max {
            return None;
        }
        for next in walk.after(&tickets[idx].clone()) {
            add(next, Some(idx), &mut tickets, &mut work);
        }
    }
    let mut is_good = vec![false; tickets.len()];
    let mut open: Vec<usize> = (0..tickets.len()).filter(|idx| tickets[*idx].is_final()).collect();
    while let Some(idx) = open.pop() {
        if !std::mem::replace(&mut is_good[idx], true) {
            open.extend(&before[idx]);
        }
    }
    let marking = |idx: usize| walk.marking(&tickets[idx]);
    Some(Walked {
        reached: (0..tickets.len()).map(marking).collect(),
        bad: (0..tickets.len()).filter(|idx| !is_good[*idx]).map(marking).collect(),
    })
}

impl Walk<'_> {
    fn context(&self) -> Context<'_> {
        Context {
            now: Timestamp(1_767_225_600_000),
            directory: self.directory,
            workflow: self.workflow,
            draw: Draw::Seed(0),
            parent: None,
            migrate_to: None,
            replies: None,
            files: loonflow_engine::ticket::Files::AsDescribed,
        }
    }

    fn draft(&self, creator: &UserId) -> Ticket {
        let command = Command::Create(Create {
            via: None,
            ticket_id: loonflow_engine::id::TicketId(uuid::Uuid::nil()),
            by: creator.clone(),
            app: "loonflow".into(),
            take: None,
            fields: BTreeMap::new(),
            comment: None,
            cc: Vec::new(),
            parent: None,
        });
        self.carry_out(None, &command).expect("a draft can be made")
    }

    fn carry_out(&self, ticket: Option<&Ticket>, command: &Command) -> Option<Ticket> {
        let mut context = self.context();
        // A timer fires when it is due, whenever that is: instants do not tell tickets apart.
        if let (Command::FireTimer { token }, Some(ticket)) = (command, ticket)
            && let Some(EngineRest::Timer { due }) = ticket.token(*token).map(|token| &token.rest)
        {
            context.now = *due;
        }
        let events = decide(ticket, command, &context).ok()?;
        let meta = command.meta(&context);
        events
            .iter()
            .fold(ticket.cloned(), |ticket, event| apply(ticket, event, &meta))
    }

    /// Everything that tells tickets apart here: tokens with their forks by order of appearance, who still has a share,
    /// the values, who is remembered.
    fn key(&self, ticket: &Ticket) -> String {
        let mut forks: Vec<&loonflow_engine::ticket::ForkId> = Vec::new();
        let mut tokens: Vec<String> = Vec::new();
        for token in &ticket.tokens {
            let chain: Vec<usize> = token
                .forks
                .iter()
                .map(|fork| {
                    forks.iter().position(|known| *known == fork).unwrap_or_else(|| {
                        forks.push(fork);
                        forks.len() - 1
                    })
                })
                .collect();
            let splits: Vec<&NodeId> = token.forks.iter().map(|fork| &fork.split).collect();
            let rest = match &token.rest {
                EngineRest::Voting(ballot) => {
                    // Who chose what, and whose choice is the later one.
                    let mut cast: Vec<_> = ballot.shares.iter().map(|share| &share.state).enumerate().collect();
                    cast.sort_by_key(|(_, state)| match state {
                        ShareState::Voted { version, .. } => *version,
                        ShareState::Open | ShareState::Dropped => 0,
                    });
                    let shown = cast.iter().map(|(place, state)| match state {
                        ShareState::Voted { edge, .. } => format!("{place}:{edge}"),
                        ShareState::Open => format!("{place}"),
                        ShareState::Dropped => format!("{place}-"),
                    });
                    shown.collect::<Vec<_>>().join(" ")
                }
                EngineRest::Timer { .. } => "timer".to_owned(),
                EngineRest::Moving
                | EngineRest::Joining
                | EngineRest::Unassigned
                | EngineRest::Held { .. }
                | EngineRest::Offered { .. }
                | EngineRest::Shared { .. }
                | EngineRest::Hook { .. }
                | EngineRest::Ended => format!("{:?}", token.rest),
            };
            tokens.push(format!("{} {chain:?} {splits:?} {rest}", token.node));
        }
        let values: Vec<Option<Value>> = self.values.iter().map(|(key, _)| self.stored(ticket, key)).collect();
        let is_draft = ticket.act_state == loonflow_engine::ticket::ActState::InDraft;
        format!(
            "{tokens:?} {values:?} {:?} {is_draft}",
            ticket.last_handlers.keys().collect::<Vec<_>>()
        )
    }

    fn stored(&self, ticket: &Ticket, key: &FieldKey) -> Option<Value> {
        ticket
            .value_of(key, &self.workflow.form)
            .filter(|value| !value.is_empty())
            .map(std::borrow::Cow::into_owned)
    }

    fn marking(&self, ticket: &Ticket) -> Marking {
        let mut found: Marking = ticket
            .tokens
            .iter()
            .map(|token| {
                let rest = match &token.rest {
                    EngineRest::Moving => Rest::Moving,
                    EngineRest::Joining => Rest::Joining,
                    EngineRest::Unassigned => Rest::Unassigned,
                    EngineRest::Ended => Rest::Ended,
                    EngineRest::Held { .. }
                    | EngineRest::Offered { .. }
                    | EngineRest::Shared { .. }
                    | EngineRest::Voting(_)
                    | EngineRest::Timer { .. }
                    | EngineRest::Hook { .. } => Rest::Waiting,
                };
                (
                    token.node.clone(),
                    rest,
                    token.forks.iter().map(|fork| fork.split.clone()).collect(),
                )
            })
            .collect();
        found.sort();
        found
    }

    /// Every ticket that one command makes of this one.
    fn after(&self, ticket: &Ticket) -> Vec<Ticket> {
        let mut found = Vec::new();
        for token in &ticket.tokens {
            // Two tokens at one node: the younger one's turn comes once the older one is forwarded to somebody else.
            let mut alone = ticket.clone();
            let others = |one: &&mut loonflow_engine::ticket::Token| one.node == token.node && one.id != token.id;
            for other in alone.tokens.iter_mut().filter(others) {
                if !other.rest.waiting_for().is_empty() {
                    other.rest = EngineRest::held(vec!["somebody else".into()]);
                }
            }
            for mut after in self.after_token(&alone, token) {
                for one in &mut after.tokens {
                    if one.rest == EngineRest::held(vec!["somebody else".into()])
                        && let Some(before) = ticket.token(one.id)
                    {
                        one.rest = before.rest.clone();
                    }
                }
                found.push(after);
            }
        }
        found
    }

    fn after_token(&self, ticket: &Ticket, token: &loonflow_engine::ticket::Token) -> Vec<Ticket> {
        let mut found = Vec::new();
        match &token.rest {
            EngineRest::Timer { .. } => {
                found.extend(self.carry_out(Some(ticket), &Command::FireTimer { token: token.id }));
            }
            EngineRest::Hook { attempt, .. } => {
                let command = Command::ReportHook {
                    token: token.id,
                    attempt: *attempt,
                    outcome: HookOutcome::Succeeded,
                };
                found.extend(self.carry_out(Some(ticket), &command));
            }
            EngineRest::Offered { candidates } => {
                for user in candidates {
                    found.extend(self.act(ticket, user, &token.node, Action::Accept, BTreeMap::new()));
                }
            }
            EngineRest::Held { .. } | EngineRest::Voting(_) => {
                // One of several who hold a node stands for all; shares differ.
                let people = token.rest.waiting_for();
                let is_shared = matches!(token.rest, EngineRest::Voting(_));
                for user in people.iter().take(if is_shared { people.len() } else { 1 }) {
                    found.extend(self.edges(ticket, &token.node, user));
                    found.extend(self.act(ticket, user, &token.node, Action::Abstain, BTreeMap::new()));
                }
            }
            EngineRest::Moving
            | EngineRest::Joining
            | EngineRest::Unassigned
            | EngineRest::Shared { .. }
            | EngineRest::Ended => {}
        }
        found
    }

    fn edges(&self, ticket: &Ticket, node: &NodeId, user: &UserId) -> Vec<Ticket> {
        let mut found = Vec::new();
        let Some(info) = self.workflow.node(node) else {
            return found;
        };
        for edge in self.workflow.ways_out(node) {
            let Some(kind) = ActionKind::of_edge(edge) else {
                continue;
            };
            for fields in self.writings(ticket, info) {
                let action = Action::of(kind, edge.id.as_str(), None, None);
                found.extend(self.act(ticket, user, node, action, fields));
            }
        }
        found
    }

    /// Every combination of values for the fields that may be written at a node.
    fn writings(&self, ticket: &Ticket, node: &Node) -> Vec<BTreeMap<FieldKey, Value>> {
        let mut found = vec![BTreeMap::new()];
        for (key, values) in self.values {
            if !self.workflow.form.permission_at(node, key).is_writable() {
                continue;
            }
            found = found
                .into_iter()
                .flat_map(|fields| {
                    values.iter().map(move |value| {
                        let mut fields = fields.clone();
                        fields.insert(key.clone(), value.clone());
                        fields
                    })
                })
                .collect();
        }
        // What nobody asks about, but must be there.
        for component in self.workflow.form.components() {
            let key = &component.key;
            let is_required = self.workflow.form.permission_at(node, key) == FieldPermission::Required;
            if is_required && self.stored(ticket, key).is_none() && !self.values.iter().any(|(known, _)| known == key) {
                let some = loonflow_engine::view::example::example_value(component, self.directory, &ticket.creator);
                for fields in &mut found {
                    fields.insert(key.clone(), Value::from(&some));
                }
            }
        }
        found
    }

    fn act(
        &self,
        ticket: &Ticket,
        user: &UserId,
        node: &NodeId,
        action: Action,
        fields: BTreeMap<FieldKey, Value>,
    ) -> Option<Ticket> {
        let command = Command::Act(Act {
            closes_children: false,
            at: Some(node.clone()),
            fields,
            ..Act::new(user.clone(), action)
        });
        self.carry_out(Some(ticket), &command)
    }
}
