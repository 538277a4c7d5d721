//! States of the token game: a sorted list of tokens, each with its node, how it rests and the forks it belongs to;
//! of each field the classes its value may be in; marks that an exploration wants to be kept.
//!
//! A state is a row of words, so that hundreds of thousands can be kept and compared:
//!
//! ```text
//!   n │ token 1 … token n │ classes of field 1 … m │ marks        token: node 16 │ rest 8 │ way 8 │ stack 32
//! ```
//!
//! The order of tokens says nothing: whichever of two at one node a person takes, an action that only names the node
//! reaches both, the younger one once the older has been forwarded.

use rustc_hash::FxHashMap;

use super::game::Game;

/// How a token rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rest {
    /// On its way; only within a command.
    Moving,
    /// At a node that waits for people, an instant, or an outside system.
    Waiting,
    /// At a merge, for the others of its fork.
    Joining,
    /// At a node where nobody could be assigned.
    Unassigned,
    /// At the end.
    Ended,
    /// Before a gateway that has not been asked yet; only where not every order of independent steps is explored.
    Deciding,
}

/// The forks a token belongs to, by number in `Stacks`; 0 for none. As forks are properly nested, one fork is one stack
/// in which it is the innermost, and a token belongs to it where that stack begins its own.
pub(crate) type Stack = u32;

/// One token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Token {
    pub(crate) node: u16,
    pub(crate) rest: Rest,
    pub(crate) stack: Stack,
    /// Of a token that waits for whether one way out of an inclusive split opens: its place among them, from 1 on. 0 for
    /// all others.
    pub(crate) way: u8,
}

impl Token {
    fn pack(self) -> u64 {
        u64::from(self.node) << 48 | (self.rest as u64) << 40 | u64::from(self.way) << 32 | u64::from(self.stack)
    }

    fn unpack(word: u64) -> Self {
        const RESTS: [Rest; 6] = [
            Rest::Moving,
            Rest::Waiting,
            Rest::Joining,
            Rest::Unassigned,
            Rest::Ended,
            Rest::Deciding,
        ];
        Self {
            node: (word >> 48) as u16,
            rest: RESTS[((word >> 40) & 0xFF) as usize],
            stack: word as u32,
            way: ((word >> 32) & 0xFF) as u8,
        }
    }
}

/// A state, unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) tokens: Vec<Token>,
    /// Of each field the classes it may be in, as bits.
    pub(crate) data: Vec<u64>,
    pub(crate) marks: u64,
}

impl State {
    /// Sorts the tokens and forgets what no longer matters, then packs.
    pub(crate) fn pack(mut self, game: &Game<'_>) -> Box<[u64]> {
        self.tokens.sort_unstable();
        let live = self.tokens.iter().fold(0, |bits, token| bits | game.live_for(token));
        let mut words = Vec::with_capacity(2 + self.tokens.len() + self.data.len());
        words.push(self.tokens.len() as u64);
        words.extend(self.tokens.iter().map(|token| token.pack()));
        let classes = self.data.iter().zip(&game.fields).enumerate();
        words.extend(classes.map(|(idx, (set, field))| if live >> idx & 1 == 1 { *set } else { field.all() }));
        words.push(self.marks);
        words.into_boxed_slice()
    }

    /// The state of a row.
    pub(crate) fn unpack(words: &[u64]) -> Self {
        let n_tokens = words[0] as usize;
        let (tokens, rest) = words[1..].split_at(n_tokens);
        let (marks, data) = rest.split_last().map_or((0, rest), |(marks, data)| (*marks, data));
        Self {
            tokens: tokens.iter().map(|word| Token::unpack(*word)).collect(),
            data: data.to_vec(),
            marks,
        }
    }
}

/// Whether a row is the end of a ticket: the one token left is there.
pub(crate) fn is_over(words: &[u64]) -> bool {
    words[0] == 1 && Token::unpack(words[1]).rest == Rest::Ended
}

/// Every stack of forks met so far: what is below it, the split of its innermost fork, and which of the forks that
/// are open there at once it is.
#[derive(Clone, Debug)]
pub(crate) struct Stacks {
    entries: Vec<(Stack, u16, u16)>,
    known: FxHashMap<(Stack, u16, u16), Stack>,
}

impl Default for Stacks {
    fn default() -> Self {
        Self {
            entries: vec![(0, 0, 0)],
            known: FxHashMap::default(),
        }
    }
}

impl Stacks {
    /// A fork of a split on top of a stack, other than those that tokens belong to.
    pub(crate) fn push(&mut self, below: Stack, split: u16, tokens: &[Token]) -> Stack {
        let mut copy = 0;
        loop {
            let key = (below, split, copy);
            match self.known.get(&key) {
                Some(stack) if tokens.iter().any(|token| self.belongs(token.stack, *stack)) => copy += 1,
                Some(stack) => return *stack,
                None => {
                    let stack = self.entries.len() as Stack;
                    self.entries.push(key);
                    self.known.insert(key, stack);
                    return stack;
                }
            }
        }
    }

    /// What is below the innermost fork.
    pub(crate) fn below(&self, stack: Stack) -> Stack {
        self.entries[stack as usize].0
    }

    /// The split of the innermost fork; none where there is no fork.
    pub(crate) fn split(&self, stack: Stack) -> Option<u16> {
        (stack != 0).then(|| self.entries[stack as usize].1)
    }

    /// Whether a stack begins with that of a fork.
    pub(crate) fn belongs(&self, mut stack: Stack, fork: Stack) -> bool {
        // What is below a stack was known before it, so numbers only fall on the way down.
        while stack > fork {
            stack = self.below(stack);
        }
        stack == fork
    }

    /// The innermost fork of both.
    pub(crate) fn common(&self, mut one: Stack, mut other: Stack) -> Stack {
        while one != other {
            if one > other {
                one = self.below(one);
            } else {
                other = self.below(other);
            }
        }
        one
    }

    /// The splits of a stack, outermost first.
    pub(crate) fn splits(&self, mut stack: Stack) -> Vec<u16> {
        let mut found = Vec::new();
        while let Some(split) = self.split(stack) {
            found.push(split);
            stack = self.below(stack);
        }
        found.reverse();
        found
    }
}
