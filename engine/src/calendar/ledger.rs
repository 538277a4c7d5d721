//! A clock of working time that may stand still (semantics: calendars): what is spent, what is due by it, and what
//! repeats.
//!
//! Not here: what stops the clock, and events. Nothing here looks at the present: instants arrive as data.

use super::{Budget, WorkingTime};
use crate::time::Timestamp;

/// A clock that runs since an instant, with what was spent before it.
#[derive(Clone, Copy, Debug)]
pub struct Ledger<'a> {
    /// By which calendar it runs.
    pub working: &'a WorkingTime,
    /// When it started, the last time.
    pub started: Timestamp,
    /// Working milliseconds that it had run before.
    pub spent_ms: i64,
}

/// What a repeated step comes to when it fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// How many more were due by now and fall away.
    pub missed: u32,
    /// The next one and when it is due, which is after now; `None` where it was the last or no due is in reach.
    pub next: Option<(u32, Timestamp)>,
}

impl<'a> Ledger<'a> {
    /// Working milliseconds of a step: of `after` moved by `at`, and never negative.
    #[must_use]
    pub fn budget_ms(working: &WorkingTime, after: Budget, at: Budget) -> i64 {
        after.ms(working).saturating_add(at.ms(working)).max(0)
    }

    /// What is spent by an instant at which the clock runs.
    #[must_use]
    pub fn spent_by(&self, now: Timestamp) -> i64 {
        self.spent_ms.saturating_add(self.working.working(self.started, now))
    }

    /// When a budget is spent: at once where it was before the start; `None` where that is not in reach.
    #[must_use]
    pub fn due(&self, budget_ms: i64) -> Option<Timestamp> {
        self.working.due(self.started, budget_ms.saturating_sub(self.spent_ms))
    }

    /// What the `nth` of a step's repeats comes to, which fires now: the k-th is due at the budget and k times `every_ms`,
    /// k from 0 to `last`. One that fires late stands for all that were due by now.
    #[must_use]
    pub fn repeat(&self, budget_ms: i64, every_ms: i64, nth: u32, last: u32, now: Timestamp) -> Repeat {
        let due_of = |k: u32| budget_ms.saturating_add(every_ms.saturating_mul(i64::from(k)));
        // Due by now is exactly what is no more than the spent.
        let over = self.spent_by(now).saturating_sub(budget_ms);
        let reached = match over.checked_div(every_ms.max(0)) {
            Some(reached) => u32::try_from(reached.max(0)).unwrap_or(u32::MAX),
            None => u32::MAX,
        };
        let reached = reached.min(last).max(nth);
        let next = reached.checked_add(1).filter(|next| *next <= last);
        Repeat {
            missed: reached - nth,
            next: next.and_then(|next| Some((next, self.due(due_of(next))?))),
        }
    }
}
