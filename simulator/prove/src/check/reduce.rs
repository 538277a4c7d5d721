//! Partial-order reduction: where what one token can do next has nothing to do with anything the others can do before
//! it moves, only its own commands are explored from a state (a persistent set; Godefroid, *Partial-Order Methods for
//! the Verification of Concurrent Systems*, 1996).
//!
//! Branches of a fork are such strangers unless one writes a field that another looks at or writes, or could be turned
//! down where they meet. A split with n branches is then n steps rather than 2ⁿ states. A branch that can leave the fork
//! takes the others along whatever they have done by then, so it does not matter whether they moved before, as long as
//! nothing looks at what they wrote.
//!
//! The same holds within one command: what a gateway finds that many branches come to at once, and which ways out of an
//! inclusive split open, may be asked later where nothing changes the answer and nothing behind it can be refused. The
//! token waits there as [`Rest::Deciding`], and n answers are n steps rather than 2ⁿ outcomes of one command.
//!
//! What it keeps: whether every state can complete, states where nothing moves, what is taken and entered. It lets
//! others wait while one branch goes round for ever, so where that happens (a defect in itself) an exploration in full
//! has the last word on what is dead.

use rustc_hash::{FxHashMap, FxHashSet};

use super::game::{Game, Kind};
use super::state::{Rest, Stack, Stacks, State, Token};

/// What a token can do before it has to wait for others of a fork.
#[derive(Clone, Copy, Debug, Default)]
struct Future {
    reads: u64,
    writes: u64,
    /// Whether it may leave the fork, and fields that matter where it goes then.
    leaves: bool,
    left_for: u64,
    /// It does what only an exploration in full tells.
    is_wild: bool,
}

/// What a token's next command does, with the automatic moves that follow.
#[derive(Clone, Copy, Debug, Default)]
struct Next {
    reads: u64,
    writes: u64,
    /// Fields that are looked at once its innermost fork is joined: by then all of that fork are there.
    reads_after: u64,
    /// Whether the last one of that fork may be turned down for these.
    is_turned_down: bool,
    /// Fields that matter where it may leave all forks.
    left_for: u64,
    /// Whether a person's edge leaves all forks; others stay.
    leaves: bool,
    /// Whether it may come back to where it is without leaving all forks: others could wait for ever then.
    goes_round: bool,
    /// Whether something on the way may be refused.
    may_refuse: bool,
    is_wild: bool,
}

/// Where a token is: node, and the one way out that it waits for.
type Place = (u16, u8);

/// Finds tokens that nothing else touches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reducer {
    /// Of a place within a split: everything from there to the merge.
    futures: FxHashMap<(u16, Place), Future>,
    /// Of a place with its forks: the next command only.
    nexts: FxHashMap<(Stack, Place), Next>,
    has_marks: bool,
}

impl Reducer {
    /// `has_marks` where a state says more than where its tokens are and what its fields hold.
    pub(crate) fn new(has_marks: bool) -> Self {
        Self {
            has_marks,
            ..Self::default()
        }
    }

    /// Whether only this token's commands need to be explored.
    pub(crate) fn is_enough(&mut self, game: &Game<'_>, stacks: &Stacks, state: &State, idx: usize) -> bool {
        let token = state.tokens[idx];
        if token.stack == 0 {
            return false;
        }
        let next = self.next(game, stacks, &token);
        let may_leave = !self.has_marks && !next.goes_round;
        if next.is_wild || (next.leaves && !may_leave) {
            return false;
        }
        let others = state.tokens.iter().enumerate().filter(|(other, _)| *other != idx);
        for (_, other) in others {
            let Some(future) = self.future(game, stacks, &token, other) else {
                return false;
            };
            if future.is_wild
                || (future.leaves && !may_leave)
                || future.touches(&next, stacks.belongs(other.stack, token.stack))
            {
                return false;
            }
        }
        true
    }

    /// Whether no other token can leave the forks that it shares with this one.
    pub(crate) fn must_be_waited_for(&mut self, game: &Game<'_>, stacks: &Stacks, state: &State, idx: usize) -> bool {
        let token = state.tokens[idx];
        let mut others = state.tokens.iter().enumerate().filter(|(other, _)| *other != idx);
        others.all(|(_, other)| {
            self.future(game, stacks, &token, other)
                .is_some_and(|future| !future.leaves && !future.is_wild)
        })
    }

