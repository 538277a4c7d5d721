//! The rules of tickets, one file per section of the semantics, driven through `decide` and `apply` alone.
//!
//! `play` reads small workflows from text and tells a ticket's position in one line, so that a case reads as
//! given / when / then. Modules in reading order: `game` (tokens), `holding` (assignees and what they do with a
//! node), `voting` (where everyone acts), `offering` (what an offer says), `refusing` (what a refusal says), `forms` (fields, titles), `files` (what they hold),
//! `power` (withdraw, force, migration), `waiting` (timers by a calendar), `deadlines` (and `deadlines/walked`: beside a second,
//! slow count), `seeing` (who sees what).

mod deadlines;
mod files;
mod forms;
mod game;
mod holding;
mod offering;
mod play;
mod power;
mod refusing;
mod seeing;
mod voting;
mod waiting;
