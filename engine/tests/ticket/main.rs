//! The rules of tickets, one file per section of the semantics, driven through `decide` and `apply` alone.
//!
//! `play` reads small workflows from text and tells a ticket's position in one line, so that a case reads as
//! given / when / then. Modules in reading order: `game` (tokens), `holding` (assignees and what they do with a
//! node), `voting` (where everyone acts), `absence` (who stands in for whom), `approving` (what becomes of the creator,
//! of nobody, of who agreed before, and signers), `offering` (what an offer says), `refusing` (what a refusal says), `forms` (fields, titles), `files` (what they hold),
//! `power` (withdraw, force, migration), `going_back` (returns, undoing), `waiting` (timers by a calendar), `deadlines` (and `deadlines/walked`: beside a second,
//! slow count), `seeing` (who sees what), `notices` (who is told of what; `notices/reading`: in which words).

mod absence;
mod approving;
mod deadlines;
mod files;
mod forms;
mod game;
mod going_back;
mod holding;
mod notices;
mod offering;
mod play;
mod power;
mod refusing;
mod seeing;
mod voting;
mod waiting;
