//! Plays tickets to their end, to have logs where there is no recording: random people who hold a node take a random
//! edge, with values that conditions ask about; timers come due and hooks answer well.
//!
//! The engine decides; what it refuses changes nothing, and something else is tried. A function of definitions,
//! directory and seed.

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::{FieldKey, TicketId, UserId};
use loonflow_engine::ticket::ActionKind;
use loonflow_engine::ticket::{
    Act, Action, Command, Context, Create, Draw, HookOutcome, Rest, Ticket, Token, apply, decide,
};
use loonflow_engine::time::Timestamp;
use loonflow_engine::value::Value;
use loonflow_engine::view::example::example_value;
use loonflow_engine::workflow::{Component, ComponentKind, Edge, EdgeKind, FieldPermission, Node, WorkflowVersion};

use super::bpmn::left_fork;
use super::history::History;

/// Commands tried on one ticket, refused ones included; a ticket that has not ended by then is left out.
const TRIES_MAX: usize = 400;
/// When the first ticket is created: 2026-01-01.
const FIRST_MS: i64 = 1_767_225_600_000;
/// Longest pause between two tickets or two steps.
const PAUSE_MINUTES_MAX: usize = 600;

/// What is played.
#[derive(Clone, Debug)]
pub struct Play {
    /// Tickets to create, over all definitions.
    pub n_cases: usize,
    /// Seed of every choice.
    pub seed: u64,
    /// Leave out edges that leave a fork early: then a log fits a plain net.
    pub is_plain: bool,
}

/// Tickets that were played to their end.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// In the order of creation.
    pub histories: Vec<History>,
    /// Tickets that came to no end within the bound, or could not be created, and are left out.
    pub n_left_out: usize,
}

/// Plays tickets of the definitions in turn.
#[must_use]
pub fn play(versions: &[Arc<WorkflowVersion>], directory: &Directory, play: &Play) -> Played {
    let mut dice = Dice(play.seed);
    let mut played = Played::default();
    let mut begins = Timestamp(FIRST_MS);
    for n in 0..play.n_cases {
        let Some(version) = versions.get(n % versions.len().max(1)) else {
            break;
        };
        begins = begins.plus_ms(pause(&mut dice));
        let mut player = Player {
            version,
            directory,
            is_plain: play.is_plain,
            now: begins,
            dice: &mut dice,
            ticket: None,
            commits: Vec::new(),
        };
        match player.play(n) {
            Some(history) => played.histories.push(history),
            None => played.n_left_out += 1,
        }
    }
    played
}

fn pause(dice: &mut Dice) -> i64 {
    let minutes = i64::try_from(dice.below(PAUSE_MINUTES_MAX) + 1).unwrap_or(1);
    minutes * 60_000
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let place = self.below(items.len());
        items.get(place)
    }
}

struct Player<'a> {
    version: &'a Arc<WorkflowVersion>,
    directory: &'a Directory,
    is_plain: bool,
    now: Timestamp,
    dice: &'a mut Dice,
    ticket: Option<Ticket>,
    commits: Vec<(loonflow_engine::ticket::Meta, Vec<loonflow_engine::ticket::Event>)>,
}

