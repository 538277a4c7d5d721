//! What gateways find where not every order of independent steps is explored: fields are told apart only as far as
//! conditions do, and what nothing can change or refuse is asked later (see `reduce`).
//!
//! ```text
//!   an inclusive split, ways a b c      a opens, b and c wait │ not a, b opens, c waits │ neither, c opens │ the default
//!   many gateways after a split         each waits, and is asked once the branches before it have come to the merge
//! ```
//!
//! Not here: where every order is explored (`fire::enter`).

use loonflow_engine::limits::{AUTOMATIC_MOVES_MAX, TOKENS_MAX};

use super::classes::Classes;
use super::fire::{Memory, Outcome, Refusal, Step, Stop, Work, class_of, ends_fork, fork, settle, take};
use super::game::{Game, Kind, NodeInfo};
use super::state::{Rest, Stack, Token};

/// Whether what a gateway finds may be asked later: others move in the same command, and nothing comes of the order.
pub(super) fn may_be_put_off(game: &Game<'_>, memory: &mut Memory, work: &Work, idx: usize) -> bool {
    let Some(reducer) = &mut memory.reducer else {
        return false;
    };
    let token = work.state.tokens[idx];
    let node = &game.nodes[usize::from(token.node)];
    let others = || work.state.tokens.iter().enumerate().filter(|(other, _)| *other != idx);
    let others = || others().map(|(_, other)| other);
    if !matches!(node.kind, Kind::Exclusive | Kind::Inclusive)
        || node.out.len() < 2
        || !others().any(|other| other.rest == Rest::Moving)
        || ends_fork(game, &memory.stacks, &token)
        || may_be_too_much(game, work)
    {
        return false;
    }
    let deciding = Token {
        rest: Rest::Deciding,
        ..token
    };
    reducer.may_wait(game, &memory.stacks, &deciding, others())
}

/// Whether what is left of a command could come near a bound.
fn may_be_too_much(game: &Game<'_>, work: &Work) -> bool {
    let of_token = |token: &Token| match (token.rest, game.way(token)) {
        (Rest::Moving | Rest::Deciding, None) => game.nodes[usize::from(token.node)].n_moves,
        (Rest::Deciding, Some(edge)) => {
            let target = game.edges[usize::from(edge)].target;
            game.nodes[usize::from(target)].n_moves
        }
        (Rest::Moving | Rest::Waiting | Rest::Joining | Rest::Unassigned | Rest::Ended, _) => 1,
    };
    let n_more = work
        .state
        .tokens
        .iter()
        .map(of_token)
        .fold(work.n_moves, usize::saturating_add);
    n_more > AUTOMATIC_MOVES_MAX.min(TOKENS_MAX) / 2
}

/// What a gateway finds, with classes told apart only as far as its conditions do, and ways out of an inclusive split
/// put off where one opens for sure.
pub(super) fn choose(
    game: &Game<'_>,
    memory: &mut Memory,
    work: &mut Work,
    idx: usize,
    node: &NodeInfo,
) -> Result<Step, Stop> {
    let token = work.state.tokens[idx];
    let asked: Vec<u16> = node
        .out
        .iter()
        .copied()
        .filter(|edge| game.is_asked(node, *edge))
        .collect();
    let is_inclusive = node.kind == Kind::Inclusive && node.out.len() > 1;
    let (later, stack) = if is_inclusive {
        put_off_ways(game, memory, work, idx, &asked)
    } else {
        (vec![false; asked.len()], 0)
    };
    let mut fitting: Vec<u16> = Vec::new();
    let mut put_off: Vec<u16> = Vec::new();
    // Those that cannot be put off are asked first; of the others all that come behind one that opens can wait.
    for is_later in [false, true] {
        for (edge, _) in asked.iter().zip(&later).filter(|(_, later)| **later == is_later) {
            let Some(boxes) = game.boxes(*edge, &work.state.data) else {
                return tell_one_apart(game, work, *edge);
            };
            match boxes.as_slice() {
                [only] if only.holds => fitting.push(*edge),
                [_] => {}
                _ if is_later && !fitting.is_empty() => put_off.push(*edge),
                _ => return tell_apart(work, boxes),
            }
            if node.kind == Kind::Exclusive && !fitting.is_empty() {
                break;
            }
        }
    }
    if fitting.is_empty() {
        fitting.extend(node.default);
    }
    match fitting.as_slice() {
        [] => return Ok(Step::Refused(Refusal::NoBranch(token.node))),
        [only, ..] if !is_inclusive => take(game, &memory.stacks, work, idx, *only),
        _ => {
            let in_order =
                |edges: &[u16]| -> Vec<u16> { node.out.iter().copied().filter(|edge| edges.contains(edge)).collect() };
            let put_off: Vec<u8> = put_off
                .iter()
                .filter_map(|edge| node.out.iter().position(|one| one == edge))
                .filter_map(|place| u8::try_from(place + 1).ok())
                .collect();
            let forked = fork(game, &mut memory.stacks, work, idx, &in_order(&fitting), &put_off);
            debug_assert!(
                put_off.is_empty() || forked == stack,
                "the fork is the one that was looked at"
            );
        }
    }
    Ok(Step::On)
}

