//! What can go wrong with one call between its coming in and its answer, and what of it is on disk then.
//!
//! ```text
//!  call ─▶ decide ─▶ append: queue ─▶ disk ─▶ acknowledged ─▶ fold ─▶ answer ─▶ client
//!       1         2              3        4                5       6        7         8
//!  1 dies_before_decision  2 dies_before_append  3 dies_queued  4 dies_written  5 dies_acknowledged
//!  6 dies_folded           7 dies_answering      8 dies_answered
//! ```
//!
//! Besides, the log may refuse (nothing is written), stop without knowing (written or not), or the worker of the one
//! ticket dies while the process lives on. There is no torn commit: a log keeps a commit whole or not at all
//! (`storage`), and `invariants::whole_or_nothing` holds recovery to it.

use loonflow_storage::{Error, Expected};
use serde::{Deserialize, Serialize};

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// Nothing.
    None,
    /// The process dies before it has looked at the call.
    DiesBeforeDecision,
    /// It dies with the decision made, before the log has heard of it.
    DiesBeforeAppend,
    /// It dies with the commit in the log's queue.
    DiesQueued,
    /// It dies with the commit on disk, before the log says so.
    DiesWritten,
    /// It dies once the log has said so, before anything is folded.
    DiesAcknowledged,
    /// It dies with ticket and list folded, before the answer.
    DiesFolded,
    /// It dies with the answer on its way, which is lost.
    DiesAnswering,
    /// It dies once the client has the answer.
    DiesAnswered,
    /// The process lives, the answer is lost on its way.
    AnswerLost,
    /// The worker of the ticket dies over the decision; the process lives.
    WorkerDies,
    /// The disk is full.
    LogFull,
    /// The log fails before it writes.
    LogFails,
    /// The log has too much to do.
    LogOverloaded,
    /// The log says that the stream ends elsewhere: whoever decided was wrong about it.
    LogConflicts,
    /// The log takes its time: written at once, acknowledged late. Without actors nobody is there to wait, so at the
    /// boundary it is as if nothing happened.
    LogSlow,
    /// The log wrote, but cannot say so; it takes nothing more until it is opened again.
    UncertainWritten,
    /// The log did not write, but cannot say so; it takes nothing more until it is opened again.
    UncertainLost,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::None,
        Self::DiesBeforeDecision,
        Self::DiesBeforeAppend,
        Self::DiesQueued,
        Self::DiesWritten,
        Self::DiesAcknowledged,
        Self::DiesFolded,
        Self::DiesAnswering,
        Self::DiesAnswered,
        Self::AnswerLost,
        Self::WorkerDies,
        Self::LogFull,
        Self::LogFails,
        Self::LogOverloaded,
        Self::LogConflicts,
        Self::LogSlow,
        Self::UncertainWritten,
        Self::UncertainLost,
    ];

    /// The stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::DiesBeforeDecision => "dies_before_decision",
            Self::DiesBeforeAppend => "dies_before_append",
            Self::DiesQueued => "dies_queued",
            Self::DiesWritten => "dies_written",
            Self::DiesAcknowledged => "dies_acknowledged",
            Self::DiesFolded => "dies_folded",
            Self::DiesAnswering => "dies_answering",
            Self::DiesAnswered => "dies_answered",
            Self::AnswerLost => "answer_lost",
            Self::WorkerDies => "worker_dies",
            Self::LogFull => "log_full",
            Self::LogFails => "log_fails",
            Self::LogOverloaded => "log_overloaded",
            Self::LogConflicts => "log_conflicts",
            Self::LogSlow => "log_slow",
            Self::UncertainWritten => "uncertain_written",
            Self::UncertainLost => "uncertain_lost",
        }
    }

    /// As a sentence of a story.
    #[must_use]
    pub fn told(self) -> &'static str {
        match self {
            Self::None => "all goes well",
            Self::DiesBeforeDecision => "the process dies before it looks at the call",
            Self::DiesBeforeAppend => "the process dies between decision and append",
            Self::DiesQueued => "the process dies with the commit in the log's queue",
            Self::DiesWritten => "the process dies with the commit on disk, before the log says so",
            Self::DiesAcknowledged => "the process dies with the commit acknowledged, before it is folded",
            Self::DiesFolded => "the process dies with the commit folded, before the answer",
            Self::DiesAnswering => "the process dies and the answer is lost",
            Self::DiesAnswered => "the process dies once the client has its answer",
            Self::AnswerLost => "the answer is lost, the process lives",
            Self::WorkerDies => "the worker of the ticket dies over the decision",
            Self::LogFull => "the disk is full",
            Self::LogFails => "the log fails before it writes",
            Self::LogOverloaded => "the log is overloaded",
            Self::LogConflicts => "the log finds the stream elsewhere than expected",
            Self::LogSlow => "the log takes its time",
            Self::UncertainWritten => "the log wrote but cannot say so, and stops",
            Self::UncertainLost => "the log did not write but cannot say so, and stops",
        }
    }

    /// Whether a commit that was decided is on disk.
    #[must_use]
    pub fn is_written(self) -> bool {
        match self {
            Self::None
            | Self::DiesWritten
            | Self::DiesAcknowledged
            | Self::DiesFolded
            | Self::DiesAnswering
            | Self::DiesAnswered
            | Self::AnswerLost
            | Self::LogSlow
            | Self::UncertainWritten => true,
            Self::DiesBeforeDecision
            | Self::DiesBeforeAppend
            | Self::DiesQueued
            | Self::WorkerDies
            | Self::LogFull
            | Self::LogFails
            | Self::LogOverloaded
            | Self::LogConflicts
            | Self::UncertainLost => false,
        }
    }

    /// Whether the process folds what was written.
    #[must_use]
    pub fn is_folded(self) -> bool {
        matches!(
            self,
            Self::None | Self::DiesFolded | Self::DiesAnswering | Self::DiesAnswered | Self::AnswerLost | Self::LogSlow
        )
    }

    /// Whether an answer, a refusal too, reaches the client.
    #[must_use]
    pub fn is_heard(self) -> bool {
        matches!(
            self,
            Self::None
                | Self::DiesAnswered
                | Self::LogFull
                | Self::LogFails
                | Self::LogOverloaded
                | Self::LogConflicts
                | Self::LogSlow
                | Self::UncertainWritten
                | Self::UncertainLost
        )
    }

    /// Whether a new process has to be started over what is on disk.
    #[must_use]
    pub fn is_crash(self) -> bool {
        match self {
            Self::DiesBeforeDecision
            | Self::DiesBeforeAppend
            | Self::DiesQueued
            | Self::DiesWritten
            | Self::DiesAcknowledged
            | Self::DiesFolded
            | Self::DiesAnswering
            | Self::DiesAnswered
            | Self::UncertainWritten
            | Self::UncertainLost => true,
            Self::None
            | Self::AnswerLost
            | Self::WorkerDies
            | Self::LogFull
            | Self::LogFails
            | Self::LogOverloaded
            | Self::LogConflicts
            | Self::LogSlow => false,
        }
    }

    /// What the log answers instead of taking the commit.
    #[must_use]
    pub fn log_error(self) -> Option<Error> {
        match self {
            Self::LogFull => Some(Error::Full),
            Self::LogFails => Some(Error::Io {
                doing: "append".to_owned(),
                kind: std::io::ErrorKind::Other,
                message: "scheduled".to_owned(),
            }),
            Self::LogOverloaded => Some(Error::Overloaded { n_queued: 4_096 }),
            Self::LogConflicts => Some(Error::Conflict {
                expected: Expected::NoStream,
                found: None,
            }),
            Self::None
            | Self::DiesBeforeDecision
            | Self::DiesBeforeAppend
            | Self::DiesQueued
            | Self::DiesWritten
            | Self::DiesAcknowledged
            | Self::DiesFolded
            | Self::DiesAnswering
            | Self::DiesAnswered
            | Self::AnswerLost
            | Self::WorkerDies
            | Self::LogSlow
            | Self::UncertainWritten
            | Self::UncertainLost => None,
        }
    }

    /// Every way in which a process with calls under way on as many tickets can die: the log writes them in their
    /// order, so a first part is on disk, of that a first part acknowledged and folded, of that a first part answered.
    #[must_use]
    pub fn of_batch(n_calls: usize) -> Vec<Vec<Self>> {
        let mut all = Vec::new();
        for n_written in 0..=n_calls {
            for n_folded in 0..=n_written {
                for n_answered in 0..=n_folded {
                    let of = |idx: usize| {
                        if idx < n_answered {
                            Self::DiesAnswered
                        } else if idx < n_folded {
                            Self::DiesFolded
                        } else if idx < n_written {
                            Self::DiesWritten
                        } else {
                            Self::DiesQueued
                        }
                    };
                    all.push((0..n_calls).map(of).collect());
                }
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_dies_in_every_way_and_once_in_each() {
        for (n_calls, n_ways) in [(1, 4), (2, 10), (3, 20)] {
            let ways: std::collections::BTreeSet<_> = Trouble::of_batch(n_calls).into_iter().collect();
            assert_eq!(ways.len(), n_ways);
        }
    }

    #[test]
    fn what_is_folded_was_written() {
        for trouble in Trouble::ALL {
            assert!(trouble.is_written() || !trouble.is_folded(), "{trouble:?}");
            assert!(!trouble.is_written() || trouble.log_error().is_none(), "{trouble:?}");
        }
    }
}
