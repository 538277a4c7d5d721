//! Tenants and the directory (semantics: directory): one stream per tenant.
//!
//! Here: the data of users, departments, roles, applications. The aggregate is in `account/{command,event,decide,apply}`,
//! the snapshot that decisions look at in `account/directory`, rights in `account/permission`, files with a whole
//! directory in `account/import`, secrets in `account/{token,password}`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{AppName, DeptId, RoleId, TenantId, UserId, WorkflowId};
use crate::time::Timestamp;
use crate::value::Value;

pub mod absence;
pub mod apply;
pub mod by_id;
pub mod channel;
pub mod command;
pub mod decide;
pub mod delegate;
pub mod directory;
pub mod email;
pub mod event;
pub mod import;
pub mod notice_event;
pub mod password;
pub mod permission;
pub mod person;
pub mod token;

/// A tenant: owner of everything else; nothing crosses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Name shown to people.
    pub name: String,
    /// Domain by which the command line names it, lower-case.
    pub domain: String,
    /// IANA name of its time zone.
    pub time_zone: String,
}

/// What kind of user this is (semantics: directory).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserType {
    /// Administers the tenant: sees and may intervene in everything.
    Admin,
    /// May publish workflows.
    WorkflowAdmin,
    /// Anybody else.
    Normal,
}

impl UserType {
    /// The wire word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::WorkflowAdmin => "workflow_admin",
            Self::Normal => "normal",
        }
    }

    /// Reads the wire word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Admin, Self::WorkflowAdmin, Self::Normal]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

/// A user of a tenant.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Account name.
    pub name: String,
    /// Name shown to people; may be empty.
    pub alias: String,
    /// Unique over all tenants, lower-case.
    pub email: String,
    /// Phone number as given.
    pub phone: String,
    /// What it may do as such.
    pub user_type: UserType,
    /// Inactive users can do nothing and are assigned nothing.
    pub is_active: bool,
    /// URL of a picture or empty.
    pub avatar: String,
    /// Language tag.
    pub lang: String,
    /// Free object.
    pub label: Value,
    /// Departments it belongs to.
    pub depts: Vec<Membership>,
    /// Roles it has, sorted, no duplicates.
    pub roles: Vec<RoleId>,
    /// argon2id hash in PHC form.
    pub password_hash: Option<String>,
    /// When it was first imported.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl User {
    /// Alias, else name: how people are shown (semantics: directory).
    #[must_use]
    pub fn shown_name(&self) -> &str {
        if self.alias.is_empty() { &self.name } else { &self.alias }
    }

    /// The primary department, else the first.
    #[must_use]
    pub fn primary_dept(&self) -> Option<&DeptId> {
        self.depts
            .iter()
            .find(|dept| dept.is_primary)
            .or_else(|| self.depts.first())
            .map(|dept| &dept.dept_id)
    }
}

impl fmt::Debug for User {
    /// Without the password hash.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("user_type", &self.user_type)
            .field("is_active", &self.is_active)
            .finish_non_exhaustive()
    }
}

/// That a user belongs to a department.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The department.
    pub dept_id: DeptId,
    /// Whether it is the user's primary one; exactly one is.
    pub is_primary: bool,
}

/// A department of the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dept {
    /// Its id.
    pub id: DeptId,
    /// Its name.
    pub name: String,
    /// The department above it.
    pub parent: Option<DeptId>,
    /// Who leads it.
    pub leader: Option<UserId>,
    /// Who approves for it, in the order given.
    pub approvers: Vec<UserId>,
}

/// A role; who has it stands with the users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Its id.
    pub id: RoleId,
    /// Its name.
    pub name: String,
}

/// A client program and the workflows it may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Name, which is its id.
    pub name: AppName,
    /// Which workflows it may use by its own entry; a workflow may name it as well (semantics: directory).
    pub workflows: AppWorkflows,
}

/// The workflows of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AppWorkflows {
    /// All of the tenant.
    All,
    /// These.
    Only(Vec<WorkflowId>),
}
