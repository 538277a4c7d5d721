//! One command of the token game, in the abstract: what a person's edge, or a timer or hook, makes of a state, the
//! automatic moves that follow included (semantics: game, assignees, actions).
//!
//! A command that looks at a field whose class is open has several outcomes where the command itself writes the field,
//! one for each class; where it was written before, the state has to be told apart first: [`Stop`].
//! Not here: which states are worth going on from (`explore`, `reduce`), and what is asked later than a ticket asks it
//! (`choose`).

use loonflow_engine::limits::{AUTOMATIC_MOVES_MAX, TOKENS_MAX};
use loonflow_engine::workflow::EdgeKind;

use super::choose::{choose, decide_way, may_be_put_off};
use super::domain::EMPTY;
use super::game::{Game, Holders, Kind, number};
use super::reduce::Reducer;
use super::state::{Rest, Stack, Stacks, State, Token};

/// What is asked for in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Command {
    /// The token at this place takes an edge.
    Take { token: u16, edge: u16 },
    /// One of several who share a node votes: fields change, the token stays.
    Vote { token: u16, edge: u16 },
    /// Nobody does anything: what a gateway finds for a token is asked that was put off.
    Decide { token: u16 },
}

impl Command {
    /// The edge that is asked for.
    pub(crate) fn edge(self) -> Option<u16> {
        match self {
            Self::Take { edge, .. } | Self::Vote { edge, .. } => Some(edge),
            Self::Decide { .. } => None,
        }
    }

    pub(crate) fn token(self) -> usize {
        match self {
            Self::Take { token, .. } | Self::Vote { token, .. } | Self::Decide { token } => usize::from(token),
        }
    }
}

/// What is kept from one command to the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) stacks: Stacks,
    /// None where every order is explored: then nothing is put off.
    pub(crate) reducer: Option<Reducer>,
    /// Ways that one command may go; see [`WAYS_MAX`].
    pub(crate) ways_max: usize,
    /// Why the command that is carried out was refused so far: one outcome tells of each reason.
    refused: Vec<Refusal>,
}

impl Memory {
    fn note(&mut self, work: Work, refusal: Refusal, outcomes: &mut Vec<Outcome>) {
        if !self.refused.contains(&refusal) {
            self.refused.push(refusal);
            outcomes.push(work.done(Some(refusal)));
        }
    }
}

/// Why a command is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refusal {
    /// No branch of this gateway holds.
    NoBranch(u16),
    /// Nobody can be assigned at this node.
    NoAssignee(u16),
    /// A field that is required where the edge leaves takes no value.
    Unfillable(u16),
    /// The automatic moves do not end.
    TooManyMoves(u16),
}

/// Why a command cannot be carried out as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The state has to be told apart by this field first: these classes and the others.
    Split(u8, u64),
    /// It can go in more ways than are kept.
    TooManyWays,
}

/// Ways that one command can go: one for each combination of the values it writes that the gateways behind it ask for.
pub(crate) const WAYS_MAX: usize = 20_000;

/// One way a command can go.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// The state after it, or before it where it is refused; fields as far as they had to be looked at.
    pub(crate) state: State,
    /// Why it is refused.
    pub(crate) refusal: Option<Refusal>,
    /// Edges that were taken, the command's own first.
    pub(crate) edges: Vec<u16>,
    /// Nodes that were entered.
    pub(crate) entered: Vec<u16>,
    /// Fields that the command wrote.
    pub(crate) written: u64,
    /// Whether other tokens were cancelled.
    pub(crate) cancels: bool,
}

#[derive(Clone)]
pub(super) struct Work {
    pub(super) state: State,
    /// Age of each token; only their order matters.
    pub(super) ages: Vec<u32>,
    pub(super) n_moves: usize,
    pub(super) edges: Vec<u16>,
    pub(super) entered: Vec<u16>,
    pub(super) written: u64,
    pub(super) by_person: bool,
    pub(super) cancels: bool,
}

