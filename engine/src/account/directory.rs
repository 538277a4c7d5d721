//! A tenant's directory as decisions look at it: read-only, shared, with the indexes that rules need.
//!
//! Not here: how it changes (`account/decide`, `account/apply`), who may do what (`account/permission`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use super::absence::Absence;
use super::by_id::ById;
use super::channel::{Channel, NoticeChoice};
use super::event::Event;
use super::token::AccessToken;
use super::{Application, Dept, Role, Tenant, User, email};
use crate::calendar::{Calendar, WorkingTime};
use crate::id::{AccessTokenId, AppName, CalendarId, ChannelId, DeptId, RoleId, TenantId, UserId};

/// Everything a tenant's directory stream folds to. Cheap to clone: entries are shared.
#[derive(Clone, Debug)]
pub struct Directory {
    /// The tenant.
    pub tenant: Tenant,
    /// Users by id.
    pub users: ById<UserId, User>,
    /// Departments by id.
    pub depts: ById<DeptId, Dept>,
    /// Roles by id.
    pub roles: ById<RoleId, Role>,
    /// Applications by name.
    pub applications: ById<AppName, Application>,
    /// Personal access tokens by their public id, revoked ones included.
    pub access_tokens: ById<AccessTokenId, AccessToken>,
    /// Calendars, in the order of the file.
    pub calendars: Arc<[Calendar]>,
    /// Channels, in the order of the file.
    pub channels: Arc<[Channel]>,
    /// The language in which people are told who have none of their own; empty for none.
    pub lang: String,
    /// What people have chosen to be told, where they have.
    pub notices: ById<UserId, NoticeChoice>,
    /// Number of events folded.
    pub version: u64,
    pub(super) by_email: OrdMap<String, UserId>,
    pub(super) by_dept: OrdMap<DeptId, OrdSet<UserId>>,
    pub(super) by_role: OrdMap<RoleId, OrdSet<UserId>>,
    pub(super) tokens_by_user: OrdMap<UserId, OrdSet<AccessTokenId>>,
    pub(super) below: OrdMap<DeptId, OrdSet<DeptId>>,
    /// Of each user who has any, in the order in which they were set; some may be over.
    pub(super) absences: OrdMap<UserId, Arc<[Absence]>>,
    pub(super) n_active_users: usize,
    pub(super) staged: Option<Vec<Event>>,
    pub(super) unreviewed: Option<Arc<Unreviewed>>,
    pub(super) zone: jiff::tz::TimeZone,
    pub(super) working: Arc<BTreeMap<CalendarId, WorkingTime>>,
}

/// What changed in a directory and concerns sessions or tickets that nobody has looked at again since: recorded with the
/// change, so that a crash between the two loses nothing (semantics: intervention).
#[derive(Clone, Debug, Default)]
pub struct Unreviewed {
    /// People who were there and whose activity is another now.
    pub users: OrdSet<UserId>,
    /// The directory before its calendars or its zone changed, where they did.
    pub before: Option<Arc<Directory>>,
    /// The directory's version with the last of these changes.
    pub version: u64,
}

