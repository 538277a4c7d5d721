//! A tape of small numbers that every choice of a run is read from.
//!
//! A tape shrinks well: a shorter one, or smaller numbers, is a shorter or plainer run. One that is made from a seed has
//! no end.

/// Choices, read from the front; 0 for ever once it is used up. One that is made from a seed never is.
#[derive(Clone, Debug)]
pub struct Tape {
    choices: Vec<u16>,
    at: usize,
    /// State of the random source, where there is one.
    random: Option<u64>,
}

impl Tape {
    /// A tape from the start.
    #[must_use]
    pub fn new(choices: Vec<u16>) -> Self {
        Self {
            choices,
            at: 0,
            random: None,
        }
    }

    /// A tape without end: the choices that a seed gives (SplitMix64).
    #[must_use]
    pub fn random(seed: u64) -> Self {
        Self {
            choices: Vec::new(),
            at: 0,
            random: Some(seed),
        }
    }

    /// Whether choices are left.
    #[must_use]
    pub fn is_used_up(&self) -> bool {
        self.random.is_none() && self.at >= self.choices.len()
    }

    /// Whether a chance of `n` in `of` came up; never on a tape that is used up, so that shorter tapes are plainer.
    pub fn chance(&mut self, n: usize, of: usize) -> bool {
        self.next(of) + n >= of
    }

    /// The next choice among `n`; 0 where there is none to make.
    pub fn next(&mut self, n: usize) -> usize {
        let choice = match &mut self.random {
            Some(state) => {
                *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
                let mut z = *state;
                z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                ((z ^ (z >> 31)) >> 48) as u16
            }
            None => self.choices.get(self.at).copied().unwrap_or(0),
        };
        self.at += 1;
        if n == 0 { 0 } else { usize::from(choice) % n }
    }

    /// One of some items; `None` where there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.next(items.len()))
    }
}