    /// Whether what a token finds from here on may as well be asked later: nothing can change or refuse it.
    pub(crate) fn may_wait<'t>(
        &mut self,
        game: &Game<'_>,
        stacks: &Stacks,
        token: &Token,
        mut others: impl Iterator<Item = &'t Token>,
    ) -> bool {
        if token.stack == 0 {
            return false;
        }
        let next = self.next(game, stacks, token);
        if next.is_wild || next.may_refuse || next.leaves {
            return false;
        }
        others.all(|other| {
            self.future(game, stacks, token, other)
                .is_some_and(|future| !future.writes_what(&next, stacks.belongs(other.stack, token.stack)))
        })
    }

    fn next(&mut self, game: &Game<'_>, stacks: &Stacks, token: &Token) -> Next {
        let key = (token.stack, (token.node, token.way));
        if let Some(known) = self.nexts.get(&key) {
            return *known;
        }
        let found = next(game, stacks, token);
        self.nexts.insert(key, found);
        found
    }

    /// What another token can do before both of them have to wait for one another.
    fn future(&mut self, game: &Game<'_>, stacks: &Stacks, token: &Token, other: &Token) -> Option<Future> {
        let split = stacks.split(stacks.common(token.stack, other.stack))?;
        let key = (split, (other.node, other.way));
        let found = self.futures.entry(key).or_insert_with(|| future(game, split, other));
        Some(*found)
    }
}

impl Future {
    fn writes_what(&self, next: &Next, is_of_fork: bool) -> bool {
        // Whoever of a fork comes last may be turned down for what another wrote, and for what they could write anew.
        let after = if is_of_fork && !next.is_turned_down {
            0
        } else {
            next.reads_after
        };
        self.writes & (next.reads | after) != 0
    }

    fn touches(&self, next: &Next, is_of_fork: bool) -> bool {
        self.writes_what(next, is_of_fork)
            || self.writes & (next.writes | next.left_for) != 0
            || next.writes & (self.reads | self.left_for) != 0
    }
}

/// Fields that a person's edge out of a node writes, an automatic title included.
fn writes(game: &Game<'_>, node: u16) -> u64 {
    let node = &game.nodes[usize::from(node)];
    if !matches!(node.kind, Kind::Start | Kind::Normal) {
        return 0;
    }
    let automatic = game.fields.iter().enumerate().filter(|(_, field)| field.is_automatic);
    automatic.fold(node.writes, |bits, (idx, _)| bits | 1 << idx)
}

/// Everything that can happen from a place on before the merge of the split.
fn future(game: &Game<'_>, split: u16, token: &Token) -> Future {
    let mut found = Future::default();
    let Some(info) = &game.nodes[usize::from(split)].split else {
        found.is_wild = true;
        return found;
    };
    let mut is_seen = vec![false; game.nodes.len()];
    let mut work = Vec::new();
    match game.way(token) {
        Some(edge) => {
            let edge = &game.edges[usize::from(edge)];
            found.reads |= edge.reads_bits();
            found.is_wild |= !info.region[usize::from(edge.target)];
            work.push(edge.target);
        }
        None => work.push(token.node),
    }
    while let Some(node) = work.pop() {
        if node == info.merge || std::mem::replace(&mut is_seen[usize::from(node)], true) {
            continue;
        }
        let node_info = &game.nodes[usize::from(node)];
        found.writes |= writes(game, node);
        found.reads |= game.reads_on_entering(node_info);
        for edge in &node_info.out {
            let target = game.edges[usize::from(*edge)].target;
            if info.region[usize::from(target)] {
                work.push(target);
            } else {
                found.left_for |= game.nodes[usize::from(target)].entering;
                found.leaves = true;
            }
        }
    }
    found
}

