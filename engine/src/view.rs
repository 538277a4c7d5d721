//! Answers to questions about tickets: pure functions and folds over what the log holds.
//!
//! `row` is a ticket in one line, `ticket_list` finds rows through indexes, `ticket_detail` shows one ticket to one
//! viewer, `preview` shows what a rehearsed command would do, `flow_history` tells what happened.
//! Not here: the words and shapes of the wire (the facade's `wire`).

pub mod example;
pub mod flow_history;
pub mod preview;
pub mod row;
pub mod ticket_detail;
#[cfg(feature = "runtime")]
pub mod ticket_list;
pub mod vote;
