//! What a server recorded: read again ([`recorded`]), and done again on a new version of the definition ([`shadow`]).

pub mod recorded;
pub mod shadow;