/// The next command of a token at a place, its automatic moves and those after a merge included.
fn next(game: &Game<'_>, stacks: &Stacks, token: &Token) -> Next {
    let from = &game.nodes[usize::from(token.node)];
    let is_deciding = token.rest == Rest::Deciding;
    let mut found = Next {
        writes: if is_deciding { 0 } else { writes(game, token.node) },
        goes_round: goes_round(game, &stacks.splits(token.stack), token.node),
        is_wild: from.remembers.is_some() && !is_deciding,
        ..Next::default()
    };
    // Splits of the forks it belongs to, the innermost last; of nodes on the way, where they stand among them.
    let own = stacks.splits(token.stack);
    let mut walk = Walk {
        game,
        n_own: own.len(),
        seen: FxHashSet::default(),
        work: Vec::new(),
    };
    match (is_deciding, game.way(token)) {
        (true, Some(edge)) => {
            found.reads |= game.edges[usize::from(edge)].reads_bits();
            walk.on(&mut found, edge, &own);
            // It may turn out not to go on at all; then the others of its fork may all be there.
            if let Some(split) = own
                .last()
                .and_then(|split| game.nodes[usize::from(*split)].split.as_ref())
            {
                walk.work.push((split.merge, own.clone()));
            }
        }
        (true, None) => walk.work.push((token.node, own.clone())),
        (false, _) => {
            let is_by_person = matches!(from.kind, Kind::Start | Kind::Normal);
            for edge in &from.out {
                let target = game.edges[usize::from(*edge)].target;
                let leaves_all = own.first().is_some_and(|split| !in_region(game, *split, target));
                if leaves_all && is_by_person {
                    found.leaves = true;
                    found.left_for |= game.nodes[usize::from(target)].entering & !game.overwrites(from);
                } else {
                    walk.on(&mut found, *edge, &own);
                }
            }
        }
    }
    // Where it is wild nothing else matters; and a way that leaves a fork might come round to it again and again.
    while let Some((node, chain)) = walk.work.pop().filter(|_| !found.is_wild) {
        if walk.seen.insert((node, chain.clone())) {
            walk.enter(&mut found, node, chain);
        }
    }
    found.is_wild |= found.is_turned_down && found.reads_after & found.writes != 0;
    found
}

/// Whether a way leads from a node back to it within the outermost of these splits.
fn goes_round(game: &Game<'_>, splits: &[u16], node: u16) -> bool {
    let mut is_seen = vec![false; game.nodes.len()];
    let mut work = vec![node];
    while let Some(at) = work.pop() {
        for edge in &game.nodes[usize::from(at)].out {
            let target = game.edges[usize::from(*edge)].target;
            let stays = splits.first().is_some_and(|split| in_region(game, *split, target));
            if stays && target == node {
                return true;
            }
            if stays && !std::mem::replace(&mut is_seen[usize::from(target)], true) {
                work.push(target);
            }
        }
    }
    false
}

fn in_region(game: &Game<'_>, split: u16, node: u16) -> bool {
    let split = game.nodes[usize::from(split)].split.as_ref();
    split.is_some_and(|split| split.region[usize::from(node)])
}

struct Walk<'a, 'g> {
    game: &'a Game<'g>,
    n_own: usize,
    seen: FxHashSet<(u16, Vec<u16>)>,
    work: Vec<(u16, Vec<u16>)>,
}

impl Walk<'_, '_> {
    /// Takes an edge within these splits.
    fn on(&mut self, found: &mut Next, edge: u16, chain: &[u16]) {
        let target = self.game.edges[usize::from(edge)].target;
        found.is_wild |= chain.iter().any(|split| !in_region(self.game, *split, target));
        self.work.push((target, chain.to_vec()));
    }

    fn enter(&mut self, found: &mut Next, node: u16, mut chain: Vec<u16>) {
        let game = self.game;
        let info = &game.nodes[usize::from(node)];
        let merge = chain
            .last()
            .and_then(|split| game.nodes[usize::from(*split)].split.as_ref());
        if merge.is_some_and(|split| split.merge == node) {
            chain.pop();
            self.work.push((node, chain));
            return;
        }
        let is_after = chain.len() < self.n_own;
        let reads = game.reads_on_entering(info);
        found.is_wild |= info.remembers.is_some();
        found.may_refuse |= info.may_refuse;
        if is_after {
            found.reads_after |= reads;
            found.is_turned_down |= info.may_refuse;
            // Whoever comes last goes on from where branches meet: it must make no difference who that is, and where
            // nobody can be assigned a timer goes on and a person does not.
            found.is_wild |= info.may_refuse && info.kind == Kind::Normal;
        } else {
            found.reads |= reads;
        }
        let is_split = info.out.len() > 1 && matches!(info.kind, Kind::Parallel | Kind::Inclusive);
        if is_split {
            chain.push(node);
        }
        if matches!(info.kind, Kind::Exclusive | Kind::Inclusive | Kind::Parallel) {
            for edge in &info.out {
                self.on(found, *edge, &chain);
            }
        }
    }
}