/// Goes on once for each; the state is told apart first by what was written before.
fn tell_apart(work: &Work, boxes: Vec<Classes>) -> Result<Step, Stop> {
    let is_open = |(field, set): &(u8, u64)| work.state.data[usize::from(*field)] != *set;
    let is_old = |(field, _): &(u8, u64)| work.written >> field & 1 == 0;
    let mut sets = boxes.iter().flat_map(|one| &one.sets);
    match sets.find(|one| is_open(one) && is_old(one)) {
        Some((field, set)) => Err(Stop::Split(*field, *set)),
        None => Ok(Step::Open(boxes.into_iter().map(|one| one.sets).collect())),
    }
}

/// Where an edge looks at too much for that, class by class of one field after the other.
fn tell_one_apart(game: &Game<'_>, work: &Work, edge: u16) -> Result<Step, Stop> {
    for field in &game.edges[usize::from(edge)].reads {
        if let Err(told_apart) = class_of(work, *field)? {
            return Ok(told_apart);
        }
    }
    Err(Stop::TooManyWays)
}

/// Which of the ways out of an inclusive split may be asked later, and the fork that they will belong to.
fn put_off_ways(game: &Game<'_>, memory: &mut Memory, work: &Work, idx: usize, asked: &[u16]) -> (Vec<bool>, Stack) {
    let token = work.state.tokens[idx];
    let node = &game.nodes[usize::from(token.node)];
    let mut tokens = work.state.tokens.clone();
    tokens.remove(idx);
    let stack = memory.stacks.push(token.stack, token.node, &tokens);
    let of_edge = |edge: u16| {
        let place = node.out.iter().position(|one| *one == edge)?;
        Some(Token {
            node: token.node,
            rest: Rest::Deciding,
            stack,
            way: u8::try_from(place + 1).ok()?,
        })
    };
    let ways: Vec<Option<Token>> = asked.iter().map(|edge| of_edge(*edge)).collect();
    let Some(reducer) = &mut memory.reducer else {
        return (vec![false; asked.len()], stack);
    };
    if ways.contains(&None) || may_be_too_much(game, work) {
        return (vec![false; asked.len()], stack);
    }
    let ways: Vec<Token> = ways.into_iter().flatten().collect();
    let may_wait = |(way, edge): (&Token, &u16)| {
        if game.boxes(*edge, &work.state.data).is_none() {
            return false;
        }
        let others = ways.iter().filter(|one| *one != way).chain(&tokens);
        reducer.may_wait(game, &memory.stacks, way, others)
    };
    (ways.iter().zip(asked).map(may_wait).collect(), stack)
}

/// Whether one way out of an inclusive split opens, of which others do.
pub(super) fn decide_way(
    game: &Game<'_>,
    memory: &mut Memory,
    work: Work,
    idx: usize,
    edge: u16,
    outcomes: &mut Vec<Outcome>,
) -> Result<(), Stop> {
    let boxes = game.boxes(edge, &work.state.data).ok_or(Stop::TooManyWays)?;
    for one in boxes {
        let mut work = work.clone();
        one.narrow(&mut work.state.data);
        if one.holds {
            work.state.tokens[idx].way = 0;
            take(game, &memory.stacks, &mut work, idx, edge);
        } else {
            let token = work.state.tokens.remove(idx);
            work.ages.remove(idx);
            let belongs = |other: &&mut Token| memory.stacks.belongs(other.stack, token.stack);
            let mut others = work.state.tokens.iter_mut().filter(belongs);
            // Where the others were only waiting for this, one of them goes on.
            if let Some(first) = others.next()
                && first.rest == Rest::Joining
            {
                first.rest = Rest::Moving;
            }
        }
        settle(game, memory, work, outcomes)?;
    }
    Ok(())
}
