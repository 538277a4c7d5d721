//! Files that hold a tenant's whole directory: read and checked with all problems at once (semantics: directory).
//!
//! An import adds and changes, it never removes: a user leaves by `is_active: false`, and what the file does not name
//! stays as it is, unless the operator says that the file is the whole directory (`with_leavers`). References may
//! therefore also point to what the directory has already.
//!
//! Not here: what an import changes (`decide`), hashes of passwords (`password`).

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use serde_json::Value as Json;

use super::channel::{Channel, NoticeChoice};
use super::command::Foreign;
use super::directory::Directory;
use super::event::Event;
use super::token::Secret;
use super::{Application, Dept, Membership, Role, Tenant, User, UserType, email};
use crate::calendar::Calendar;
use crate::id::{DeptId, RoleId, UserId};
use crate::limits::{DIRECTORY_ENTRY_BYTES_MAX, PASSWORD_BYTES_MAX};

mod channels;
mod ids;
mod read;
mod reader;

/// JSON Schema (draft 2020-12) of directory files, for editors. The tests hold it against the keys that are read here.
pub const SCHEMA: &str = include_str!("../../schemas/directory.json");

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
    /// Calendars, which take the place of all that are there; `None` where the file does not speak of any.
    pub calendars: Option<Vec<Calendar>>,
    /// Channels, which take the place of all that are there; `None` where the file does not speak of any.
    pub channels: Option<Vec<Channel>>,
    /// The tenant's language; `None` where it stays.
    pub lang: Option<String>,
    /// Keys that nothing reads, with the entry they stand in: worth a look, no hindrance.
    pub warnings: Vec<ImportProblem>,
}

/// A user of a file. Its times and its hash are set by the decision.
#[derive(Clone, Debug)]
pub struct UserEntry {
    /// The user.
    pub user: User,
    /// Its password in clear, if the file gives one; without, the one it has stays.
    pub password: Option<Secret>,
    /// What they choose to be told; `None` where that stays.
    pub choice: Option<NoticeChoice>,
}

impl DirectoryFile {
    /// Reads a file's JSON.
    ///
    /// # Errors
    /// Every wrong shape.
    pub fn parse(json: &Json) -> Result<Self, Vec<ImportProblem>> {
        read::read(json)
    }

    /// Active users of the directory whom the file does not name, by id.
    pub fn missing_users<'a>(&'a self, directory: &'a Directory) -> impl Iterator<Item = &'a Arc<User>> {
        let named = self.named_users();
        let users = directory.users.values();
        users.filter(move |user| user.is_active && !named.contains(&user.id))
    }

    /// How many they are; does not go through the directory to find out.
    #[must_use]
    pub fn n_missing_users(&self, directory: &Directory) -> usize {
        let named = self.named_users();
        let n_named = named.iter().filter(|id| directory.active_user(id).is_some()).count();
        directory.n_active_users.saturating_sub(n_named)
    }

    fn named_users(&self) -> HashSet<&UserId> {
        self.users.iter().map(|entry| &entry.user.id).collect()
    }

    /// The same file as one that names everybody: whoever it leaves out is in it as no longer active.
    #[must_use]
    pub fn with_leavers(mut self, leavers: &[Arc<User>]) -> Self {
        self.users.extend(leavers.iter().map(|user| UserEntry {
            user: User {
                is_active: false,
                ..User::clone(user)
            },
            password: None,
            choice: None,
        }));
        self
    }

    /// A file with one user only.
    pub(super) fn of_user(directory: &Directory, user: User) -> Self {
        Self {
            tenant: directory.tenant.clone(),
            users: vec![UserEntry {
                user,
                password: None,
                choice: None,
            }],
            depts: Vec::new(),
            roles: Vec::new(),
            applications: Vec::new(),
            calendars: None,
            channels: None,
            lang: None,
            warnings: Vec::new(),
        }
    }
}

/// A user in the form in which it is kept: address lower-case, roles sorted without repetition.
#[must_use]
pub(super) fn normalized(mut user: User) -> User {
    user.email = email::folded(&user.email);
    user.roles.sort();
    user.roles.dedup();
    user
}

