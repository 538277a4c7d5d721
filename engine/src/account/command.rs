//! What can be asked of a tenant's directory, and what a decision may look at besides it.

use std::collections::{BTreeMap, BTreeSet};

use super::User;
use super::absence::SetAbsence;
use super::import::DirectoryFile;
use crate::id::{AbsenceId, AccessTokenId, UserId};
use crate::time::Timestamp;

/// A request to a directory.
#[derive(Clone, Debug)]
pub enum Command {
    /// Bring the directory to what a file says; the operator at the machine only. What the file does not name stays.
    Import {
        /// The file.
        file: Box<DirectoryFile>,
        /// Hashes of passwords that are new (`password::missing_hashes`).
        hashes: BTreeMap<UserId, String>,
    },
    /// Bring a user to this state; its times are set by the decision.
    PutUser {
        /// A tenant admin; `None` for the operator at the machine.
        by: Option<UserId>,
        /// The whole user.
        user: Box<User>,
    },
    /// Make a personal access token.
    CreateAccessToken {
        /// Fresh public id.
        id: AccessTokenId,
        /// Whose it is and who asks.
        user: UserId,
        /// What the user calls it.
        label: String,
        /// Digest of the secret (`token::digest`).
        sha256: [u8; 32],
        /// Days it lives, 1 to `limits::ACCESS_TOKEN_DAYS_MAX`; `None` for ever.
        expires_in_days: Option<u32>,
    },
    /// Take a personal access token back. Once more is no event.
    RevokeAccessToken {
        /// Which.
        id: AccessTokenId,
        /// Who asks: its user.
        by: UserId,
    },
    /// Note that sessions and tickets were looked at again for what changed up to this version. Once more is no event.
    Review {
        /// The version of what was looked at.
        version: u64,
    },
    /// Say that somebody will be absent. The same once more is no event.
    SetAbsence(Box<SetAbsence>),
    /// Take an absence back.
    ClearAbsence {
        /// Which.
        id: AbsenceId,
        /// Who asks: whose it is, or a tenant admin; `None` for the operator at the machine.
        by: Option<UserId>,
    },
}

/// What other tenants have that no two tenants may have. Those names that a request brings in are enough.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Foreign {
    /// E-mail addresses of their users, lower-case: by its address alone a person is found.
    pub emails: BTreeSet<String>,
    /// Their domains, lower-case: by its domain alone a tenant is found.
    pub domains: BTreeSet<String>,
}

/// What a decision may look at besides the directory.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The present instant.
    pub now: Timestamp,
    /// What is taken by other tenants.
    pub foreign: &'a Foreign,
}
