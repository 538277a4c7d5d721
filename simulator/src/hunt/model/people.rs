//! The directory as the model reads it from a directory file (semantics: directory, assignees, visibility): users,
//! departments, roles, calendars.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;
use rustc_hash::FxHashMap;
use serde_json::Value as Json;

use super::Id;
use super::definition::{Definition, ids, list, text};
use super::working::Calendar;

/// Everybody.
#[derive(Clone, Debug)]
pub(super) struct People {
    pub(super) users: BTreeMap<Id, Arc<User>>,
    /// The same, to look one up: long ids with a common beginning are slow to compare.
    by_id: FxHashMap<Id, Arc<User>>,
    pub(super) depts: BTreeMap<Id, Dept>,
    pub(super) zone: TimeZone,
    pub(super) calendars: BTreeMap<Id, Calendar>,
    pub(super) absences: Vec<Absence>,
}

/// Somebody is away, and another stands in.
#[derive(Clone, Debug)]
pub(super) struct Absence {
    user: Id,
    delegate: Id,
    from_ms: i64,
    to_ms: i64,
    workflows: Vec<Id>,
}

#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) id: Id,
    pub(super) name: String,
    pub(super) alias: String,
    pub(super) is_admin: bool,
    pub(super) is_active: bool,
    pub(super) primary_dept: Option<Id>,
    pub(super) depts: Vec<Id>,
    pub(super) roles: BTreeSet<Id>,
}

#[derive(Clone, Debug)]
pub(super) struct Dept {
    pub(super) name: String,
    pub(super) parent: Option<Id>,
    pub(super) leader: Option<Id>,
    pub(super) approvers: Vec<Id>,
}

impl People {
    pub(super) fn read(file: &Json) -> Result<Self, String> {
        let zone_name = match text(&file["tenant"], "time_zone").trim() {
            "" => "UTC",
            name => name,
        };
        let zone = TimeZone::get(zone_name).map_err(|_| format!("the time zone `{zone_name}` is not known"))?;
        let (mut users, mut depts) = (BTreeMap::new(), BTreeMap::new());
        for entry in list(file, "users") {
            let id: Id = text(entry, "id").into();
            let places: Vec<(Id, bool)> = list(entry, "depts")
                .iter()
                .map(|place| (text(place, "dept_id").into(), place["is_primary"] == true))
                .collect();
            let user = User {
                id: id.clone(),
                name: text(entry, "name").to_owned(),
                alias: text(entry, "alias").to_owned(),
                is_admin: text(entry, "type") == "admin",
                is_active: entry["is_active"] != false,
                primary_dept: places.iter().find(|(_, primary)| *primary).map(|(id, _)| id.clone()),
                depts: places.into_iter().map(|(id, _)| id).collect(),
                roles: list(entry, "roles")
                    .iter()
                    .filter_map(Json::as_str)
                    .map(Id::from)
                    .collect(),
            };
            if id.trim().is_empty() || users.insert(id, Arc::new(user)).is_some() {
                return Err("a user has no id, or the id of another".to_owned());
            }
        }
        for entry in list(file, "depts") {
            let named = |word| Some(text(entry, word)).filter(|id| !id.trim().is_empty()).map(Id::from);
            let dept = Dept {
                name: text(entry, "name").to_owned(),
                parent: named("parent_id"),
                leader: named("leader"),
                approvers: list(entry, "approvers")
                    .iter()
                    .filter_map(Json::as_str)
                    .map(Id::from)
                    .collect(),
            };
            let id: Id = text(entry, "id").into();
            if id.trim().is_empty() || depts.insert(id, dept).is_some() {
                return Err("a department has no id, or the id of another".to_owned());
            }
        }
        let mut calendars = BTreeMap::new();
        for entry in list(&file["tenant"], "calendars") {
            calendars.insert(text(entry, "id").into(), Calendar::read(entry, &zone)?);
        }
        let by_id = users.iter().map(|(id, user)| (id.clone(), Arc::clone(user))).collect();
        Ok(Self {
            users,
            by_id,
            depts,
            zone,
            calendars,
            absences: list(file, "absences").iter().map(absence).collect(),
        })
    }