/// Everything in a file that does not fit together, or not to the directory it goes to. Looks at the file's entries and
/// at what they name, never at the whole directory: a change of one person among many is a small one.
#[must_use]
pub fn check(file: &DirectoryFile, directory: &Directory, foreign: &Foreign) -> Vec<ImportProblem> {
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
    domain(file, directory, foreign, &mut problems);
    ids::check(file, directory, &mut problems);
    duplicate_ids(file, &mut problems);
    users(file, directory, &mut problems);
    emails(file, directory, foreign, &mut problems);
    depts(file, directory, &mut problems);
    parent_loops(file, directory, &mut problems);
    problems
}

/// A domain belongs to one of all tenants. One that the tenant has already stays its own: logs written before this was
/// asked may hold a domain twice, and their people must go on being changed.
fn domain(file: &DirectoryFile, directory: &Directory, foreign: &Foreign, problems: &mut Vec<ImportProblem>) {
    let domain = &file.tenant.domain;
    if domain.to_lowercase() != directory.tenant.domain.to_lowercase() && foreign.domains.contains(domain) {
        // Does not say whose it is: nothing crosses a tenant.
        let sentence = format!("the domain `{domain}` is another tenant's: give this tenant its own");
        problems.push(ImportProblem::new("duplicate_domain", sentence));
    }
}

