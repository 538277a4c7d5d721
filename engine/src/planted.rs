//! Bugs on purpose, to see whether the simulator finds them: `loonflow-simulate bugs`, in a build with them.
//!
//! Each stands where it is planted as `planted!(Name, wrong, right)`. Without the feature `planted` that is `right` and
//! nothing else: no branch, no name in the program. The feature is for the simulator's own test alone. The server does
//! not compile with it (`HAS_PLANTED_BUGS`), and a test of the repository sees that nobody turns it on.
//!
//! One bug at a time is switched on for the whole process, as an engine's actors run on several threads.

/// `wrong` while the bug is switched on, else `right`; without a right one, nothing.
#[cfg(feature = "planted")]
macro_rules! planted {
    ($bug:ident, $wrong:expr, $right:expr) => {
        if $crate::planted::is_on($crate::planted::Bug::$bug) {
            $wrong
        } else {
            $right
        }
    };
    ($bug:ident, $wrong:expr) => {
        if $crate::planted::is_on($crate::planted::Bug::$bug) {
            $wrong;
        }
    };
}

/// `right`, or nothing.
#[cfg(not(feature = "planted"))]
macro_rules! planted {
    ($bug:ident, $wrong:expr, $right:expr) => {
        // In a block, so that lints do not see a constant where a bug would stand.
        { $right }
    };
    ($bug:ident, $wrong:expr) => {};
}

#[cfg(feature = "planted")]
pub use on::*;

#[cfg(feature = "planted")]
mod on {
    use std::sync::atomic::{AtomicUsize, Ordering};