impl Player<'_> {
    fn play(&mut self, n: usize) -> Option<History> {
        for _ in 0..TRIES_MAX {
            match self.ticket.clone() {
                None => {
                    let create = self.create(n)?;
                    self.carry_out(&create);
                }
                Some(ticket) if ticket.is_final() => return self.history(&ticket),
                Some(ticket) => {
                    let command = self
                        .dice
                        .pick(&ticket.tokens)
                        .cloned()
                        .and_then(|token| self.command(&token));
                    if let Some(command) = command {
                        self.carry_out(&command);
                    }
                }
            }
        }
        None
    }

    fn history(&mut self, ticket: &Ticket) -> Option<History> {
        Some(History {
            ticket: ticket.id,
            tenant: ticket.tenant_id.clone(),
            workflow: ticket.workflow_id.clone(),
            version_name: ticket.version_name.clone(),
            version: Some(Arc::clone(self.version)),
            creator: ticket.creator.clone(),
            parent: None,
            commits: std::mem::take(&mut self.commits),
        })
    }

    fn carry_out(&mut self, command: &Command) {
        let context = Context {
            now: self.now,
            directory: self.directory,
            workflow: self.version,
            draw: Draw::Seed(self.dice.next()),
            parent: None,
            migrate_to: None,
            replies: None,
            files: loonflow_engine::ticket::Files::AsDescribed,
        };
        if let Ok(events) = decide(self.ticket.as_ref(), command, &context) {
            let meta = command.meta(&context);
            for event in &events {
                self.ticket = apply(self.ticket.take(), event, &meta);
            }
            self.commits.push((meta, events));
        }
    }

    fn create(&mut self, n: usize) -> Option<Command> {
        let users: Vec<UserId> = self.directory.users.keys().cloned().collect();
        let creator = self.dice.pick(&users)?.clone();
        let start = self.version.start();
        let edge = self.way_out(start)?.id.clone();
        let mut bytes = [0u8; 10];
        bytes[2..].copy_from_slice(&u64::try_from(n).unwrap_or(0).to_be_bytes());
        let millis = u64::try_from(self.now.0).unwrap_or(0);
        Some(Command::Create(Create {
            via: None,
            ticket_id: TicketId(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()),
            by: creator,
            app: "loonflow".into(),
            take: Some(edge),
            fields: self.fields(start),
            comment: None,
            cc: Vec::new(),
            parent: None,
        }))
    }

    /// What is done next with a token; nothing where it waits for other branches.
    fn command(&mut self, token: &Token) -> Option<Command> {
        match &token.rest {
            Rest::Timer { due } => {
                self.now = self.now.max(*due);
                Some(Command::FireTimer { token: token.id })
            }
            Rest::Hook { attempt, .. } => {
                self.now = self.now.plus_ms(1_000);
                Some(Command::ReportHook {
                    token: token.id,
                    attempt: *attempt,
                    outcome: HookOutcome::Succeeded,
                })
            }
            Rest::Offered { candidates } => {
                let operator = self.dice.pick(candidates)?.clone();
                self.act(operator, Action::Accept, token, BTreeMap::new())
            }
            Rest::Held { .. } | Rest::Voting(_) => {
                let holders = token.rest.waiting_for();
                let operator = self.dice.pick(&holders)?.clone();
                let version = Arc::clone(self.version);
                let node = version.node(&token.node)?;
                let edge = self.way_out(node)?;
                let action = Action::of(ActionKind::of_edge(edge)?, edge.id.as_str(), None, None);
                let fields = self.fields(node);
                self.act(operator, action, token, fields)
            }
            Rest::Moving | Rest::Joining | Rest::Unassigned | Rest::Shared { .. } | Rest::Ended => None,
        }
    }

    fn act(
        &mut self,
        operator: UserId,
        action: Action,
        token: &Token,
        fields: BTreeMap<FieldKey, Value>,
    ) -> Option<Command> {
        self.now = self.now.plus_ms(pause(self.dice));
        Some(Command::Act(Act {
            closes_children: false,
            at: Some(token.node.clone()),
            fields,
            ..Act::new(operator, action)
        }))
    }

    /// A way that people take, mostly forward: most tickets come to an end.
    fn way_out(&mut self, node: &Node) -> Option<&'_ Edge> {
        let version: &WorkflowVersion = self.version;
        let ways: Vec<&Edge> = version
            .ways_out(&node.id)
            .filter(|edge| ActionKind::of_edge(edge).is_some())
            .filter(|edge| !self.is_plain || left_fork(version, edge).is_none())
            .collect();
        let forward: Vec<&Edge> = ways
            .iter()
            .copied()
            .filter(|edge| edge.kind != EdgeKind::Reject)
            .collect();
        let ways = if forward.is_empty() || self.dice.below(4) == 0 {
            ways
        } else {
            forward
        };
        self.dice.pick(&ways).copied()
    }

    fn fields(&mut self, node: &Node) -> BTreeMap<FieldKey, Value> {
        let version = Arc::clone(self.version);
        let mut found = BTreeMap::new();
        for component in version.form.components() {
            let permission = version.form.permission_at(node, &component.key);
            // Now and then nothing is filled in where nothing must be.
            let is_left_out = permission == FieldPermission::Optional && self.dice.below(4) == 0;
            if permission.is_writable() && !is_left_out {
                found.insert(component.key.clone(), self.value(&version, component));
            }
        }
        found
    }

    /// A value that a condition compares with, or one next to it, or any that the type takes.
    fn value(&mut self, version: &WorkflowVersion, component: &Component) -> Value {
        let asked = version.edges.iter().flat_map(|edge| edge.conditions.iter());
        let asked: Vec<&Value> = asked
            .filter(|one| one.field == component.key)
            .map(|one| &one.value)
            .collect();
        let users: Vec<&UserId> = self.directory.users.keys().collect();
        let someone = self
            .dice
            .pick(&users)
            .copied()
            .cloned()
            .unwrap_or_else(|| "nobody".into());
        let example = Value::from(&example_value(component, self.directory, &someone));
        match component.kind {
            ComponentKind::Number => {
                let text = self
                    .dice
                    .pick(&asked)
                    .and_then(|value| value.parts().into_iter().next());
                let near = text.and_then(|text| text.trim().parse::<i64>().ok()).map(|asked| {
                    let step = [-1, 0, 1][self.dice.below(3)];
                    Value::Number(asked.saturating_add(step).to_string())
                });
                near.filter(|_| self.dice.below(4) > 0).unwrap_or(example)
            }
            ComponentKind::Select | ComponentKind::Radio | ComponentKind::Checkbox => {
                let keys: Vec<Value> = component
                    .options
                    .iter()
                    .map(|one| Value::text(one.key.clone()))
                    .collect();
                if component.multiple {
                    let chosen = keys.into_iter().filter(|_| self.dice.below(2) == 0);
                    let chosen: Vec<Value> = chosen.collect();
                    if chosen.is_empty() {
                        example
                    } else {
                        Value::List(chosen)
                    }
                } else {
                    self.dice.pick(&keys).cloned().unwrap_or(example)
                }
            }
            ComponentKind::Title
            | ComponentKind::Text
            | ComponentKind::Textarea
            | ComponentKind::Date
            | ComponentKind::Time
            | ComponentKind::Datetime
            | ComponentKind::Link
            | ComponentKind::Richtext => {
                let asked = self.dice.pick(&asked).map(|value| (*value).clone());
                asked.filter(|_| self.dice.below(2) == 0).unwrap_or(example)
            }
            ComponentKind::User
            | ComponentKind::Department
            | ComponentKind::File
            | ComponentKind::Externaldata
            | ComponentKind::CreatorInfo
            | ComponentKind::CreatedAt
            | ComponentKind::ActState
            | ComponentKind::WorkflowInfo
            | ComponentKind::CurrentAssigneeInfos
            | ComponentKind::TicketNodeInfos => example,
        }
    }
}
