//! Definitions, logs and findings in open formats, so that other tools can draw, mine, check and report them.
//!
//! Everything is a function of its input: the same input gives the same bytes. Not here: reading such formats
//! (`import`).

pub mod bpmn;
pub mod history;
pub mod junit;
pub mod mermaid;
pub mod ocel;
pub mod play;
pub mod pnml;
pub mod xes;
