//! Ways through what was explored, as commands with the values they have to write; and the same without the commands
//! that do not matter.
//!
//! Not here: how they are told (`story`).

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::domain::EMPTY;
use super::explore::{Bounds, Graph, Move, Refused, explore_from};
use super::fire::{Command, Memory, Refusal, fire, fire_with, initial};
use super::game::Game;
use super::state::{Rest, Stacks, State};

/// Commands of a way that is told whole, where it leads to a state: the reader sees a ticket come to rest. Of longer
/// ones only what matters is told.
const WHOLE_MAX: usize = 4;

/// States explored to find which commands of one way matter.
const STATES_MAX: usize = 40_000;

/// States looked at for a way round.
const LOOP_STATES_MAX: usize = 5_000;

/// One command of a way.
#[derive(Clone, Debug)]
pub(super) struct Played {
    pub(super) node: u16,
    pub(super) edge: u16,
    pub(super) is_vote: bool,
    /// The class of each field that it writes.
    pub(super) classes: Vec<(usize, usize)>,
    /// Why it is refused, where it is.
    pub(super) refusal: Option<Refusal>,
    /// Where the tokens are afterwards.
    pub(super) after: Vec<u16>,
}

/// A way, and how many of its last commands lead from where it comes to back to there.
#[derive(Clone, Debug, Default)]
pub(super) struct Way {
    pub(super) steps: Vec<Played>,
    pub(super) n_round: usize,
}

/// One move on a way.
type Hop = (u32, Move, u32);

/// The shortest way to a state and, with `refused`, on to a command that is refused there.
pub(super) fn way_to(game: &Game<'_>, graph: &Graph, to: u32, refused: Option<&Refused>) -> Way {
    let mut way = Way {
        steps: commands(game, graph, &hops_to(graph, to), to, refused),
        n_round: 0,
    };
    if !is_run(game, &mut way.steps) {
        return way;
    }
    let goal = graph.state(to);
    let culprits = resting(&goal);
    let mut budget = STATES_MAX;
    if refused.is_some() {
        shorten(game, &mut way, &mut |_, _| true);
    } else if way.steps.len() > WHOLE_MAX && !culprits.is_empty() {
        shorten(game, &mut way, &mut |states, stacks| {
            let last = states.last();
            last.is_some_and(|last| has_all(last, &culprits) && never_ends(game, stacks, last, &mut budget))
        });
    }
    way
}

/// The shortest way to a state, whatever is left of it to be told.
pub(super) fn whole_way_to(game: &Game<'_>, graph: &Graph, to: u32) -> Way {
    let mut steps = commands(game, graph, &hops_to(graph, to), to, None);
    is_run(game, &mut steps);
    Way { steps, n_round: 0 }
}

/// The way to the nearest state behind this one that can be come back to, and once round.
pub(super) fn way_round(game: &Game<'_>, graph: &Graph, from: u32) -> Way {
    let (ahead, round) = nearest_round(graph, from);
    let mut hops = hops_to(graph, from);
    hops.extend(ahead);
    let at = hops.last().map_or(from, |(_, _, to)| *to);
    let is_told = |hop: &&Hop| matches!(hop.1, Move::Command(Command::Take { .. } | Command::Vote { .. }));
    let n_round = round.iter().filter(is_told).count();
    hops.extend(round);
    let mut way = Way {
        steps: commands(game, graph, &hops, at, None),
        n_round,
    };
    if is_run(game, &mut way.steps) && way.steps.len() > WHOLE_MAX {
        let mut budget = STATES_MAX;
        let n_round = way.n_round;
        shorten(game, &mut way, &mut |states, stacks| {
            let (Some(last), Some(before)) = (states.last(), states.len().checked_sub(n_round + 1)) else {
                return false;
            };
            let before = &states[before];
            before.tokens == last.tokens && n_round > 0 && never_ends(game, stacks, last, &mut budget)
        });
    }
    way
}

/// Tokens that do not only wait for others.
pub(super) fn resting(state: &State) -> Vec<(u16, Rest)> {
    let rests = state.tokens.iter().filter(|token| token.rest != Rest::Joining);
    rests.map(|token| (token.node, token.rest)).collect()
}