impl Work {
    fn done(self, refusal: Option<Refusal>) -> Outcome {
        Outcome {
            state: self.state,
            refusal,
            edges: self.edges,
            entered: self.entered,
            written: self.written,
            cancels: self.cancels,
        }
    }
}

/// What came of entering a node.
pub(super) enum Step {
    On,
    Refused(Refusal),
    /// Fields that the command wrote are open: go on once for each of these.
    Open(Vec<Vec<(u8, u64)>>),
}

/// The state in which every ticket begins: one token at start, every field empty.
pub(crate) fn initial(game: &Game<'_>) -> State {
    State {
        tokens: vec![Token {
            node: game.start,
            rest: Rest::Waiting,
            stack: 0,
            way: 0,
        }],
        data: vec![1 << EMPTY; game.fields.len()],
        marks: 0,
    }
}

/// What can be asked for in a state; tokens that are alike count once.
pub(crate) fn commands(game: &Game<'_>, state: &State) -> Vec<Command> {
    let mut found = Vec::new();
    for (idx, token) in state.tokens.iter().enumerate() {
        if idx > 0 && state.tokens[idx - 1] == *token {
            continue;
        }
        found.extend(commands_of(game, state, idx));
    }
    found
}

/// What can be asked for one token.
pub(crate) fn commands_of(game: &Game<'_>, state: &State, idx: usize) -> Vec<Command> {
    let token = state.tokens[idx];
    let node = &game.nodes[usize::from(token.node)];
    let idx = number(idx);
    if token.rest == Rest::Deciding {
        return vec![Command::Decide { token: idx }];
    }
    if token.rest != Rest::Waiting {
        return Vec::new();
    }
    if node.kind == Kind::Automatic {
        let first = node.out.first();
        return first
            .map(|edge| Command::Take {
                token: idx,
                edge: *edge,
            })
            .into_iter()
            .collect();
    }
    let by_people = |edge: &&u16| {
        let edge = &game.edges[usize::from(**edge)];
        edge.kind != EdgeKind::Condition && !edge.is_blocked
    };
    let mut found: Vec<Command> = node
        .out
        .iter()
        .filter(by_people)
        .map(|edge| Command::Take {
            token: idx,
            edge: *edge,
        })
        .collect();
    if node.has_shares && node.writes != 0 {
        let votes = node.out.iter().filter(by_people);
        let (stays_for, stays_against) = node.votes_stay;
        let votes = votes.filter(|edge| {
            let is_against = game.edges[usize::from(**edge)].kind == EdgeKind::Reject;
            if is_against { stays_against } else { stays_for }
        });
        found.extend(votes.map(|edge| Command::Vote {
            token: idx,
            edge: *edge,
        }));
    }
    found
}

/// Carries a command out, in every way it can go.
pub(crate) fn fire(
    game: &Game<'_>,
    memory: &mut Memory,
    state: &State,
    command: Command,
    outcomes: &mut Vec<Outcome>,
) -> Result<(), Stop> {
    fire_with(game, memory, state, command, None, outcomes)
}

