//! What can have happened in a tenant's directory: one variant per fact, past tense (semantics 1).
//!
//! Stored by position and field order through `codec`: only ever append variants; a changed variant is a new schema.
//! Entries are stored whole, so a replay needs nothing but the events. Nothing is ever removed: tickets go on naming
//! who took part in them.

use serde::{Deserialize, Serialize};

use super::token::AccessToken;
use super::{Application, Dept, Role, Tenant, User};
use crate::id::AccessTokenId;
use crate::time::Timestamp;

/// A fact about a tenant's directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The tenant's name, domain or time zone are these from now on.
    TenantChanged(Tenant),
    /// A department is there, as it is now.
    DeptPut(Dept),
    /// A role is there, as it is now.
    RolePut(Role),
    /// An application is there, as it is now.
    ApplicationPut(Application),
    /// A user is there, as it is now.
    UserPut(Box<User>),
    /// A user made a personal access token.
    AccessTokenCreated(AccessToken),
    /// A user took a token back.
    AccessTokenRevoked {
        /// Which.
        id: AccessTokenId,
        /// When.
        at: Timestamp,
    },
}

impl Event {
    /// Stable word for the log and for programs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::TenantChanged(_) => "tenant_changed",
            Self::DeptPut(_) => "dept_put",
            Self::RolePut(_) => "role_put",
            Self::ApplicationPut(_) => "application_put",
            Self::UserPut(_) => "user_put",
            Self::AccessTokenCreated(_) => "access_token_created",
            Self::AccessTokenRevoked { .. } => "access_token_revoked",
        }
    }
}