fn has_all(state: &State, culprits: &[(u16, Rest)]) -> bool {
    let mut there = resting(state);
    culprits.iter().all(|one| {
        let place = there.iter().position(|other| other == one);
        place.map(|place| there.swap_remove(place)).is_some()
    })
}

fn hops_to(graph: &Graph, to: u32) -> Vec<Hop> {
    let mut found = Vec::new();
    let mut at = to;
    while let Some((from, by)) = graph.came_by[at as usize] {
        found.push((from, by, at));
        at = from;
    }
    found.reverse();
    found
}

/// How to come from a state to one on a way round, and the way round; both empty where there is none nearby.
fn nearest_round(graph: &Graph, from: u32) -> (Vec<Hop>, Vec<Hop>) {
    let mut known: FxHashMap<u32, Hop> = FxHashMap::default();
    let mut work = VecDeque::from([from]);
    let mut n_seen = 0;
    while let Some(at) = work.pop_front() {
        n_seen += 1;
        if n_seen > LOOP_STATES_MAX {
            break;
        }
        if let Some(round) = shortest(graph, at) {
            let mut ahead = Vec::new();
            let mut back = at;
            while let Some(hop) = known.get(&back).filter(|_| back != from) {
                ahead.push(*hop);
                back = hop.0;
            }
            ahead.reverse();
            return (ahead, round);
        }
        for (by, to) in graph.moves_of(at) {
            if *to != from && !known.contains_key(to) {
                known.insert(*to, (at, *by, *to));
                work.push_back(*to);
            }
        }
    }
    (Vec::new(), Vec::new())
}

/// The shortest way from a state back to it.
fn shortest(graph: &Graph, from: u32) -> Option<Vec<Hop>> {
    let mut known: FxHashMap<u32, Hop> = FxHashMap::default();
    let mut work = VecDeque::from([from]);
    while let Some(at) = work.pop_front() {
        for (by, to) in graph.moves_of(at) {
            if !known.contains_key(to) {
                known.insert(*to, (at, *by, *to));
                work.push_back(*to);
            }
        }
        if known.contains_key(&from) || known.len() > LOOP_STATES_MAX {
            break;
        }
    }
    let mut round = vec![*known.get(&from)?];
    while let Some(hop) = round
        .last()
        .map(|hop| hop.0)
        .filter(|at| *at != from)
        .and_then(|at| known.get(&at))
    {
        round.push(*hop);
    }
    round.reverse();
    Some(round)
}

/// The commands of a way, each with the values it has to write for the later ones to go as they do.
fn commands(game: &Game<'_>, graph: &Graph, hops: &[Hop], to: u32, refused: Option<&Refused>) -> Vec<Played> {
    let mut needed = graph.state(to).data;
    let mut found = Vec::new();
    if let Some(refused) = refused
        && let Some(edge) = refused.command.edge()
    {
        let state = graph.state(refused.state);
        let node = state.tokens[refused.command.token()].node;
        needed.clone_from(&refused.outcome.state.data);
        let classes = written(game, &mut needed, &refused.outcome.state.data, refused.outcome.written);
        found.push(Played {
            node,
            edge,
            is_vote: false,
            classes,
            refusal: refused.outcome.refusal,
            after: Vec::new(),
        });
    }
    let mut memory = graph.memory.clone();
    for (from, by, at) in hops.iter().rev() {
        let (before, after) = (graph.state(*from), graph.state(*at));
        match by {
            Move::Split(field) => needed[usize::from(*field)] &= after.data[usize::from(*field)],
            Move::Command(command) => {
                let mut outcomes = Vec::new();
                // It did not stop when it was explored either.
                let _ = fire(game, &mut memory, &before, *command, &mut outcomes);
                let packed = after.clone().pack(game);
                let same = outcomes
                    .into_iter()
                    .filter(|outcome| outcome.refusal.is_none())
                    .find(|outcome| {
                        let mut state = outcome.state.clone();
                        state.marks = after.marks;
                        state.pack(game) == packed
                    });
                let Some(outcome) = same else {
                    continue;
                };
                let classes = written(game, &mut needed, &outcome.state.data, outcome.written);
                if let Some(edge) = command.edge() {
                    found.push(Played {
                        node: before.tokens[command.token()].node,
                        edge,
                        is_vote: matches!(command, Command::Vote { .. }),
                        classes,
                        refusal: None,
                        after: after.tokens.iter().map(|token| token.node).collect(),
                    });
                }
            }
        }
    }
    found.reverse();
    found
}