fn duplicate_ids(file: &DirectoryFile, problems: &mut Vec<ImportProblem>) {
    let calendars = file.calendars.iter().flatten();
    let channels = file.channels.iter().flatten();
    let kinds: [(&str, Vec<&str>); 6] = [
        ("users", file.users.iter().map(|entry| entry.user.id.as_str()).collect()),
        ("departments", file.depts.iter().map(|dept| dept.id.as_str()).collect()),
        ("roles", file.roles.iter().map(|role| role.id.as_str()).collect()),
        (
            "applications",
            file.applications.iter().map(|app| app.name.as_str()).collect(),
        ),
        ("calendars", calendars.map(|calendar| calendar.id.as_str()).collect()),
        ("channels", channels.map(|channel| channel.id.as_str()).collect()),
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
    let depts: BTreeSet<&DeptId> = file.depts.iter().map(|dept| &dept.id).collect();
    let is_dept = |id: &DeptId| depts.contains(id) || directory.depts.contains_key(id);
    let roles: BTreeSet<&RoleId> = file.roles.iter().map(|role| &role.id).collect();
    let is_role = |id: &RoleId| roles.contains(id) || directory.roles.contains_key(id);
    for UserEntry { user, password, .. } in &file.users {
        let mut problem = |code, sentence: String| {
            problems.push(ImportProblem::new(code, format!("user `{}` {sentence}", user.id)));
        };
        for dept in user.depts.iter().filter(|dept| !is_dept(&dept.dept_id)) {
            problem(
                "unknown_dept",
                format!("is in the department `{}`, which is not there", dept.dept_id),
            );
        }
        for role in user.roles.iter().filter(|role| !is_role(role)) {
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
fn emails(file: &DirectoryFile, directory: &Directory, foreign: &Foreign, problems: &mut Vec<ImportProblem>) {
    let in_file: BTreeSet<&UserId> = file.users.iter().map(|entry| &entry.user.id).collect();
    // Who has an address and is not in the file keeps it.
    let stays = |email: &str| {
        let owner = directory.user_by_email(email).map(|user| &user.id);
        owner.filter(|owner| !in_file.contains(owner))
    };
    let mut owners: BTreeMap<&str, &UserId> = BTreeMap::new();
    for UserEntry { user, .. } in &file.users {
        let email = user.email.as_str();
        if !email.contains('@') || email.contains(|c: char| c.is_whitespace() || c.is_control()) {
            let sentence = format!("user `{}` has no usable e-mail address: give one", user.id);
            problems.push(ImportProblem::new("bad_email", sentence));
            continue;
        }
        if foreign.emails.contains(email) {
            // Does not say whose it is: nothing crosses a tenant.
            let sentence = format!("the e-mail address of user `{}` is taken", user.id);
            problems.push(ImportProblem::new("duplicate_email", sentence));
        } else if let Some(other) = owners.insert(email, &user.id).or_else(|| stays(email))
            && other != &user.id
        {
            let sentence = format!("users `{other}` and `{}` have the same e-mail address", user.id);
            problems.push(ImportProblem::new("duplicate_email", sentence));
        }
    }
}

fn depts(file: &DirectoryFile, directory: &Directory, problems: &mut Vec<ImportProblem>) {
    if file.depts.is_empty() {
        return;
    }
    let depts: BTreeSet<&DeptId> = file.depts.iter().map(|dept| &dept.id).collect();
    let is_dept = |id: &DeptId| depts.contains(id) || directory.depts.contains_key(id);
    let users: BTreeSet<&UserId> = file.users.iter().map(|entry| &entry.user.id).collect();
    let is_user = |id: &UserId| users.contains(id) || directory.users.contains_key(id);
    for dept in &file.depts {
        if let Some(parent) = dept.parent.as_ref().filter(|parent| !is_dept(parent)) {
            let sentence = format!("department `{}` is below `{parent}`, which is not there", dept.id);
            problems.push(ImportProblem::new("unknown_dept", sentence));
        }
        for user in dept.leader.iter().chain(&dept.approvers).filter(|user| !is_user(user)) {
            let sentence = format!("department `{}` names the user `{user}`, who is not there", dept.id);
            problems.push(ImportProblem::new("unknown_user", sentence));
        }
    }
}

fn parent_loops(file: &DirectoryFile, directory: &Directory, problems: &mut Vec<ImportProblem>) {
    let in_file: BTreeMap<&DeptId, &Dept> = file.depts.iter().map(|dept| (&dept.id, dept)).collect();
    let parent_of = |id: &DeptId| {
        let dept = in_file.get(id).copied();
        dept.or_else(|| directory.depts.get(id).map(|dept| &**dept))
            .and_then(|dept| dept.parent.as_ref())
    };
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
            next = parent_of(dept);
        }
        ends.extend(way);
    }
}

/// Why a file cannot be the whole directory, if so: nobody would be left who may mend what goes wrong.
pub fn check_whole(file: &DirectoryFile) -> Option<ImportProblem> {
    let is_admin = |entry: &UserEntry| entry.user.is_active && entry.user.user_type == UserType::Admin;
    let sentence = "the file has no active user of type `admin`, so that it cannot be the whole directory: \
                    add one, or import it without `--whole`";
    (!file.users.iter().any(is_admin)).then(|| ImportProblem::new("no_admin_left", sentence))
}

/// That an entry is larger than one may be.
pub(super) fn too_large(event: &Event, n_bytes: usize) -> ImportProblem {
    let what = match event {
        Event::TenantChanged(tenant) => format!("the tenant `{}`", tenant.id),
        Event::DeptPut(dept) => format!("department `{}`", dept.id),
        Event::RolePut(role) => format!("role `{}`", role.id),
        Event::ApplicationPut(app) => format!("application `{}`", app.name),
        Event::UserPut(user) => format!("user `{}`", user.id),
        Event::CalendarsPut(calendars) => format!("the list of {} calendars", calendars.len()),
        Event::ChannelsPut(channels) => format!("the list of {} channels", channels.len()),
        Event::NoticesChosen(chosen) => format!("user `{}`", chosen.user),
        Event::LanguageChanged(_)
        | Event::AccessTokenCreated(_)
        | Event::AccessTokenRevoked { .. }
        | Event::ImportBegun
        | Event::ImportFinished
        | Event::ImportBrokenOff
        | Event::Reviewed { .. }
        | Event::AbsenceSet(_)
        | Event::AbsenceCleared { .. } => "an entry".to_owned(),
    };
    let sentence = format!("{what} takes {n_bytes} bytes: at most {DIRECTORY_ENTRY_BYTES_MAX} are allowed, shorten it");
    ImportProblem::new("too_large", sentence)
}

/// A directory file of the fixtures, as read.
#[cfg(test)]
pub(crate) fn fixture_file(name: &str) -> DirectoryFile {
    let path = format!("{}/fixtures/directory/{name}.json", env!("CARGO_MANIFEST_DIR"));
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
        foreign: &Foreign::default(),
    };
    let events = super::decide::decide(&directory, &command, &context).expect("a valid directory");
    events.iter().fold(directory, super::apply::apply)
}

#[cfg(test)]
mod tests;