/// The same where it is known which classes are written.
pub(crate) fn fire_with(
    game: &Game<'_>,
    memory: &mut Memory,
    state: &State,
    command: Command,
    chosen: Option<&[(usize, usize)]>,
    outcomes: &mut Vec<Outcome>,
) -> Result<(), Stop> {
    memory.refused.clear();
    let idx = command.token();
    let token = state.tokens[idx];
    let node = &game.nodes[usize::from(token.node)];
    let mut work = Work {
        state: state.clone(),
        ages: (0..state.tokens.len() as u32).collect(),
        n_moves: 0,
        edges: Vec::new(),
        entered: Vec::new(),
        written: 0,
        by_person: matches!(node.kind, Kind::Start | Kind::Normal),
        cancels: false,
    };
    if let Some(edge) = command.edge().filter(|_| work.by_person) {
        let edge = &game.edges[usize::from(edge)];
        if !edge.skips_required && !node.unfillable.is_empty() {
            outcomes.push(work.done(Some(Refusal::Unfillable(token.node))));
            return Ok(());
        }
        write(game, &mut work, token.node, edge.skips_required);
        for (field, class) in chosen.unwrap_or_default() {
            // An empty title leaves the one that is there.
            if *class != EMPTY || !game.fields[*field].is_title {
                work.state.data[*field] = 1 << class;
            } else {
                work.state.data[*field] = state.data[*field];
            }
        }
    }
    match command {
        Command::Vote { .. } => outcomes.push(work.done(None)),
        Command::Take { edge, .. } => {
            if let Some(bit) = node.remembers {
                work.state.marks |= 1 << bit;
            }
            take(game, &memory.stacks, &mut work, idx, edge);
            settle(game, memory, work, outcomes)?;
        }
        Command::Decide { .. } => {
            // Nothing that is put off can be refused, so no state has to be told apart for it.
            work.written = u64::MAX;
            let from = outcomes.len();
            match game.way(&token) {
                None => {
                    work.state.tokens[idx].rest = Rest::Moving;
                    settle(game, memory, work, outcomes)?;
                }
                Some(edge) => decide_way(game, memory, work, idx, edge, outcomes)?,
            }
            for outcome in &mut outcomes[from..] {
                outcome.written = 0;
            }
        }
    }
    Ok(())
}

/// Fields that a person at the node may write are open from now on.
fn write(game: &Game<'_>, work: &mut Work, node: u16, skips_required: bool) {
    let node = &game.nodes[usize::from(node)];
    for (idx, field) in game.fields.iter().enumerate() {
        let bit = 1 << idx;
        let not_empty = field.all() & !(1 << EMPTY);
        if field.is_automatic {
            work.state.data[idx] = not_empty;
            work.written |= bit;
        } else if node.writes & bit != 0 {
            let must_be_there = node.requires & bit != 0 && !skips_required;
            work.state.data[idx] = match (must_be_there, field.is_title) {
                (true, _) => not_empty,
                (false, true) => not_empty | work.state.data[idx],
                (false, false) => field.all(),
            };
            work.written |= bit;
        }
    }
}

pub(super) fn settle(
    game: &Game<'_>,
    memory: &mut Memory,
    mut work: Work,
    outcomes: &mut Vec<Outcome>,
) -> Result<(), Stop> {
    loop {
        let moving = (0..work.state.tokens.len()).filter(|idx| work.state.tokens[*idx].rest == Rest::Moving);
        let Some(idx) = moving.min_by_key(|idx| work.ages[*idx]) else {
            outcomes.push(work.done(None));
            return if outcomes.len() > memory.ways_max.max(WAYS_MAX) {
                Err(Stop::TooManyWays)
            } else {
                Ok(())
            };
        };
        work.n_moves += 1;
        let node = work.state.tokens[idx].node;
        if work.n_moves > AUTOMATIC_MOVES_MAX || work.state.tokens.len() > TOKENS_MAX {
            memory.note(work, Refusal::TooManyMoves(node), outcomes);
            return Ok(());
        }
        if may_be_put_off(game, memory, &work, idx) {
            work.state.tokens[idx].rest = Rest::Deciding;
            continue;
        }
        match enter(game, memory, &mut work, idx)? {
            Step::On => {}
            Step::Refused(refusal) => {
                memory.note(work, refusal, outcomes);
                return Ok(());
            }
            Step::Open(ways) => {
                for way in ways {
                    let mut one = work.clone();
                    for (field, set) in way {
                        one.state.data[usize::from(field)] &= set;
                    }
                    settle(game, memory, one, outcomes)?;
                }
                return Ok(());
            }
        }
    }
}

pub(super) fn ends_fork(game: &Game<'_>, stacks: &Stacks, token: &Token) -> bool {
    let merge_of = |split: u16| game.nodes[usize::from(split)].split.as_ref().map(|split| split.merge);
    stacks.split(token.stack).and_then(merge_of) == Some(token.node)
}

