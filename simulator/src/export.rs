//! Definitions and runs in forms that other tools read, one file each.

pub mod pnml;
