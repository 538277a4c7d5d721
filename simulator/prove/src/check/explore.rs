//! Every state that can be reached, breadth first, up to a bound: which follows from which, by what.
//!
//! Not here: what to make of it (`verdict`).

use std::collections::BTreeMap;

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;

use super::fire::{Command, Memory, Outcome, Refusal, Stop, commands, commands_of, fire, initial};
use super::game::Game;
use super::reduce::Reducer;
use super::state::{Rest, Stacks, State};

/// Where to stop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// States that are kept.
    pub(crate) states: usize,
    /// Whether every order of independent steps is explored.
    pub(crate) is_full: bool,
    /// Nodes whose leaving is marked in a state, where somebody asks for it.
    pub(crate) marked: [Option<u16>; 2],
    /// Whether nothing is asked but if an end is reached: then what surely never comes to one is not gone on from.
    pub(crate) asks_for_end: bool,
}

/// The bit of a state's marks for the first marked node; those below belong to remembered handlers.
pub(crate) const FIRST_MARK: u32 = 40;

/// Ways that commands can go, for each state that may be kept: values may multiply them where they come to few states.
const WAYS_PER_STATE: usize = 40;

/// Of the states that may be kept, the share that one command may come to, where it is more than the usual.
const WAYS_MAX_SHARE: usize = 10;

/// How one state follows from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// Somebody or something acts.
    Command(Command),
    /// Nothing happens: a field that was written before turns out to be in one class, or in some of several.
    Split(u8),
}

/// The first time a command was refused for a reason.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) state: u32,
    pub(crate) command: Command,
    pub(crate) outcome: Outcome,
    /// Whether it was always the command itself that wrote what it was refused for.
    pub(crate) can_be_mended: bool,
}

/// What was explored.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    states: IndexSet<Box<[u64]>, FxBuildHasher>,
    /// Of each explored state where its moves begin.
    first_move: Vec<u32>,
    moves: Vec<(Move, u32)>,
    /// Of each state how it was first reached.
    pub(crate) came_by: Vec<Option<(u32, Move)>>,
    pub(crate) memory: Memory,
    /// Whether every state was explored.
    pub(crate) is_complete: bool,
    /// Ways that commands could go, those that came to a known state included.
    n_ways: usize,
    /// Whether commands could go in too many ways to be looked at.
    pub(crate) has_too_many_ways: bool,
    /// States of which a successor found no room.
    cut: std::collections::BTreeSet<u32>,
    /// Edges that were taken.
    pub(crate) taken: Vec<bool>,
    /// Nodes that were entered.
    pub(crate) entered: Vec<bool>,
    /// Edges by which a command was asked for, in vain or not.
    pub(crate) tried: Vec<bool>,
    /// Edges of commands that cancelled other tokens.
    pub(crate) cancelling: Vec<bool>,
    /// Commands that were refused.
    pub(crate) refused: BTreeMap<Refusal, Refused>,
    /// Nodes where a token rests that nobody could be assigned to, with the first state.
    pub(crate) unassigned: BTreeMap<u16, u32>,
}

impl Graph {
    /// Number of states met.
    pub(crate) fn n_states(&self) -> usize {
        self.states.len()
    }

    /// Number of states explored; those met later are left open where a bound was met.
    pub(crate) fn n_explored(&self) -> usize {
        self.first_move.len()
    }

    /// Number of moves.
    pub(crate) fn n_moves(&self) -> usize {
        self.moves.len()
    }

    /// A state.
    pub(crate) fn state(&self, idx: u32) -> State {
        self.states.get_index(idx as usize).map_or_else(
            || State {
                tokens: Vec::new(),
                data: Vec::new(),
                marks: 0,
            },
            |words| State::unpack(words),
        )
    }

    /// The moves out of an explored state.
    pub(crate) fn moves_of(&self, idx: u32) -> &[(Move, u32)] {
        let Some(first) = self.first_move.get(idx as usize) else {
            return &[];
        };
        let end = self
            .first_move
            .get(idx as usize + 1)
            .map_or(self.moves.len(), |end| *end as usize);
        &self.moves[*first as usize..end]
    }

    /// Whether a state is the end of a ticket.
    pub(crate) fn is_over(&self, idx: u32) -> bool {
        self.states
            .get_index(idx as usize)
            .is_some_and(|words| super::state::is_over(words))
    }