fn enter(game: &Game<'_>, memory: &mut Memory, work: &mut Work, idx: usize) -> Result<Step, Stop> {
    let token = work.state.tokens[idx];
    if ends_fork(game, &memory.stacks, &token) {
        join(&memory.stacks, work, idx);
        return Ok(Step::On);
    }
    work.entered.push(token.node);
    let node = &game.nodes[usize::from(token.node)];
    match node.kind {
        Kind::Start | Kind::Automatic => work.state.tokens[idx].rest = Rest::Waiting,
        Kind::Normal => {
            let is_remembered = node.remembers.is_some_and(|bit| work.state.marks >> bit & 1 == 1);
            let is_held = is_remembered
                || match &node.holders {
                    Holders::Somebody => true,
                    Holders::Nobody => false,
                    Holders::ByFields(fields) => {
                        let mut is_held = false;
                        for (field, classes) in fields {
                            match class_of(work, *field)? {
                                Ok(class) => is_held |= classes >> class & 1 == 1,
                                Err(open) => return Ok(open),
                            }
                        }
                        is_held
                    }
                };
            work.state.tokens[idx].rest = match (is_held, work.by_person) {
                (true, _) => Rest::Waiting,
                (false, true) => return Ok(Step::Refused(Refusal::NoAssignee(token.node))),
                (false, false) => Rest::Unassigned,
            };
        }
        Kind::End => {
            work.cancels |= work.state.tokens.len() > 1;
            work.state.tokens = vec![Token {
                node: token.node,
                rest: Rest::Ended,
                stack: 0,
                way: 0,
            }];
            work.ages = vec![0];
        }
        Kind::Parallel => match node.out.as_slice() {
            [only] => take(game, &memory.stacks, work, idx, *only),
            ways => {
                fork(game, &mut memory.stacks, work, idx, ways, &[]);
            }
        },
        Kind::Exclusive | Kind::Inclusive if memory.reducer.is_some() => return choose(game, memory, work, idx, node),
        Kind::Exclusive | Kind::Inclusive => {
            let mut fitting = Vec::new();
            for edge in node.out.iter().filter(|edge| game.is_asked(node, **edge)) {
                for field in &game.edges[usize::from(*edge)].reads {
                    if let Err(open) = class_of(work, *field)? {
                        return Ok(open);
                    }
                }
                let class_of = |field: u8| work.state.data[usize::from(field)].trailing_zeros() as usize;
                if game.holds(*edge, &class_of) {
                    fitting.push(*edge);
                    if node.kind == Kind::Exclusive {
                        break;
                    }
                }
            }
            if fitting.is_empty() {
                fitting.extend(node.default);
            }
            match fitting.as_slice() {
                [] => return Ok(Step::Refused(Refusal::NoBranch(token.node))),
                [only, ..] if node.kind == Kind::Exclusive || node.out.len() == 1 => {
                    take(game, &memory.stacks, work, idx, *only);
                }
                fitting => {
                    fork(game, &mut memory.stacks, work, idx, fitting, &[]);
                }
            }
        }
    }
    Ok(Step::On)
}

/// The one class that a field is in; else that it has to be told apart.
pub(super) fn class_of(work: &Work, field: u8) -> Result<Result<usize, Step>, Stop> {
    let set = work.state.data[usize::from(field)];
    if set.count_ones() == 1 {
        Ok(Ok(set.trailing_zeros() as usize))
    } else if work.written >> field & 1 == 1 {
        let classes = (0..64).filter(|class| set >> class & 1 == 1);
        Ok(Err(Step::Open(
            classes.map(|class| vec![(field, 1 << class)]).collect(),
        )))
    } else {
        Err(Stop::Split(field, 0))
    }
}

pub(super) fn take(game: &Game<'_>, stacks: &Stacks, work: &mut Work, idx: usize, edge: u16) {
    work.edges.push(edge);
    work.state.tokens[idx].node = game.edges[usize::from(edge)].target;
    work.state.tokens[idx].rest = Rest::Moving;
    leave_forks(game, stacks, work, idx);
}