    /// Who stands in for somebody at an instant: what is said for the workflow counts before what is said for all.
    pub(super) fn stand_in(&self, user: &str, now_ms: i64, workflow: &Id) -> Option<&Id> {
        let now = |one: &&Absence| &*one.user == user && one.from_ms <= now_ms && now_ms < one.to_ms;
        let for_it = self
            .absences
            .iter()
            .filter(now)
            .find(|one| one.workflows.contains(workflow));
        let for_all = || self.absences.iter().filter(now).find(|one| one.workflows.is_empty());
        for_it.or_else(for_all).map(|one| &one.delegate)
    }

    pub(super) fn user(&self, id: &str) -> Option<&User> {
        self.by_id.get(id).map(|user| &**user)
    }

    pub(super) fn is_active(&self, user: &str) -> bool {
        self.user(user).is_some_and(|user| user.is_active)
    }

    /// A department and those above it, nearest first.
    fn upwards(&self, dept: &Id) -> Vec<Id> {
        let mut way: Vec<Id> = Vec::new();
        let mut next = Some(dept.clone());
        while let Some(id) = next.filter(|id| self.depts.contains_key(id) && !way.contains(id)) {
            next = self.depts[&id].parent.clone();
            way.push(id);
        }
        way
    }

    /// Whether someone belongs to a department or one below it.
    pub(super) fn belongs_to(&self, user: &User, dept: &Id) -> bool {
        user.depts
            .iter()
            .any(|own| own == dept || self.upwards(own).contains(dept))
    }

    /// Active members of a department and those below it, by id.
    pub(super) fn members(&self, dept: &Id) -> Vec<Id> {
        let is_member = |user: &&Arc<User>| user.is_active && self.belongs_to(user, dept);
        self.users
            .values()
            .filter(is_member)
            .map(|user| user.id.clone())
            .collect()
    }

    /// Active users with a role, by id.
    pub(super) fn with_role(&self, role: &Id) -> Vec<Id> {
        let has = |user: &&Arc<User>| user.is_active && user.roles.contains(role);
        self.users.values().filter(has).map(|user| user.id.clone()).collect()
    }

    /// Those who approve, or lead, in each department from the creator's own upwards.
    pub(super) fn levels(&self, creator: &str, variable: &str) -> Vec<Vec<Id>> {
        let own = self.user(creator).and_then(|user| user.primary_dept.clone());
        let way = own.map(|own| self.upwards(&own)).unwrap_or_default();
        let of = |dept: &Dept| match variable {
            "creator_dept_approver" => dept.approvers.clone(),
            "creator_dept_leader" => dept.leader.iter().cloned().collect(),
            _ => Vec::new(),
        };
        way.iter().map(|dept| of(&self.depts[dept])).collect()
    }

    /// Active users who administer the tenant, by id.
    pub(super) fn admins(&self) -> Vec<Id> {
        let admins = self.users.values().filter(|user| user.is_admin && user.is_active);
        admins.map(|user| user.id.clone()).collect()
    }

    /// Whether someone may intervene in a workflow's tickets (semantics: actions): tenant admins, its admins and
    /// dispatchers.
    pub(super) fn may_intervene(&self, user: &User, on: &Definition) -> bool {
        user.is_active && (user.is_admin || on.admins.contains(&user.id) || on.dispatchers.contains(&user.id))
    }

    /// Whether someone sees all of a workflow's tickets (semantics: visibility).
    pub(super) fn may_view_all(&self, user: &User, on: &Definition) -> bool {
        user.is_active
            && (self.may_intervene(user, on)
                || on.viewers.contains(&user.id)
                || on.viewer_depts.iter().any(|dept| self.belongs_to(user, dept)))
    }

    /// Alias, else name, else nothing.
    pub(super) fn shown_name(&self, user: &str) -> &str {
        match self.user(user) {
            Some(user) if !user.alias.is_empty() => &user.alias,
            Some(user) => &user.name,
            None => "",
        }
    }
}

fn absence(entry: &Json) -> Absence {
    let time = |key: &str| entry[key].as_i64().unwrap_or_default();
    Absence {
        user: text(entry, "user").into(),
        delegate: text(entry, "delegate").into(),
        from_ms: time("from"),
        to_ms: time("to"),
        workflows: ids(entry, "workflows"),
    }
}
