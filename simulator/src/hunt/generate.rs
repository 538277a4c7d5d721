//! What a run is made of, drawn from a tape: definitions and directories, then what people ask for, with which values.

pub mod definitions;
pub mod requests;
pub mod values;
