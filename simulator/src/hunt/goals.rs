//! `sometimes` goals: things that a search must have seen at least once, else it says less than it seems to.
//!
//! Built in are those that every large run over random definitions meets; `--goal` adds one by name. A goal that was
//! not seen is reported; it is no defect.

use std::collections::BTreeMap;

use loonflow_engine::ticket::ActionKind;
use loonflow_engine::ticket::{ActState, Action, Command, DropReason, Event, Rest, Ticket};

/// Built-in goals: name and what it asks for.
pub const BUILT_IN: [(&str, &str); 29] = [
    ("fork_left_early", "a fork was left early"),
    ("shared_merge", "a merge joined twice in one step: two forks share it"),
    ("nested_fork", "a fork was opened within another"),
    (
        "inclusive_subset",
        "an inclusive split took several of its ways, not all",
    ),
    ("migration", "a ticket went over to another version"),
    ("consult_answered", "a consult was answered"),
    ("claimed", "one of several candidates accepted"),
    ("everyone_voted", "a vote was decided and the token moved"),
    ("rejected_by_one", "a vote against decided and the token moved"),
    ("drawn", "one of several was drawn"),
    ("remembered", "the last handler got a node back"),
    ("timer_fired", "a timer fired"),
    ("deadline_reached", "a step of a deadline came due"),
    ("escalated", "others came to hold a node because of its deadline"),
    ("hook_failed_and_retried", "a failed hook was posted again"),
    ("wait_skipped", "a timer or hook was gone on from without waiting"),
    ("abstained", "somebody went without a vote"),
    ("share_dropped", "the share of somebody who left was dropped"),
    (
        "holder_dropped",
        "somebody who left was taken out of what they held with others",
    ),
    ("returned", "a token was sent back to a node that it had been on"),
    ("resumed", "a token came straight back to the node that had returned it"),
    ("undone", "an edge was undone"),
    ("vote_undone", "a vote was undone"),
    ("consult_taken_back", "a consult was taken back"),
    ("given_back", "a node that somebody had accepted was offered again"),
    ("effect_owed", "an event hook of the workflow was to be told"),
    ("unassigned", "a token came to rest with nobody"),
    ("intervention_ended", "somebody could act again"),
    (
        "two_tokens_on_one_node",
        "two tokens stood on one node that people leave",
    ),
];

/// A goal as asked for on the command line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Goal {
    /// One of [`BUILT_IN`].
    BuiltIn(String),
    /// An event of this name happened.
    Event(String),
    /// A token entered this node.
    Node(String),
    /// This edge was taken.
    Edge(String),
    /// An action of this kind was done.
    Action(String),
    /// A request was refused with this code.
    Refusal(String),
    /// A ticket came into this state.
    State(String),
}

impl std::fmt::Display for Goal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BuiltIn(name) => f.write_str(name),
            Self::Event(name) => write!(f, "event:{name}"),
            Self::Node(name) => write!(f, "node:{name}"),
            Self::Edge(name) => write!(f, "edge:{name}"),
            Self::Action(name) => write!(f, "action:{name}"),
            Self::Refusal(name) => write!(f, "refusal:{name}"),
            Self::State(name) => write!(f, "state:{name}"),
        }
    }
}

impl std::str::FromStr for Goal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((kind, name)) = text.split_once(':') else {
            return if BUILT_IN.iter().any(|(name, _)| *name == text) {
                Ok(Self::BuiltIn(text.to_owned()))
            } else {
                let names = BUILT_IN.map(|(name, _)| name).join(", ");
                Err(format!(
                    "`{text}` is no goal: take event:NAME, node:ID, edge:ID, action:WORD, refusal:CODE, state:WORD or \
                     one of {names}"
                ))
            };
        };
        let name = name.to_owned();
        match kind {
            "event" => Ok(Self::Event(name)),
            "node" => Ok(Self::Node(name)),
            "edge" => Ok(Self::Edge(name)),
            "action" if ActionKind::ALL.iter().any(|kind| kind.word() == name) => Ok(Self::Action(name)),
            "action" => Err(format!(
                "`{name}` is no action: take a word such as `agree` or `consult`"
            )),
            "refusal" => Ok(Self::Refusal(name)),
            "state" if ActState::parse(&name).is_some() => Ok(Self::State(name)),
            "state" => Err(format!(
                "`{name}` is no state: take a word such as `finished` or `rejected`"
            )),
            _ => Err(format!(
                "`{kind}:` is no kind of goal: take event, node, edge, action, refusal or state"
            )),
        }
    }
}

