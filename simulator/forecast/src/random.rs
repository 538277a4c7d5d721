//! Randomness: a generator for each draw, found by what it is for.
//!
//! No draw depends on how many were made before it. So the same case in two scenarios gets the same values, choices
//! and work (common random numbers), and neither the order of events nor the number of threads can show.

use rand::SeedableRng as _;
use rand_pcg::Pcg64Mcg;

/// What a draw is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// When cases come.
    Arrival = 1,
    /// Who creates one.
    Creator,
    /// A field's value.
    Field,
    /// How long somebody works.
    Work,
    /// Which edge is taken.
    Choice,
    /// How long an outside system takes.
    Answer,
    /// Whether it fails.
    Failure,
    /// Who takes work.
    Dispatch,
    /// The engine's own draws.
    Engine,
}

/// The draws of one replication.
#[derive(Clone, Copy, Debug)]
pub struct Streams {
    root: u64,
}

impl Streams {
    /// Of a seed and the replication's number.
    #[must_use]
    pub fn new(seed: u64, replication: u32) -> Self {
        Self {
            root: mix(mix(seed) ^ u64::from(replication).wrapping_mul(GOLDEN)),
        }
    }

    /// A seed: of a case, for a purpose, told apart further by two numbers.
    #[must_use]
    pub fn seed(&self, case: u64, purpose: Purpose, place: u32, turn: u32) -> u64 {
        let of_case = mix(self.root ^ case.wrapping_mul(GOLDEN));
        let of_purpose = mix(of_case ^ (purpose as u64).wrapping_mul(GOLDEN));
        mix(of_purpose ^ ((u64::from(place) << 32) | u64::from(turn)))
    }

    /// A generator, by the same.
    #[must_use]
    pub fn of(&self, case: u64, purpose: Purpose, place: u32, turn: u32) -> Pcg64Mcg {
        let low = self.seed(case, purpose, place, turn);
        let high = mix(low ^ GOLDEN);
        let mut state = [0u8; 16];
        state[..8].copy_from_slice(&low.to_le_bytes());
        state[8..].copy_from_slice(&high.to_le_bytes());
        Pcg64Mcg::from_seed(state)
    }
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// `SplitMix64` (Steele, Lea, Flood 2014): spreads a seed over all bits.
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(GOLDEN);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
