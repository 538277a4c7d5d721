//! Open formats and shadow replay: what is written reads back, what others write is read or told, what is hostile ends
//! in a sentence.
//!
//! Modules in reading order: `fixtures` (inputs), `round_trip` (definition, BPMN, definition), `foreign` (BPMN of other
//! tools), `asked` (who answers what it asks), `hostile` (BPMN of nobody's tool), `recording` (a log as a server makes it), `logs` (XES, OCEL, JUnit), `shadow`,
//! `commands` (the same from the command line), `files` (what the files it names may be like).

mod asked;
mod commands;
mod files;
mod fixtures;
mod foreign;
mod hostile;
mod logs;
mod recording;
mod round_trip;
mod shadow;