/// How often each goal was seen.
#[derive(Clone, Debug, Default)]
pub struct Goals {
    built_in: [u64; BUILT_IN.len()],
    asked: BTreeMap<Goal, u64>,
}

impl Goals {
    /// The built-in ones and those asked for.
    #[must_use]
    pub fn new(asked: &[Goal]) -> Self {
        Self {
            built_in: [0; BUILT_IN.len()],
            asked: asked.iter().map(|goal| (goal.clone(), 0)).collect(),
        }
    }

    /// Looks at a step that was done.
    pub fn done(
        &mut self,
        before: Option<&Ticket>,
        after: &Ticket,
        command: &Command,
        events: &[Event],
        ways: &dyn Fn(&Event) -> usize,
    ) {
        let mut n_joined = 0;
        let mut votes = false;
        let mut moved = false;
        let is_undo = matches!(command, Command::Act(act) if act.action == Action::Undo);
        for event in events {
            match event {
                Event::ForkLeft { .. } => self.see("fork_left_early"),
                Event::Joined { .. } => n_joined += 1,
                Event::Forked { branches, .. } => {
                    let is_nested = |token: &loonflow_engine::ticket::Token| token.forks.len() > 1;
                    if after.tokens.iter().any(is_nested) {
                        self.see("nested_fork");
                    }
                    if branches.len() > 1 && branches.len() < ways(event) {
                        self.see("inclusive_subset");
                    }
                }
                Event::Migrated { .. } => self.see("migration"),
                Event::ConsultSubmitted { .. } => self.see("consult_answered"),
                Event::Accepted { .. } => self.see("claimed"),
                Event::VoteCast { .. } => votes = true,
                Event::EdgeTaken { .. } => moved = true,
                Event::Resumed { .. } => {
                    moved = true;
                    self.see("resumed");
                }
                Event::TokenReturned { .. } => self.see("returned"),
                Event::Undone(_) => self.see("undone"),
                Event::ConsultTakenBack { .. } => self.see("consult_taken_back"),
                Event::GivenBack { .. } => self.see("given_back"),
                Event::VoteTakenBack { .. } if is_undo => self.see("vote_undone"),
                Event::NodeEntered { pool: Some(_), .. } => self.see("drawn"),
                Event::NodeEntered { remembered: true, .. } => self.see("remembered"),
                Event::NodeEntered {
                    rest: Rest::Unassigned, ..
                } => self.see("unassigned"),
                Event::TimerFired { .. } => self.see("timer_fired"),
                Event::HookRequested { attempt, .. } if *attempt > 1 => self.see("hook_failed_and_retried"),
                Event::InterventionEnded => self.see("intervention_ended"),
                Event::EffectsOwed { .. } => self.see("effect_owed"),
                Event::WaitSkipped { .. } => self.see("wait_skipped"),
                Event::ShareDropped { why, .. } => {
                    votes = true;
                    self.see(match why {
                        DropReason::Abstained => "abstained",
                        DropReason::Deactivated => "share_dropped",
                        DropReason::HandedOver => "shares_merged",
                        DropReason::TakenBack => "signer_taken_back",
                    });
                }
                Event::HolderDropped { .. } => self.see("holder_dropped"),
                Event::DeadlineReached { .. } => self.see("deadline_reached"),
                Event::Escalated { .. } => self.see("escalated"),
                Event::Substituted { .. } => self.see("substituted"),
                Event::HandedOver { .. } => self.see("handed_over"),
                Event::SignerAdded { .. } => self.see("signer_added"),
                Event::ApprovalSkipped { .. } => self.see("approval_skipped"),
                Event::DeadlineSet { .. }
                | Event::NodeEntered { .. }
                | Event::HookRequested { .. }
                | Event::TicketCreated(_)
                | Event::ActionTaken(_)
                | Event::FieldsChanged { .. }
                | Event::TitleChanged { .. }
                | Event::JoinAwaited { .. }
                | Event::TokensReplaced { .. }
                | Event::TimerSet { .. }
                | Event::HookSucceeded { .. }
                | Event::HookFailed { .. }
                | Event::Forwarded { .. }
                | Event::Consulted { .. }
                | Event::ForceForwarded { .. }
                | Event::StateChanged { .. }
                | Event::InterventionNeeded { .. }
                | Event::EffectDone { .. }
                | Event::EffectParked { .. }
                | Event::EffectRetried { .. }
                | Event::EffectSkipped { .. }
                | Event::HookAccepted { .. }
                | Event::ChildOpened { .. }
                | Event::ChildEnded { .. }
                | Event::FileErased { .. }
                | Event::ActedAs { .. }
                | Event::Asked { .. }
                | Event::VoteTakenBack { .. }
                | Event::UndoKept
                | Event::Discarded => {}
            }
        }
        if n_joined > 1 {
            self.see("shared_merge");
        }
        if votes && moved {
            let is_reject = matches!(command, Command::Act(act) if act.action.said_kind() == Some(ActionKind::Reject));
            self.see(if is_reject { "rejected_by_one" } else { "everyone_voted" });
        }
        let is_with_people = |rest: &Rest| matches!(rest, Rest::Held { .. } | Rest::Offered { .. } | Rest::Voting(_));
        let mut with_people = after.tokens.iter().filter(|token| is_with_people(&token.rest));
        if after.tokens.len() > 1 {
            let mut nodes: Vec<_> = with_people.by_ref().map(|token| &token.node).collect();
            let n = nodes.len();
            nodes.sort();
            nodes.dedup();
            if nodes.len() < n {
                self.see("two_tokens_on_one_node");
            }
        }
        if !self.asked.is_empty() {
            self.see_asked(before, after, command, events);
        }
    }