    /// Whether some successor of a state found no room.
    pub(crate) fn is_cut(&self, idx: u32) -> bool {
        self.cut.contains(&idx)
    }

    fn add(&mut self, words: Box<[u64]>, came_by: Option<(u32, Move)>, bounds: &Bounds) -> Option<u32> {
        if let Some(known) = self.states.get_index_of(&words) {
            return Some(known as u32);
        }
        if self.states.len() >= bounds.states {
            return None;
        }
        let (idx, _) = self.states.insert_full(words);
        self.came_by.push(came_by);
        Some(idx as u32)
    }
}

/// Explores a game from its beginning.
pub(crate) fn explore(game: &Game<'_>, bounds: &Bounds) -> Graph {
    explore_from(game, bounds, Stacks::default(), initial(game))
}

/// Explores a game from a state, which belongs to these forks.
pub(crate) fn explore_from(game: &Game<'_>, bounds: &Bounds, stacks: Stacks, first: State) -> Graph {
    let mut graph = Graph {
        is_complete: true,
        taken: vec![false; game.edges.len()],
        entered: vec![false; game.nodes.len()],
        tried: vec![false; game.edges.len()],
        cancelling: vec![false; game.edges.len()],
        ..Graph::default()
    };
    graph.entered[usize::from(game.start)] = true;
    graph.memory.ways_max = bounds.states / WAYS_MAX_SHARE;
    if !bounds.is_full {
        let has_marks = bounds.marked != [None; 2] || game.nodes.iter().any(|node| node.remembers.is_some());
        graph.memory.reducer = Some(Reducer::new(has_marks));
    }
    graph.memory.stacks = stacks;
    graph.add(first.pack(game), None, bounds);
    let mut outcomes = Vec::new();
    while graph.first_move.len() < graph.states.len() {
        if graph.n_ways > bounds.states.saturating_mul(WAYS_PER_STATE) {
            // What is left stays open.
            graph.is_complete = false;
            graph.has_too_many_ways = true;
            break;
        }
        let idx = graph.first_move.len() as u32;
        let state = graph.state(idx);
        note_unassigned(&mut graph, &state, idx);
        graph.first_move.push(graph.moves.len() as u32);
        if bounds.asks_for_end && is_held_up(game, &mut graph, &state) {
            continue;
        }
        if !bounds.is_full && state.tokens.len() > 1 {
            let mut is_done = false;
            // What is put off comes last: by then the branches before it have come to where they meet.
            let (puts_off, moves): (Vec<usize>, Vec<usize>) =
                (0..state.tokens.len()).partition(|idx| state.tokens[*idx].rest == Rest::Deciding);
            for token in moves.into_iter().chain(puts_off) {
                let memory = &mut graph.memory;
                let is_enough = memory
                    .reducer
                    .as_mut()
                    .is_some_and(|reducer| reducer.is_enough(game, &memory.stacks, &state, token));
                if !is_enough {
                    continue;
                }
                let own = commands_of(game, &state, token);
                outcomes.clear();
                if try_all(game, &mut graph, &state, &own, &mut outcomes).is_ok()
                    && !outcomes
                        .iter()
                        .any(|(command, outcome)| moves_on(game, &graph, &state, *command, outcome))
                {
                    // Nothing this token can do goes on among the others: another one has to move first.
                    continue;
                }
                expand(game, &mut graph, bounds, idx, &state, &own, &mut outcomes);
                is_done = true;
                break;
            }
            if is_done {
                continue;
            }
        }
        let all = commands(game, &state);
        expand(game, &mut graph, bounds, idx, &state, &all, &mut outcomes);
    }
    graph
}

/// Whether a branch waits for people of whom none can act, and no other can take it along.
fn is_held_up(game: &Game<'_>, graph: &mut Graph, state: &State) -> bool {
    let memory = &mut graph.memory;
    let Some(reducer) = memory.reducer.as_mut() else {
        return false;
    };
    (0..state.tokens.len()).any(|idx| {
        state.tokens[idx].rest == Rest::Waiting
            && commands_of(game, state, idx).is_empty()
            && reducer.must_be_waited_for(game, &memory.stacks, state, idx)
    })
}

