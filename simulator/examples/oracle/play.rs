//! Plays tickets to their end on the engine: random edges by whoever holds them, with values that conditions ask about.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::{EdgeId, FieldKey, UserId};
use loonflow_engine::ticket::{Act, Action, Command, Create, Event, HookOutcome, Rest, Token};
use loonflow_engine::value::Value;
use loonflow_engine::view::example::example_value;
use loonflow_engine::workflow::{FieldPermission, Node, WorkflowVersion};
use loonflow_simulator::prove::check::Markings;
use loonflow_simulator::prove::net::Net;
use loonflow_simulator::world::World;

use loonflow_simulator::hunt::generate::nets::Dice;

/// Commands of one ticket, accepted or refused.
const COMMANDS_MAX: usize = 300;

/// The events of one ticket that came to its end; nothing where it did not. `kinds` know which values conditions ask
/// about.
pub(crate) fn to_the_end(
    version: &Arc<WorkflowVersion>,
    directory: &Arc<Directory>,
    left_out: &BTreeSet<EdgeId>,
    kinds: &[Markings],
    dice: &mut Dice,
) -> Option<Vec<Event>> {
    let kind = &kinds[dice.below(kinds.len())];
    let mut world = World::new(directory.clone(), vec![version.clone()], dice.0);
    let player = Player {
        version,
        left_out,
        values: &kind.values,
    };
    player.create(&mut world, &kind.creator)?;
    for _ in 0..COMMANDS_MAX {
        let ticket = &world.tickets[0].ticket;
        if ticket.is_final() {
            let commits = world.tickets.swap_remove(0).commits;
            return Some(commits.into_iter().flat_map(|(_, events)| events).collect());
        }
        let token = ticket.tokens[dice.below(ticket.tokens.len())].clone();
        if let Some(command) = player.command(&mut world, &token, dice) {
            // What is refused changes nothing, and something else is tried.
            let _ = world.carry_out(Some(0), version, &command);
        }
    }
    None
}

struct Player<'a> {
    version: &'a Arc<WorkflowVersion>,
    left_out: &'a BTreeSet<EdgeId>,
    values: &'a [(FieldKey, Vec<Value>)],
}

impl Player<'_> {
    fn create(&self, world: &mut World, creator: &UserId) -> Option<()> {
        let create = Create {
            via: None,
            ticket_id: world.next_ticket_id(),
            by: creator.clone(),
            app: "loonflow".into(),
            take: None,
            fields: BTreeMap::new(),
            comment: None,
            cc: Vec::new(),
            parent: None,
        };
        world
            .carry_out(None, self.version, &Command::Create(create))
            .ok()
            .map(|_| ())
    }

    fn command(&self, world: &mut World, token: &Token, dice: &mut Dice) -> Option<Command> {
        let people = token.rest.waiting_for();
        let act = |by: &UserId, action: Action, fields| {
            Command::Act(Act {
                closes_children: false,
                at: Some(token.node.clone()),
                fields,
                ..Act::new(by.clone(), action)
            })
        };
        match &token.rest {
            Rest::Timer { due } => {
                let wait = due.0 - world.now.0;
                world.pass(wait.max(0));
                Some(Command::FireTimer { token: token.id })
            }
            Rest::Hook { attempt, .. } => Some(Command::ReportHook {
                token: token.id,
                attempt: *attempt,
                outcome: HookOutcome::Succeeded,
            }),
            Rest::Offered { .. } => {
                let by = &people[dice.below(people.len())];
                Some(act(by, Action::Accept, BTreeMap::new()))
            }
            Rest::Held { .. } | Rest::Voting(_) => {
                let edges: Vec<_> = self
                    .version
                    .ways_out(&token.node)
                    .filter(|edge| !self.left_out.contains(&edge.id))
                    .collect();
                let edge = edges.get(dice.below(edges.len()))?;
                let by = people.get(dice.below(people.len()))?;
                let fields = self.fields(world, self.version.node(&token.node)?, dice);
                Some(act(by, Action::take(edge.id.clone()), fields))
            }
            Rest::Moving | Rest::Joining | Rest::Unassigned | Rest::Shared { .. } | Rest::Ended => None,
        }
    }

    fn fields(&self, world: &World, node: &Node, dice: &mut Dice) -> BTreeMap<FieldKey, Value> {
        let form = &self.version.form;
        let mut found = BTreeMap::new();
        for component in form.components() {
            let permission = form.permission_at(node, &component.key);
            let asked = self.values.iter().find(|(key, _)| *key == component.key);
            if !permission.is_writable() {
                continue;
            }
            if let Some((_, values)) = asked {
                found.insert(component.key.clone(), values[dice.below(values.len())].clone());
            } else if permission == FieldPermission::Required {
                let creator = &world.tickets[0].ticket.creator;
                found.insert(
                    component.key.clone(),
                    Value::from(&example_value(component, &world.directory, creator)),
                );
            }
        }
        found
    }
}

/// The trace with one event changed to one that cannot happen there; nothing where everything can.
pub(crate) fn with_one_changed(net: &Net, trace: &[String], dice: &mut Dice) -> Option<Vec<String>> {
    let place = dice.below(trace.len());
    let mut marking = net.initial();
    for label in &trace[..place] {
        let transition = net.transitions.iter().find(|one| one.label == *label)?;
        marking = net.after(&marking, transition);
    }
    let others: Vec<&String> = net
        .transitions
        .iter()
        .filter(|one| !net.is_enabled(&marking, one) && one.label != trace[place])
        .map(|one| &one.label)
        .collect();
    let mut changed = trace.to_vec();
    changed[place] = (*others.get(dice.below(others.len()))?).clone();
    Some(changed)
}
