//! Files that hold a tenant's whole directory: read and checked with all problems at once (semantics 1).
//!
//! An import adds and changes, it never removes: a user leaves by `is_active: false`, and what the file does not name
//! stays as it is. References may therefore also point to what the directory has already.
//!
//! Not here: what an import changes (`decide`), hashes of passwords (`password`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::directory::Directory;
use super::password::PASSWORD_BYTES_MAX;
use super::token::Secret;
use super::{Application, Dept, Membership, Role, Tenant, User, UserType};
use crate::id::{DeptId, RoleId, UserId};

mod read;

/// What is wrong with a directory, for people and programs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ImportProblem {
    /// Stable word.
    pub code: &'static str,
    /// What is wrong, with the entry it is about.
    pub message: String,
}

impl ImportProblem {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// The first problems in one line.
pub(super) fn sentences(problems: &[ImportProblem]) -> String {
    problems
        .iter()
        .take(5)
        .map(|problem| problem.message.as_str())
        .collect::<Vec<_>>()
        .join("; ")
}

/// A file as read: every entry has the right shape; whether they fit together `check` says.
#[derive(Clone, Debug)]
pub struct DirectoryFile {
    /// The tenant.
    pub tenant: Tenant,
    /// Users with their passwords.
    pub users: Vec<UserEntry>,
    /// Departments.
    pub depts: Vec<Dept>,
    /// Roles.
    pub roles: Vec<Role>,
    /// Applications.
    pub applications: Vec<Application>,
}

/// A user of a file. Its times and its hash are set by the decision.
#[derive(Clone, Debug)]
pub struct UserEntry {
    /// The user.
    pub user: User,
    /// Its password in clear, if the file gives one; without, the one it has stays.
    pub password: Option<Secret>,
}

impl DirectoryFile {
    /// Reads a file's JSON.
    ///
    /// # Errors
    /// Every wrong shape.
    pub fn parse(json: &Json) -> Result<Self, Vec<ImportProblem>> {
        read::read(json)
    }