    fn see_asked(&mut self, before: Option<&Ticket>, after: &Ticket, command: &Command, events: &[Event]) {
        let mut seen: Vec<Goal> = Vec::new();
        for event in events {
            seen.push(Goal::Event(event.name().to_owned()));
            if let Event::EdgeTaken { edge, to, .. } = event {
                seen.push(Goal::Edge(edge.to_string()));
                seen.push(Goal::Node(to.to_string()));
            } else if let Event::Forked { branches, .. } = event {
                for branch in branches {
                    seen.push(Goal::Edge(branch.edge.to_string()));
                    seen.push(Goal::Node(branch.to.to_string()));
                }
            } else if let Event::TokensReplaced { node, .. } = event {
                seen.push(Goal::Node(node.to_string()));
            }
        }
        if let Command::Act(act) = command
            && let Some(kind) = act.action.said_kind()
        {
            seen.push(Goal::Action(kind.word().to_owned()));
        }
        if before.is_none_or(|before| before.act_state != after.act_state) {
            seen.push(Goal::State(after.act_state.word().to_owned()));
        }
        for goal in seen {
            self.note(goal);
        }
    }

    /// Looks at a step that was refused.
    pub fn refused(&mut self, code: &'static str) {
        if !self.asked.is_empty() {
            self.note(Goal::Refusal(code.to_owned()));
        }
    }

    fn note(&mut self, goal: Goal) {
        if let Some(n) = self.asked.get_mut(&goal) {
            *n += 1;
        }
    }

    fn see(&mut self, name: &str) {
        if let Some(place) = BUILT_IN.iter().position(|(one, _)| *one == name) {
            self.built_in[place] += 1;
        }
    }

    /// Adds what another run has seen.
    pub fn add(&mut self, other: &Self) {
        for (own, other) in self.built_in.iter_mut().zip(other.built_in) {
            *own += other;
        }
        for (goal, n) in &other.asked {
            *self.asked.entry(goal.clone()).or_default() += n;
        }
    }

    /// Each goal and how often it was seen: those asked for first.
    #[must_use]
    pub fn seen(&self) -> Vec<(String, u64)> {
        let asked = self
            .asked
            .iter()
            .map(|(goal, n)| (goal.to_string(), self.count(goal, *n)));
        let built_in = BUILT_IN
            .iter()
            .zip(self.built_in)
            .map(|((name, _), n)| ((*name).to_owned(), n));
        asked.chain(built_in).collect()
    }

    /// Goals asked for that were not seen.
    #[must_use]
    pub fn missed(&self) -> Vec<&Goal> {
        let asked = self.asked.iter();
        asked
            .filter(|(goal, n)| self.count(goal, **n) == 0)
            .map(|(goal, _)| goal)
            .collect()
    }

    fn count(&self, goal: &Goal, noted: u64) -> u64 {
        match goal {
            Goal::BuiltIn(asked) => {
                let place = BUILT_IN.iter().position(|(name, _)| name == asked);
                place.map_or(0, |place| self.built_in[place])
            }
            Goal::Event(_) | Goal::Node(_) | Goal::Edge(_) | Goal::Action(_) | Goal::Refusal(_) | Goal::State(_) => {
                noted
            }
        }
    }
}