    macro_rules! bugs {
        ($($name:ident = $sentence:literal,)*) => {
            /// A bug that can be switched on.
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
            pub enum Bug {
                $(#[doc = $sentence] $name,)*
            }

            impl Bug {
                /// All of them.
                pub const ALL: &[Self] = &[$(Self::$name,)*];

                /// Its name.
                #[must_use]
                pub fn name(self) -> &'static str {
                    match self { $(Self::$name => stringify!($name),)* }
                }

                /// What goes wrong, in a sentence.
                #[must_use]
                pub fn sentence(self) -> &'static str {
                    match self { $(Self::$name => $sentence,)* }
                }
            }
        };
    }

    bugs! {
        HolderActsInConsult = "whoever asked someone can act before the answer",
        CandidateActsUnclaimed = "a candidate can act without having accepted",
        VoterVotesTwice = "where everyone acts, one may act again",
        WithdrawAnywhere = "the creator withdraws also where the node does not allow it",
        WithdrawByAnyone = "whoever is related withdraws, not the creator alone",
        WithdrawStoppedByMerge = "a token that waits at a merge keeps the creator from withdrawing",
        ForceOnDraft = "an admin can force its own draft on",
        StartIsForwarded = "the start node can be forwarded",
        HookRetriedWhileRunning = "a hook that has not failed can be posted again",
        CommentEndsWithTicket = "a ticket that is over takes no comments",
        OfferedNotAllowed = "accept is offered, and refused",
        AmbiguityIsGuessed = "where two nodes fit, the first is taken instead of asking",
        CommentTakesFields = "an action that takes no edge takes fields and drops them",
        RejectForgotten = "a reject leaves the ticket on its way",
        RejectFinishes = "a reject edge into end finishes the ticket",
        InterventionStays = "a ticket that needed help is marked for ever",
        DraftDemandsRequired = "a draft must have its required fields",
        TimerFiresEarly = "a timer fires before it is due",
        LateHookIsTaken = "the answer to an earlier request of a hook is taken for the last",
        ForwardToCreator = "a node that excludes the creator can be forwarded to it",
        ReadonlyIsWritten = "a readonly field takes a new value",
        HiddenIsGuessed = "a hidden field that repeats its value is accepted, so it can be guessed",
        RequiredLeftOut = "a required field that is not sent passes",
        RequiredEmpty = "a required field that is sent empty passes",
        RequiredInRehearsal = "a dry run does not ask for required fields",
        UnknownFieldDropped = "a field that the form does not have is dropped silently",
        TitleIsStale = "an automatic title is made once and never renewed",
        TitleHasAccountName = "an automatic title names the creator by account, not by alias",
        MaximumIgnored = "a number above its maximum is taken",
        OptionInvented = "an option that a select does not have is taken",
        GreaterHoldsAtEqual = "`>` holds for an equal number",
        NumbersAsTexts = "numbers compare as texts",
        MissingIsEqual = "a missing value makes `!=` false",
        GroupsAreAnded = "all groups of conditions must hold, not one",
        ContainsTurnedRound = "`contains` asks whether the value contains the field",
        JoinTooEarly = "a merge goes on with the first token that comes",
        CancelForgotten = "leaving a fork early leaves its other tokens where they are",
        InnermostForkIsLeft = "leaving nested forks early leaves the innermost alone",
        ParallelForgetsOne = "a parallel split leaves out its first way",
        InclusiveTakesOne = "an inclusive split takes only the first way that fits",
        ExclusiveTakesLast = "an exclusive gateway takes the last way that fits",
        DefaultTakenFirst = "a default way is taken where it stands, though others fit",
        TimerIsLate = "a timer is due an hour late",
        NobodyIsFine = "a node that nobody can be assigned to is entered all the same",
        RandomGivesToAll = "strategy random gives the node to the whole pool",
        RehearsalHidesPool = "a dry run does not show the pool of a draw",
        VoluntaryIsDirect = "a voluntary node need not be accepted",
        CreatorIsNotExcluded = "a node that excludes the creator is given to the creator",
        LastHandlerForgotten = "a node that remembers its last handler is given out anew",
        InactiveIsAssigned = "a user who is no longer active is assigned",
        FirstVoteDecides = "where everyone acts, the first choice moves the token",
        RejectIsAVote = "where everyone acts, a reject waits for the others",
        RequiredSkippedNever = "an edge that skips the check of required fields checks them",
        WithdrawnGoesOn = "a withdrawn ticket is on its way",
        CloseFinishes = "a ticket closed by force is finished",
        RetryIsNotCounted = "a hook posted again has the number of the request before",
        JoinForgetsOuterFork = "a joined token forgets the forks around the one that closed",
        ForwardKeepsOldHolder = "whoever forwarded a node holds it still",
        AcceptChangesNothing = "an accepted node stays with all candidates",
        ConsultNeverEnds = "a node stays with the one consulted after the answer",
        ReplayLosesTitle = "a replay does not see that a title changed",
        StrangerSees = "whoever is of the tenant sees every ticket",
        DraftIsShown = "whoever may view the workflow sees drafts of others",
        HiddenIsShown = "whoever acts on a node sees what it hides",
        CopyIsNotRelated = "whoever is put in copy does not see the ticket",
        HistoryTellsHidden = "the history tells changes of hidden fields",
        MigratesOntoOtherKind = "a token is migrated onto a node of another kind",
        ListKeepsOldDuty = "a list shows a ticket also to whom it no longer waits for",
        DiscardedStaysListed = "a discarded draft stays in the lists",
        CheckpointLosesOne = "the checkpoint of a list leaves out its first ticket",
        KeyIsNotKept = "the answer under an idempotency key is not stored",
        VersionIsNotChecked = "a call for another version is carried out",
        ArgumentsAreNotCompared = "a key with other arguments answers the first call",
        SnapshotIsStale = "a replay applies the last commit of its snapshot again",
        CommitLosesLastEvent = "of a commit of many events the last is not stored",
        MetaForgetsWho = "a stored commit does not say who caused it",
        FailedHookIsForgotten = "a hook that failed is not among the open effects",
    }

    /// One more than the place of the bug that is on; 0 for none.
    static ON: AtomicUsize = AtomicUsize::new(0);

    /// Switches one bug on and every other off.
    pub fn switch_on(bug: Option<Bug>) {
        ON.store(bug.map_or(0, |bug| bug as usize + 1), Ordering::SeqCst);
    }

    /// Whether a bug is on.
    #[must_use]
    pub fn is_on(bug: Bug) -> bool {
        ON.load(Ordering::Relaxed) == bug as usize + 1
    }
}
