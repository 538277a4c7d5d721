//! When a vote is decided: arithmetic on four numbers and nothing else (semantics: votes).
//!
//! Without a veto it is decided exactly when no vote that is still open could change the outcome; it is decided at the
//! latest by the last one.

use crate::workflow::ApprovalRule;

/// How far a vote is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Shares that count.
    pub n_shares: u32,
    /// Votes on agree and other edges.
    pub n_for: u32,
    /// Votes on reject edges.
    pub n_against: u32,
}

impl Tally {
    /// Shares whose vote is still to come.
    #[must_use]
    pub fn n_open(self) -> u32 {
        self.n_shares.saturating_sub(self.n_for + self.n_against)
    }
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An agree or other edge is taken.
    For,
    /// A reject edge is taken.
    Against,
}

impl Outcome {
    /// The wire word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::For => "for",
            Self::Against => "against",
        }
    }
}

impl ApprovalRule {
    /// How many votes for it take, of so many shares.
    #[must_use]
    pub fn n_needed(self, n_shares: u32) -> u32 {
        match self {
            Self::All => n_shares,
            Self::Any => 1,
            Self::Majority => n_shares / 2 + 1,
            Self::Percent(n) => {
                let part = u64::from(n_shares) * u64::from(n);
                u32::try_from(part.div_ceil(100)).unwrap_or(u32::MAX).max(1)
            }
            Self::Count(n) => n,
        }
    }
}

/// What was decided, once it is.
#[must_use]
pub fn outcome(rule: ApprovalRule, veto: bool, tally: Tally) -> Option<Outcome> {
    let n_needed = rule.n_needed(tally.n_shares);
    if veto && tally.n_against > 0 {
        Some(Outcome::Against)
    } else if tally.n_for >= n_needed {
        Some(Outcome::For)
    } else if tally.n_for + tally.n_open() < n_needed {
        Some(Outcome::Against)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tally(n_shares: u32, n_for: u32, n_against: u32) -> Tally {
        Tally {
            n_shares,
            n_for,
            n_against,
        }
    }

    #[test]
    fn the_examples_of_five() {
        use ApprovalRule::{All, Any, Majority, Percent};
        let of_five = |rule, veto, n_for, n_against| outcome(rule, veto, tally(5, n_for, n_against));
        assert_eq!((Majority.n_needed(5), Percent(67).n_needed(5)), (3, 4));
        assert_eq!(of_five(Majority, false, 2, 2), None);
        assert_eq!(of_five(Majority, false, 3, 0), Some(Outcome::For));
        assert_eq!(of_five(Majority, false, 0, 3), Some(Outcome::Against));
        assert_eq!(of_five(Percent(67), false, 0, 1), None);
        assert_eq!(of_five(Percent(67), false, 0, 2), Some(Outcome::Against));
        assert_eq!(of_five(Any, true, 0, 1), Some(Outcome::Against));
        assert_eq!(of_five(Any, true, 1, 0), Some(Outcome::For));
        assert_eq!(of_five(Any, false, 0, 4), None);
        assert_eq!(of_five(All, false, 4, 0), None);
        assert_eq!(of_five(All, false, 0, 1), Some(Outcome::Against));
        assert_eq!(Percent(1).n_needed(5), 1);
    }

    fn rules() -> impl Strategy<Value = ApprovalRule> {
        prop_oneof![
            Just(ApprovalRule::All),
            Just(ApprovalRule::Any),
            Just(ApprovalRule::Majority),
            (1_u32..=100).prop_map(ApprovalRule::Percent),
            (1_u32..=9).prop_map(ApprovalRule::Count),
        ]
    }

    /// What a rule means once everybody has voted, said without the number of votes needed where there is another way.
    fn carries(rule: ApprovalRule, n_shares: u32, n_for: u32) -> bool {
        match rule {
            ApprovalRule::All => n_for == n_shares,
            ApprovalRule::Any => n_for > 0,
            ApprovalRule::Majority => n_for > n_shares - n_for,
            ApprovalRule::Percent(n) => n_for > 0 && 100 * n_for >= n * n_shares,
            ApprovalRule::Count(n) => n_for >= n,
        }
    }

    /// All outcomes that the open votes could still bring.
    fn reachable(rule: ApprovalRule, veto: bool, now: Tally) -> Vec<bool> {
        let mut found = Vec::new();
        for votes in 0_u32..1 << now.n_open() {
            let n_for = now.n_for + votes.count_ones();
            let is_vetoed = veto && n_for < now.n_shares;
            let carried = !is_vetoed && carries(rule, now.n_shares, n_for);
            if !found.contains(&carried) {
                found.push(carried);
            }
        }
        found
    }

    proptest! {
        /// Decided exactly when all ways to go on give one outcome, and that outcome.
        #[test]
        fn it_is_decided_when_nothing_can_change_it(
            rule in rules(), n_shares in 1_u32..=9, n_for in 0_u32..=9, n_against in 0_u32..=9,
        ) {
            prop_assume!(n_for + n_against <= n_shares && rule.n_people_min() <= n_shares);
            let now = tally(n_shares, n_for, n_against);
            let ways = reachable(rule, false, now);
            let expected = match ways.as_slice() {
                [true] => Some(Outcome::For),
                [false] => Some(Outcome::Against),
                _ => None,
            };
            prop_assert_eq!(outcome(rule, false, now), expected);
        }

        /// Votes cast one by one, without a veto: the order does not count. With one, the first vote against ends it, or
        /// the one that makes enough. Either way it ends with the last vote at the latest, and is decided once.
        #[test]
        fn every_vote_ends(
            rule in rules(), veto in any::<bool>(), votes in prop::collection::vec(any::<bool>(), 1..=9),
            turned in any::<prop::sample::Index>(),
        ) {
            let n_shares = votes.len() as u32;
            prop_assume!(rule.n_people_min() <= n_shares);
            let play = |votes: &[bool]| {
                let mut now = tally(n_shares, 0, 0);
                for (idx, is_for) in votes.iter().enumerate() {
                    if *is_for { now.n_for += 1 } else { now.n_against += 1 }
                    if let Some(outcome) = outcome(rule, veto, now) {
                        return Some((idx, outcome, now));
                    }
                }
                None
            };
            let ended = play(&votes);
            prop_assert!(ended.is_some(), "{:?}", votes);
            let Some((idx, outcome, now)) = ended else { return Ok(()) };
            let first_against = votes.iter().position(|is_for| !is_for);
            if veto {
                let enough = (1..=votes.len())
                    .find(|n| votes[..*n].iter().filter(|is_for| **is_for).count() as u32 >= rule.n_needed(n_shares));
                let expected = [first_against, enough.map(|n| n - 1)].into_iter().flatten().min();
                prop_assert_eq!(Some(idx), expected);
            } else {
                let mut other = votes.clone();
                other.rotate_left(turned.index(votes.len()));
                prop_assert_eq!(play(&other).map(|(_, outcome, _)| outcome), Some(outcome));
            }
            // The edge taken is one that somebody chose on that side.
            let n_side = if outcome == Outcome::For { now.n_for } else { now.n_against };
            prop_assert!(n_side > 0);
        }
    }
}
