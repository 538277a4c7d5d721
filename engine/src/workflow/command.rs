//! What can be asked of a workflow, and what a decision may look at besides it.

use std::sync::Arc;

use super::aggregate::VersionState;
use super::validate::ValidationContext;
use crate::id::{UserId, VersionName};
use crate::time::Timestamp;

/// A request to a workflow.
#[derive(Clone, Debug)]
pub enum Command {
    /// Publish a version under the name that the definition gives it.
    Publish {
        /// The definition.
        source: Arc<serde_json::Value>,
        /// Stem of its file, which names a workflow that does not name itself.
        file_stem: Option<String>,
        /// What it is for.
        state: VersionState,
    },
    /// Use a version for something else.
    SetVersionState {
        /// Which.
        name: VersionName,
        /// What for.
        state: VersionState,
    },
}

/// What a decision may look at besides the workflow.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The present instant.
    pub now: Timestamp,
    /// Who asks; `None` for the operator at the machine, who may do everything here.
    pub operator: Option<&'a UserId>,
    /// What definitions are checked against; without a directory no user may publish.
    pub validation: ValidationContext<'a>,
}