/// Whether a command goes through, and the token stays in its forks as it moves.
fn moves_on(game: &Game<'_>, graph: &Graph, state: &State, command: Command, outcome: &Outcome) -> bool {
    let stays = match command {
        Command::Decide { .. } => true,
        Command::Vote { .. } => false,
        Command::Take { token, edge } => {
            let stack = state.tokens[usize::from(token)].stack;
            let target = usize::from(game.edges[usize::from(edge)].target);
            let outermost = graph.memory.stacks.splits(stack).first().copied();
            outermost
                .and_then(|split| game.nodes[usize::from(split)].split.as_ref())
                .is_some_and(|split| split.region[target])
        }
    };
    stays && outcome.refusal.is_none()
}

fn note_unassigned(graph: &mut Graph, state: &State, idx: u32) {
    for token in state.tokens.iter().filter(|token| token.rest == Rest::Unassigned) {
        graph.unassigned.entry(token.node).or_insert(idx);
    }
}

type Tried = Vec<(Command, Outcome)>;

fn try_all(
    game: &Game<'_>,
    graph: &mut Graph,
    state: &State,
    commands: &[Command],
    tried: &mut Tried,
) -> Result<(), Stop> {
    let mut outcomes = Vec::new();
    for command in commands {
        fire(game, &mut graph.memory, state, *command, &mut outcomes)?;
        tried.extend(outcomes.drain(..).map(|outcome| (*command, outcome)));
    }
    Ok(())
}

fn expand(
    game: &Game<'_>,
    graph: &mut Graph,
    bounds: &Bounds,
    idx: u32,
    state: &State,
    commands: &[Command],
    tried: &mut Tried,
) {
    tried.clear();
    let stop = try_all(game, graph, state, commands, tried).err();
    if stop == Some(Stop::TooManyWays) {
        graph.is_complete = false;
        graph.has_too_many_ways = true;
        graph.cut.insert(idx);
        return;
    }
    if let Some(Stop::Split(field, some)) = stop {
        let set = state.data[usize::from(field)];
        let parts: Vec<u64> = match some {
            0 => (0..64).map(|class| 1 << class).filter(|bit| set & bit != 0).collect(),
            some => vec![set & some, set & !some],
        };
        for part in parts {
            let mut one = state.clone();
            one.data[usize::from(field)] = part;
            arrive(graph, bounds, idx, Move::Split(field), one.pack(game));
        }
        return;
    }
    graph.n_ways += tried.len();
    for (command, mut outcome) in tried.drain(..) {
        if let Some(edge) = command.edge() {
            graph.tried[usize::from(edge)] = true;
        }
        if let Some(refusal) = outcome.refusal {
            note_refusal(game, graph, idx, command, refusal, outcome);
            continue;
        }
        for edge in &outcome.edges {
            graph.taken[usize::from(*edge)] = true;
        }
        for node in &outcome.entered {
            graph.entered[usize::from(*node)] = true;
        }
        if let Some(edge) = command.edge().map(usize::from) {
            graph.cancelling[edge] |= outcome.cancels;
            for (bit, node) in (FIRST_MARK..).zip(bounds.marked) {
                if node == Some(game.edges[edge].source) {
                    outcome.state.marks |= 1 << bit;
                }
            }
        }
        arrive(graph, bounds, idx, Move::Command(command), outcome.state.pack(game));
    }
}

fn arrive(graph: &mut Graph, bounds: &Bounds, from: u32, by: Move, words: Box<[u64]>) {
    match graph.add(words, Some((from, by)), bounds) {
        // A vote that changes nothing is no way on; an edge that leads back to its own node is one, if a poor one.
        Some(to) if to == from && matches!(by, Move::Command(Command::Vote { .. })) => {}
        Some(to) => graph.moves.push((by, to)),
        None => {
            graph.is_complete = false;
            graph.cut.insert(from);
        }
    }
}

fn note_refusal(game: &Game<'_>, graph: &mut Graph, state: u32, command: Command, why: Refusal, outcome: Outcome) {
    let reads = match why {
        Refusal::NoBranch(node) | Refusal::NoAssignee(node) => game.reads_on_entering(&game.nodes[usize::from(node)]),
        Refusal::Unfillable(_) | Refusal::TooManyMoves(_) => 0,
    };
    let can_be_mended = reads != 0 && reads & !outcome.written == 0;
    let entry = graph.refused.entry(why).or_insert_with(|| Refused {
        state,
        command,
        outcome: outcome.clone(),
        can_be_mended,
    });
    if entry.can_be_mended && !can_be_mended {
        *entry = Refused {
            state,
            command,
            outcome,
            can_be_mended,
        };
    }
}
