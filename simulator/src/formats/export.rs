//! Definitions, logs and findings in open formats, so that other tools can draw, mine, check and report them.
//!
//! Everything is a function of its input: the same input gives the same bytes. Not here: reading such formats
//! (`import`).

#[cfg(feature = "program")]
pub mod bpmn;
#[cfg(feature = "program")]
pub mod history;
#[cfg(feature = "program")]
pub mod junit;
pub mod mermaid;
#[cfg(feature = "program")]
pub mod ocel;
#[cfg(feature = "program")]
pub mod play;
#[cfg(feature = "program")]
pub mod pnml;
#[cfg(feature = "program")]
pub mod xes;
