//! Search in titles: a bitmap per run of three characters.
//!
//! Each position of a title gives one run, the last two padded with an end mark, so every substring of up to three
//! characters is the beginning of a run: short needles are found exactly, as a range of runs. Longer ones are narrowed
//! down by all their runs and then looked for in the titles that are left.
//!
//! What is compared is the folded text (`text::folded`); it is made from the titles and never stored.

use std::collections::{BTreeMap, BTreeSet};

use roaring::{MultiOps, RoaringBitmap};

use crate::text::folded;

/// Candidates up to this many are looked through at once: cheaper than reading bitmaps.
const N_LOOKED_THROUGH: u64 = 128;

/// Bits of a character in a run: one more than the highest, as 0 is the end mark.
const BITS: u32 = 21;

/// The runs of a folded text, the padded ones included.
fn runs_of(folded: &str) -> BTreeSet<u64> {
    let chars: Vec<char> = folded.chars().collect();
    (0..chars.len()).map(|idx| run(&chars[idx..])).collect()
}

/// Up to three characters as a number that sorts as they do; the end mark is below every character.
fn run(chars: &[char]) -> u64 {
    (0..3).fold(0, |run, idx| {
        run << BITS | chars.get(idx).map_or(0, |char| u64::from(u32::from(*char)) + 1)
    })
}

/// The runs of all titles. No bitmap is empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Titles {
    by_run: BTreeMap<u64, RoaringBitmap>,
}

impl Titles {
    /// Changes a ticket's title; a ticket that is not there has an empty one.
    pub(super) fn update(&mut self, ordinal: u32, before: &str, after: &str) {
        if before == after {
            return;
        }
        let (old, new) = (runs_of(&folded(before)), runs_of(&folded(after)));
        for run in old.difference(&new) {
            if let Some(bitmap) = self.by_run.get_mut(run) {
                bitmap.remove(ordinal);
                if bitmap.is_empty() {
                    self.by_run.remove(run);
                }
            }
        }
        for run in new.difference(&old) {
            self.by_run.entry(*run).or_default().insert(ordinal);
        }
    }

    /// Keeps the candidates whose title has the needle, folded and not empty, in it. `title` gives a candidate's title
    /// as it was given.
    pub(super) fn keep<'a>(
        &self,
        candidates: &mut RoaringBitmap,
        needle: &str,
        title: impl Fn(u32) -> Option<&'a str>,
    ) {
        let chars: Vec<char> = needle.chars().collect();
        let is_exact = candidates.len() > N_LOOKED_THROUGH && {
            self.narrow(candidates, &chars);
            chars.len() <= 3
        };
        if !is_exact {
            candidates.retain(|ordinal| title(ordinal).is_some_and(|title| folded(title).contains(needle)));
        }
    }

    /// Keeps the candidates that have every run of the needle; for three characters or fewer that is exact.
    fn narrow(&self, candidates: &mut RoaringBitmap, needle: &[char]) {
        if needle.len() < 3 {
            // All runs that begin with it: between it with nothing and with the highest of everything behind it.
            let n_open = 3 - needle.len() as u32;
            let first = run(needle);
            let last = first | ((1 << (BITS * n_open)) - 1);
            let found = self.by_run.range(first..=last).map(|(_, bitmap)| bitmap);
            *candidates &= found.union();
            return;
        }
        let runs: BTreeSet<u64> = needle.windows(3).map(run).collect();
        let found: Option<Vec<&RoaringBitmap>> = runs.iter().map(|run| self.by_run.get(run)).collect();
        let Some(mut found) = found else {
            candidates.clear();
            return;
        };
        found.sort_by_key(|bitmap| bitmap.len());
        for bitmap in found {
            *candidates &= bitmap;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn runs_find_what_contains_the_needle(
            titles in proptest::collection::vec("[aAbΣ中\u{0}\u{10ffff}]{0,8}", 1..12),
            needle in "[aAbΣ中\u{0}\u{10ffff}]{1,5}",
        ) {
            let mut index = Titles::default();
            for (ordinal, title) in (0..).zip(&titles) {
                index.update(ordinal, "", "a中b");
                index.update(ordinal, "a中b", title);
            }
            let needle = folded(&needle);
            let expected: Vec<u32> = (0..)
                .zip(&titles)
                .filter(|(_, title)| folded(title).contains(&needle))
                .map(|(ordinal, _)| ordinal)
                .collect();
            let mut found: RoaringBitmap = (0..titles.len() as u32).collect();
            let chars: Vec<char> = needle.chars().collect();
            index.narrow(&mut found, &chars);
            if chars.len() > 3 {
                found.retain(|ordinal| folded(&titles[ordinal as usize]).contains(&needle));
            }
            prop_assert_eq!(found.iter().collect::<Vec<_>>(), expected);
        }
    }
}