impl Directory {
    /// An empty directory of a tenant; the zone is UTC where the name is unknown (refused at import).
    #[must_use]
    pub fn new(tenant: Tenant) -> Self {
        let zone = crate::time::zone_named(&tenant.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
        Self {
            tenant,
            users: ById::default(),
            depts: ById::default(),
            roles: ById::default(),
            applications: ById::default(),
            access_tokens: ById::default(),
            calendars: Arc::default(),
            channels: Arc::default(),
            lang: String::new(),
            notices: ById::default(),
            version: 0,
            by_email: OrdMap::new(),
            by_dept: OrdMap::new(),
            by_role: OrdMap::new(),
            tokens_by_user: OrdMap::new(),
            below: OrdMap::new(),
            absences: OrdMap::new(),
            n_active_users: 0,
            staged: None,
            unreviewed: None,
            zone,
            working: Arc::default(),
        }
    }

    /// The directory of a tenant of which nothing but the id is known: what an empty stream folds to.
    #[must_use]
    pub fn empty(id: TenantId) -> Self {
        Self::new(Tenant {
            id,
            name: String::new(),
            domain: String::new(),
            time_zone: "UTC".to_owned(),
        })
    }

    /// Whether an import was begun that is neither finished nor broken off. Nothing of it counts; the next change
    /// breaks it off.
    #[must_use]
    pub fn has_open_import(&self) -> bool {
        self.staged.is_some()
    }

    /// What is still to be looked at again.
    #[must_use]
    pub fn unreviewed(&self) -> Option<&Arc<Unreviewed>> {
        self.unreviewed.as_ref()
    }

    /// Lets go of what an open import has brought so far, which nobody will see: it only takes up memory.
    pub fn forget_staged(&mut self) {
        if let Some(staged) = &mut self.staged {
            *staged = Vec::new();
        }
    }

    /// Whether the tenant was ever named: not where its first import was begun and never finished.
    #[must_use]
    pub fn is_named(&self) -> bool {
        !(self.tenant.name.is_empty() && self.tenant.domain.is_empty())
    }

    /// The tenant's time zone.
    #[must_use]
    pub fn zone(&self) -> &jiff::tz::TimeZone {
        &self.zone
    }

    /// A calendar.
    #[must_use]
    pub fn calendar(&self, id: &CalendarId) -> Option<&Calendar> {
        self.calendars.iter().find(|calendar| calendar.id == *id)
    }

    /// A channel.
    #[must_use]
    pub fn channel(&self, id: &ChannelId) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == *id)
    }

    /// What a user has chosen to be told.
    #[must_use]
    pub fn notice_choice(&self, user: &UserId) -> NoticeChoice {
        self.notices
            .get(user)
            .map(|choice| NoticeChoice::clone(choice))
            .unwrap_or_default()
    }

    /// How working time runs by a calendar; without one, and by one that is not there, always (semantics: calendars).
    #[must_use]
    pub fn working_time(&self, calendar: Option<&CalendarId>) -> &WorkingTime {
        calendar
            .and_then(|id| self.working.get(id))
            .unwrap_or(&WorkingTime::ALWAYS)
    }

    /// A user, active or not.
    #[must_use]
    pub fn user(&self, id: &UserId) -> Option<&Arc<User>> {
        self.users.get(id)
    }

    /// A user that exists and is active.
    #[must_use]
    pub fn active_user(&self, id: &UserId) -> Option<&Arc<User>> {
        self.users.get(id).filter(|user| user.is_active)
    }

    /// A user by e-mail address, whatever the case of its ASCII letters.
    #[must_use]
    pub fn user_by_email(&self, email: &str) -> Option<&Arc<User>> {
        self.users.get(self.by_email.get(&email::folded(email))?)
    }

    /// Active members of a department and its descendants, by id.
    #[must_use]
    pub fn active_members(&self, dept: &DeptId) -> BTreeSet<UserId> {
        self.descendants(dept)
            .iter()
            .filter_map(|dept| self.by_dept.get(dept))
            .flatten()
            .filter(|user| self.active_user(user).is_some())
            .cloned()
            .collect()
    }

    /// Users linked to a department itself, not to one below it; by id, inactive ones included. `None` for none.
    pub fn linked(&self, dept: &DeptId) -> Option<&OrdSet<UserId>> {
        self.by_dept.get(dept)
    }

    /// Active members of a role, by id.
    pub fn active_role_members(&self, role: &RoleId) -> impl Iterator<Item = &UserId> {
        let members = self.by_role.get(role).into_iter().flatten();
        members.filter(|user| self.active_user(user).is_some())
    }

    /// A department and all below it; empty for an unknown one. A parent loop (refused at import) ends the walk.
    #[must_use]
    pub fn descendants(&self, dept: &DeptId) -> BTreeSet<DeptId> {
        let mut found = BTreeSet::new();
        if !self.depts.contains_key(dept) {
            return found;
        }
        let mut work = vec![dept.clone()];
        while let Some(next) = work.pop() {
            if found.insert(next.clone()) {
                work.extend(self.below.get(&next).into_iter().flatten().cloned());
            }
        }
        found
    }

    /// A department and those above it, nearest first.
    #[must_use]
    pub fn ancestors(&self, dept: &DeptId) -> Vec<Arc<Dept>> {
        let mut found: Vec<Arc<Dept>> = Vec::new();
        let mut next = Some(dept.clone());
        while let Some(dept) = next.and_then(|id| self.depts.get(&id)) {
            if found.iter().any(|seen| seen.id == dept.id) {
                break;
            }
            found.push(dept.clone());
            next = dept.parent.clone();
        }
        found
    }

    /// A user's tokens by id, revoked and expired ones included.
    pub fn access_tokens_of(&self, user: &UserId) -> impl Iterator<Item = &Arc<AccessToken>> {
        let ids = self.tokens_by_user.get(user).into_iter().flatten();
        ids.filter_map(|id| self.access_tokens.get(id))
    }

    /// A user's absences, in the order in which they were set; some may be over.
    #[must_use]
    pub fn absences_of(&self, user: &UserId) -> &[Absence] {
        self.absences.get(user).map_or(&[], |absences| absences)
    }

    /// All absences, by user; some may be over.
    pub fn absences(&self) -> impl Iterator<Item = &Absence> {
        self.absences.values().flat_map(|absences| absences.iter())
    }

    /// Whether the user belongs to the department or one below it.
    #[must_use]
    pub fn is_member(&self, user: &UserId, dept: &DeptId) -> bool {
        let Some(user) = self.users.get(user) else { return false };
        user.depts
            .iter()
            .any(|own| self.ancestors(&own.dept_id).iter().any(|above| &above.id == dept))
    }
}