/// The outermost fork whose region the token is outside of takes its other tokens along.
fn leave_forks(game: &Game<'_>, stacks: &Stacks, work: &mut Work, idx: usize) {
    let token = work.state.tokens[idx];
    if token.stack == 0 {
        return;
    }
    let is_left = |fork: Stack| {
        let split = stacks
            .split(fork)
            .and_then(|split| game.nodes[usize::from(split)].split.as_ref());
        split.is_some_and(|split| !split.region[usize::from(token.node)])
    };
    let mut left = 0;
    let mut fork = token.stack;
    while fork != 0 {
        if is_left(fork) {
            left = fork;
        }
        fork = stacks.below(fork);
    }
    if left == 0 {
        return;
    }
    work.state.tokens[idx].stack = stacks.below(left);
    let age = work.ages[idx];
    let goes = |one: &Token, its_age: u32| its_age != age && stacks.belongs(one.stack, left);
    let keep: Vec<bool> = work
        .state
        .tokens
        .iter()
        .zip(&work.ages)
        .map(|(one, its_age)| !goes(one, *its_age))
        .collect();
    work.cancels |= keep.contains(&false);
    retain(&mut work.state.tokens, &keep);
    retain(&mut work.ages, &keep);
}

fn retain<T>(items: &mut Vec<T>, keep: &[bool]) {
    let mut kept = keep.iter();
    items.retain(|_| kept.next().copied().unwrap_or(true));
}

fn join(stacks: &Stacks, work: &mut Work, idx: usize) {
    let token = work.state.tokens[idx];
    let fork = token.stack;
    let waits = |(other, one): (usize, &Token)| {
        other == idx || (one.rest == Rest::Joining && one.node == token.node && one.stack == fork)
    };
    let belongs = |one: &Token| stacks.belongs(one.stack, fork);
    if !work
        .state
        .tokens
        .iter()
        .enumerate()
        .filter(|(_, one)| belongs(one))
        .all(waits)
    {
        work.state.tokens[idx].rest = Rest::Joining;
        return;
    }
    // The oldest of them goes on.
    let of_fork = work.state.tokens.iter().zip(&work.ages).filter(|(one, _)| belongs(one));
    work.ages[idx] = of_fork.map(|(_, age)| *age).min().unwrap_or(work.ages[idx]);
    let keep: Vec<bool> = work
        .state
        .tokens
        .iter()
        .enumerate()
        .map(|(other, one)| other == idx || !belongs(one))
        .collect();
    work.state.tokens[idx].stack = stacks.below(fork);
    retain(&mut work.state.tokens, &keep);
    retain(&mut work.ages, &keep);
}

pub(super) fn fork(
    game: &Game<'_>,
    stacks: &mut Stacks,
    work: &mut Work,
    idx: usize,
    edges: &[u16],
    put_off: &[u8],
) -> Stack {
    let token = work.state.tokens.remove(idx);
    work.ages.remove(idx);
    let stack = stacks.push(token.stack, token.node, &work.state.tokens);
    let next_age = work.ages.iter().max().map_or(0, |age| age + 1);
    let branches: Vec<u32> = (next_age..).take(edges.len()).collect();
    for (age, edge) in branches.iter().zip(edges) {
        work.edges.push(*edge);
        work.ages.push(*age);
        work.state.tokens.push(Token {
            node: game.edges[usize::from(*edge)].target,
            rest: Rest::Moving,
            stack,
            way: 0,
        });
    }
    for (age, way) in (next_age + edges.len() as u32..).zip(put_off) {
        work.ages.push(age);
        work.state.tokens.push(Token {
            node: token.node,
            rest: Rest::Deciding,
            stack,
            way: *way,
        });
    }
    for age in branches {
        if let Some(idx) = work.ages.iter().position(|one| *one == age) {
            leave_forks(game, stacks, work, idx);
        }
    }
    stack
}