    /// A file with one user only.
    pub(super) fn of_user(directory: &Directory, user: User) -> Self {
        Self {
            tenant: directory.tenant.clone(),
            users: vec![UserEntry { user, password: None }],
            depts: Vec::new(),
            roles: Vec::new(),
            applications: Vec::new(),
        }
    }
}

/// A user in the form in which it is kept: address lower-case, roles sorted without repetition.
#[must_use]
pub(super) fn normalized(mut user: User) -> User {
    user.email = user.email.trim().to_lowercase();
    user.roles.sort();
    user.roles.dedup();
    user
}

/// Everything in a file that does not fit together, or not to the directory it goes to. `foreign_emails` are those of
/// other tenants, lower-case.
#[must_use]
pub fn check(file: &DirectoryFile, directory: &Directory, foreign_emails: &BTreeSet<String>) -> Vec<ImportProblem> {
    let mut problems = Vec::new();
    if file.tenant.id != directory.tenant.id {
        let sentence = format!(
            "the file is of tenant `{}`, not `{}`",
            file.tenant.id, directory.tenant.id
        );
        problems.push(ImportProblem::new("tenant_mismatch", sentence));
    }
    if crate::time::zone_named(&file.tenant.time_zone).is_none() {
        let sentence = format!("the tenant's time zone `{}` is not known", file.tenant.time_zone);
        problems.push(ImportProblem::new("unknown_time_zone", sentence));
    }
    duplicate_ids(file, &mut problems);
    users(file, directory, &mut problems);
    emails(file, directory, foreign_emails, &mut problems);
    depts(file, directory, &mut problems);
    parent_loops(file, directory, &mut problems);
    problems
}

fn duplicate_ids(file: &DirectoryFile, problems: &mut Vec<ImportProblem>) {
    let kinds: [(&str, Vec<&str>); 4] = [
        ("users", file.users.iter().map(|entry| entry.user.id.as_str()).collect()),
        ("departments", file.depts.iter().map(|dept| dept.id.as_str()).collect()),
        ("roles", file.roles.iter().map(|role| role.id.as_str()).collect()),
        (
            "applications",
            file.applications.iter().map(|app| app.name.as_str()).collect(),
        ),
    ];
    for (what, ids) in kinds {
        let mut seen = BTreeSet::new();
        for id in ids.into_iter().filter(|id| !seen.insert(*id)) {
            problems.push(ImportProblem::new(
                "duplicate_id",
                format!("two {what} have the id `{id}`"),
            ));
        }
    }
}

fn users(file: &DirectoryFile, directory: &Directory, problems: &mut Vec<ImportProblem>) {
    let depts: BTreeSet<&DeptId> = directory
        .depts
        .keys()
        .chain(file.depts.iter().map(|dept| &dept.id))
        .collect();
    let roles: BTreeSet<&RoleId> = directory
        .roles
        .keys()
        .chain(file.roles.iter().map(|role| &role.id))
        .collect();
    for UserEntry { user, password } in &file.users {
        let mut problem = |code, sentence: String| {
            problems.push(ImportProblem::new(code, format!("user `{}` {sentence}", user.id)));
        };
        for dept in user.depts.iter().filter(|dept| !depts.contains(&dept.dept_id)) {
            problem(
                "unknown_dept",
                format!("is in the department `{}`, which is not there", dept.dept_id),
            );
        }
        for role in user.roles.iter().filter(|role| !roles.contains(role)) {
            problem("unknown_role", format!("has the role `{role}`, which is not there"));
        }
        let unique: BTreeSet<&DeptId> = user.depts.iter().map(|dept| &dept.dept_id).collect();
        if unique.len() != user.depts.len() {
            problem("duplicate_membership", "is in one department twice".to_owned());
        }
        match user.depts.iter().filter(|dept| dept.is_primary).count() {
            1 => {}
            0 if user.depts.is_empty() => {}
            0 => problem("primary_dept_missing", "has no primary department: mark one".to_owned()),
            count => problem(
                "several_primary_depts",
                format!("has {count} primary departments: mark one"),
            ),
        }
        if password
            .as_ref()
            .is_some_and(|password| password.expose().len() > PASSWORD_BYTES_MAX)
        {
            problem(
                "password_too_long",
                format!("has a password of more than {PASSWORD_BYTES_MAX} bytes"),
            );
        }
    }
}

/// An address belongs to one user of all tenants.
fn emails(
    file: &DirectoryFile,
    directory: &Directory,
    foreign_emails: &BTreeSet<String>,
    problems: &mut Vec<ImportProblem>,
) {
    let in_file: BTreeSet<&UserId> = file.users.iter().map(|entry| &entry.user.id).collect();
    let stays = directory.users.values().filter(|user| !in_file.contains(&user.id));
    let mut owners: BTreeMap<&str, &UserId> = stays.map(|user| (user.email.as_str(), &user.id)).collect();
    for UserEntry { user, .. } in &file.users {
        let email = user.email.as_str();
        if !email.contains('@') || email.contains(char::is_whitespace) {
            let sentence = format!("user `{}` has no usable e-mail address: give one", user.id);
            problems.push(ImportProblem::new("bad_email", sentence));
            continue;
        }
        if foreign_emails.contains(email) {
            // Does not say whose it is: nothing crosses a tenant.
            let sentence = format!("the e-mail address of user `{}` is taken", user.id);
            problems.push(ImportProblem::new("duplicate_email", sentence));
        } else if let Some(other) = owners.insert(email, &user.id)
            && other != &user.id
        {
            let sentence = format!("users `{other}` and `{}` have the same e-mail address", user.id);
            problems.push(ImportProblem::new("duplicate_email", sentence));
        }
    }
}

fn depts(file: &DirectoryFile, directory: &Directory, problems: &mut Vec<ImportProblem>) {
    let depts: BTreeSet<&DeptId> = directory
        .depts
        .keys()
        .chain(file.depts.iter().map(|dept| &dept.id))
        .collect();
    let users: BTreeSet<&UserId> = directory
        .users
        .keys()
        .chain(file.users.iter().map(|entry| &entry.user.id))
        .collect();
    for dept in &file.depts {
        if let Some(parent) = dept.parent.as_ref().filter(|parent| !depts.contains(parent)) {
            let sentence = format!("department `{}` is below `{parent}`, which is not there", dept.id);
            problems.push(ImportProblem::new("unknown_dept", sentence));
        }
        for user in dept
            .leader
            .iter()
            .chain(&dept.approvers)
            .filter(|user| !users.contains(user))
        {
            let sentence = format!("department `{}` names the user `{user}`, who is not there", dept.id);
            problems.push(ImportProblem::new("unknown_user", sentence));
        }
    }
}

fn parent_loops(file: &DirectoryFile, directory: &Directory, problems: &mut Vec<ImportProblem>) {
    let mut parents: BTreeMap<&DeptId, Option<&DeptId>> = directory
        .depts
        .values()
        .map(|dept| (&dept.id, dept.parent.as_ref()))
        .collect();
    parents.extend(file.depts.iter().map(|dept| (&dept.id, dept.parent.as_ref())));
    // Those whose way up is known to end, so that each department is climbed once.
    let mut ends: BTreeSet<&DeptId> = BTreeSet::new();
    for start in file.depts.iter().map(|dept| &dept.id) {
        let mut way = BTreeSet::new();
        let mut next = Some(start);
        while let Some(dept) = next.filter(|dept| !ends.contains(dept)) {
            if !way.insert(dept) {
                let sentence = format!("department `{dept}` is below itself: correct a `parent_id`");
                problems.push(ImportProblem::new("parent_loop", sentence));
                break;
            }
            next = parents.get(dept).copied().flatten();
        }
        ends.extend(way);
    }
}

/// A directory file of the fixtures, as read.
#[cfg(test)]
pub(crate) fn fixture_file(name: &str) -> DirectoryFile {
    let path = format!("{}/../tests/fixtures/directory/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let json: Json = serde_json::from_slice(&std::fs::read(path).expect("fixture")).expect("JSON");
    DirectoryFile::parse(&json).expect("a valid directory")
}

/// A directory of the fixtures, without password hashes.
#[cfg(test)]
pub(crate) fn fixture(name: &str) -> Directory {
    use super::command::{Command, Context};

    let file = fixture_file(name);
    let directory = Directory::empty(file.tenant.id.clone());
    let command = Command::Import {
        file: Box::new(file),
        hashes: BTreeMap::new(),
    };
    let context = Context {
        now: crate::time::Timestamp(0),
        foreign_emails: &BTreeSet::new(),
    };
    let events = super::decide::decide(&directory, &command, &context).expect("a valid directory");
    events.iter().fold(directory, super::apply::apply)
}

#[cfg(test)]
mod tests;
