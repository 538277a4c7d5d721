//! The tally of the index: how many values it holds of commits, pages and entries, and a sum over their checksums.
//!
//! The journal carries with every record what the tally is after it. Whether an index that was not closed holds what
//! the journal says is then one walk over its values, in whatever order they lie, and no look into the journal's past.
//! States (snapshots, checkpoints) are not counted: they are disposable, and have a checksum of their own.
//!
//! A value's checksum covers its key too. The sum is of mixed checksums, so that two changes do not cancel out; it is
//! no guard against somebody who wants them to.

/// Number and sum; additions may come in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    n_values: u64,
    sum: u64,
}

/// Bytes of a stored tally.
pub(super) const TALLY_BYTES: usize = 16;

impl Tally {
    /// Counts a value that is put into the index.
    pub(super) fn add(&mut self, sealed: &[u8]) {
        self.n_values = self.n_values.wrapping_add(1);
        self.sum = self.sum.wrapping_add(weight(sealed));
    }

    /// Takes a value out that is removed or replaced.
    pub(super) fn remove(&mut self, sealed: &[u8]) {
        self.n_values = self.n_values.wrapping_sub(1);
        self.sum = self.sum.wrapping_sub(weight(sealed));
    }

    pub(super) fn to_bytes(self) -> [u8; TALLY_BYTES] {
        let mut bytes = [0; TALLY_BYTES];
        bytes[..8].copy_from_slice(&self.n_values.to_le_bytes());
        bytes[8..].copy_from_slice(&self.sum.to_le_bytes());
        bytes
    }

    pub(super) fn parse(bytes: [u8; TALLY_BYTES]) -> Self {
        let (n_values, sum) = bytes.split_at(8);
        let number = |half: &[u8]| half.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte));
        Self {
            n_values: number(n_values),
            sum: number(sum),
        }
    }
}

/// The checksum that `value::seal` has put first, mixed (the finaliser of SplitMix64).
fn weight(sealed: &[u8]) -> u64 {
    let crc = sealed.first_chunk::<4>().map_or(0, |crc| u32::from_le_bytes(*crc));
    let mut mixed = u64::from(crc).wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_removed_was_never_there_and_order_does_not_matter() {
        let values = [&[1, 2, 3, 4, 9][..], &[1, 2, 3, 5], &[0, 0, 0, 0]];
        let mut one = Tally::default();
        values.iter().for_each(|value| one.add(value));
        let mut other = Tally::default();
        other.add(&[7, 7, 7, 7]);
        values.iter().rev().for_each(|value| other.add(value));
        assert_ne!(one, other);
        other.remove(&[7, 7, 7, 7]);
        assert_eq!(one, other);
        assert_eq!(Tally::parse(one.to_bytes()), one);
    }
}
