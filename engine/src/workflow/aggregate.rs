//! A workflow and its versions: what its stream folds to (semantics: versions).
//!
//! Invariants: at most one version is the default; a version's content never changes. How versions change is decided
//! in `decide` and folded in `apply`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{TenantId, UserId, VersionName, WorkflowId};
use crate::time::Timestamp;
use crate::workflow::WorkflowVersion;

/// What a version is for. Stored by position: only ever append.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VersionState {
    /// New tickets start on it unless they ask for another.
    Default,
    /// New tickets start on it if they ask for it by name.
    Candidate,
    /// No new tickets; running ones stay on it.
    Archived,
}

impl VersionState {
    /// The wire word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Candidate => "candidate",
            Self::Archived => "archived",
        }
    }

    /// Reads the wire word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Default, Self::Candidate, Self::Archived]
            .into_iter()
            .find(|state| state.word() == word)
    }
}

/// One published version.
#[derive(Clone, Debug)]
pub struct PublishedVersion {
    /// What it is for.
    pub state: VersionState,
    /// Its content, ready to run.
    pub definition: Arc<WorkflowVersion>,
    /// SHA-256 of its content, whatever the order of keys (`decide::digest`).
    pub digest: [u8; 32],
    /// When it was published.
    pub published_at: Timestamp,
    /// Who published it; `None` for the operator at the machine.
    pub published_by: Option<UserId>,
}

/// A workflow of a tenant. Cheap to clone: definitions are shared.
#[derive(Clone, Debug)]
pub struct Workflow {
    /// Its id within the tenant.
    pub id: WorkflowId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Versions by name.
    pub versions: BTreeMap<VersionName, PublishedVersion>,
    /// Number of events folded.
    pub version: u64,
}

impl Workflow {
    /// A workflow without versions: what an empty stream folds to.
    #[must_use]
    pub fn new(tenant_id: TenantId, id: WorkflowId) -> Self {
        Self {
            id,
            tenant_id,
            versions: BTreeMap::new(),
            version: 0,
        }
    }

    /// The version that new tickets start on, if one is the default.
    #[must_use]
    pub fn default_version(&self) -> Option<&Arc<WorkflowVersion>> {
        self.versions
            .values()
            .find(|one| one.state == VersionState::Default)
            .map(|one| &one.definition)
    }

    /// A version by name, in whatever state: what a running ticket needs.
    #[must_use]
    pub fn version_named(&self, name: &VersionName) -> Option<&Arc<WorkflowVersion>> {
        self.versions.get(name).map(|one| &one.definition)
    }

    /// The version a new ticket starts on: the default, or the one named unless it is archived.
    #[must_use]
    pub fn version_to_start(&self, name: Option<&VersionName>) -> Option<&Arc<WorkflowVersion>> {
        match name {
            None => self.default_version(),
            Some(name) => self
                .versions
                .get(name)
                .filter(|one| one.state != VersionState::Archived)
                .map(|one| &one.definition),
        }
    }
}