/// The classes a command writes, and what is needed before it.
fn written(game: &Game<'_>, needed: &mut [u64], outcome: &[u64], fields: u64) -> Vec<(usize, usize)> {
    let mut classes = Vec::new();
    for (idx, field) in game.fields.iter().enumerate() {
        let possible = match outcome[idx] & needed[idx] {
            0 => outcome[idx],
            both => both,
        };
        if fields >> idx & 1 == 0 {
            needed[idx] = possible;
            continue;
        }
        let plain = possible & !(1 << EMPTY);
        let class = if plain == 0 {
            EMPTY
        } else {
            plain.trailing_zeros() as usize
        };
        classes.push((idx, class));
        needed[idx] = if field.is_title && class == EMPTY {
            1 << EMPTY
        } else {
            field.all()
        };
    }
    classes
}

/// Plays commands by the rules of the checker, every one at once and nothing put off: the states between them, that
/// before the first included, and their forks; none where one does not go as it is said to.
fn run(game: &Game<'_>, steps: &[Played]) -> Option<(Vec<State>, Stacks)> {
    let mut memory = Memory::default();
    let mut states = vec![initial(game)];
    for step in steps {
        let state = states.last()?;
        let waits = |idx: &usize| {
            let token = state.tokens[*idx];
            token.node == step.node && token.rest == Rest::Waiting
        };
        let mut found: Option<State> = None;
        for idx in (0..state.tokens.len()).filter(waits) {
            let token = super::game::number(idx);
            let command = if step.is_vote {
                Command::Vote { token, edge: step.edge }
            } else {
                Command::Take { token, edge: step.edge }
            };
            let mut outcomes = Vec::new();
            fire_with(game, &mut memory, state, command, Some(&step.classes), &mut outcomes).ok()?;
            for mut outcome in outcomes {
                if outcome.refusal != step.refusal {
                    continue;
                }
                outcome.state.tokens.sort_unstable();
                let nodes: Vec<u16> = outcome.state.tokens.iter().map(|token| token.node).collect();
                if found.is_none() || nodes == step.after {
                    found = Some(outcome.state);
                }
            }
        }
        states.push(found?);
    }
    Some((states, memory.stacks))
}

/// Whether the commands can be played; then each knows where its tokens are afterwards.
fn is_run(game: &Game<'_>, steps: &mut [Played]) -> bool {
    let Some((states, _)) = run(game, steps) else {
        return false;
    };
    for (step, after) in steps.iter_mut().zip(&states[1..]) {
        step.after = after.tokens.iter().map(|token| token.node).collect();
    }
    true
}

/// Leaves out what can be left out, the last first.
fn shorten(game: &Game<'_>, way: &mut Way, shows_it: &mut dyn FnMut(&[State], &Stacks) -> bool) {
    let is_refused = way.steps.last().is_some_and(|last| last.refusal.is_some());
    let n_kept = way.n_round.max(usize::from(is_refused));
    let mut idx = way.steps.len().saturating_sub(n_kept);
    while idx > 0 {
        idx -= 1;
        let mut fewer = way.steps.clone();
        fewer.remove(idx);
        let shows_it = run(game, &fewer).is_some_and(|(states, stacks)| shows_it(&states, &stacks));
        if shows_it && is_run(game, &mut fewer) {
            way.steps = fewer;
        }
    }
}

/// Whether no end can be reached from a state; false where that takes too many states to tell.
fn never_ends(game: &Game<'_>, stacks: &Stacks, state: &State, budget: &mut usize) -> bool {
    let bounds = Bounds {
        states: (*budget).min(STATES_MAX / 10),
        is_full: false,
        marked: [None; 2],
        asks_for_end: true,
    };
    if bounds.states < 10 {
        return false;
    }
    let graph = explore_from(game, &bounds, stacks.clone(), state.clone());
    *budget = budget.saturating_sub(graph.n_states());
    graph.is_complete && !(0..graph.n_states() as u32).any(|idx| graph.is_over(idx))
}
