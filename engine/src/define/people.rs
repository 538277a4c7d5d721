//! A tenant's people, and the hours in which they work.

use serde_json::{Value as Json, json};

use super::{Object, set, texts};
use crate::account::UserType;

/// A directory: a tenant with its users, departments and roles.
#[derive(Clone, Debug)]
pub struct People {
    tenant: Object,
    users: Vec<Json>,
    depts: Vec<Json>,
    roles: Vec<Json>,
    calendars: Vec<Json>,
    channels: Vec<Json>,
    domain: String,
}

impl People {
    /// An empty tenant; its users' e-mail addresses are at its domain.
    #[must_use]
    pub fn of(tenant: impl Into<String>, domain: impl Into<String>) -> Self {
        let (id, domain) = (tenant.into(), domain.into());
        let mut tenant = Object::new();
        set(&mut tenant, "name", id.clone());
        set(&mut tenant, "id", id);
        set(&mut tenant, "domain", domain.clone());
        set(&mut tenant, "time_zone", "UTC");
        Self {
            tenant,
            users: Vec::new(),
            depts: Vec::new(),
            roles: Vec::new(),
            calendars: Vec::new(),
            channels: Vec::new(),
            domain,
        }
    }

    /// The name that people read; without it, the id.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        set(&mut self.tenant, "name", name.into());
        self
    }

    /// The time zone of its dates, as IANA names it; without it, `UTC`.
    #[must_use]
    pub fn time_zone(mut self, zone: impl Into<String>) -> Self {
        set(&mut self.tenant, "time_zone", zone.into());
        self
    }

    /// The language in which people are told who have none of their own.
    #[must_use]
    pub fn lang(mut self, tag: impl Into<String>) -> Self {
        set(&mut self.tenant, "lang", tag.into());
        self
    }

    /// Adds a channel over which people are told, as a directory file has it: `{"id": …, "kind": …, …}`.
    #[must_use]
    pub fn channel(mut self, channel: impl Into<Json>) -> Self {
        self.channels.push(channel.into());
        self
    }

    /// Adds a calendar.
    #[must_use]
    pub fn calendar(mut self, hours: Hours) -> Self {
        self.calendars.push(hours.entry.into());
        self
    }

    /// Adds an active user without department.
    #[must_use]
    pub fn user(self, id: impl Into<String>) -> Self {
        self.person(Person::new(id))
    }

    /// Adds a user.
    #[must_use]
    pub fn person(mut self, person: Person) -> Self {
        let mut user = person.entry;
        if !user.contains_key("email") {
            let email = format!("{}@{}", person.id, self.domain);
            set(&mut user, "email", email);
        }
        self.users.push(user.into());
        self
    }

    /// Adds a department: who leads it, and who approves for its members.
    #[must_use]
    pub fn dept<T: Into<String>>(
        mut self,
        id: impl Into<String>,
        parent: Option<&str>,
        leader: Option<&str>,
        approvers: impl IntoIterator<Item = T>,
    ) -> Self {
        let id = id.into();
        let approvers = texts(approvers);
        self.depts
            .push(json!({ "id": id, "name": id, "parent_id": parent, "leader": leader, "approvers": approvers }));
        self
    }

    /// Adds a role.
    #[must_use]
    pub fn role(mut self, id: impl Into<String>) -> Self {
        let id = id.into();
        self.roles.push(json!({ "id": id, "name": id }));
        self
    }

    /// The directory as JSON: what a file of the same people holds. The built-in application may use every workflow.
    #[must_use]
    pub fn directory(&self) -> Json {
        let mut tenant = self.tenant.clone();
        if !self.calendars.is_empty() {
            set(&mut tenant, "calendars", self.calendars.clone());
        }
        let mut directory = json!({
            "tenant": tenant,
            "users": self.users,
            "depts": self.depts,
            "roles": self.roles,
            "applications": [{ "name": crate::account::permission::OWN_APPLICATION, "workflow_ids": "*" }],
        });
        if !self.channels.is_empty() {
            directory["channels"] = self.channels.clone().into();
        }
        directory
    }
}

impl From<People> for Json {
    fn from(people: People) -> Self {
        people.directory()
    }
}

/// A calendar of working time: closed but for the hours that are said.
#[derive(Clone, Debug)]
pub struct Hours {
    entry: Object,
}

impl Hours {
    /// A calendar without hours, in the tenant's zone, by which a day of a duration is 8 hours.
    #[must_use]
    pub fn of(id: impl Into<String>) -> Self {
        let mut entry = Object::new();
        set(&mut entry, "id", id.into());
        Self { entry }
    }

    /// The time zone of its hours, as IANA names it.
    #[must_use]
    pub fn zone(mut self, zone: impl Into<String>) -> Self {
        set(&mut self.entry, "zone", zone.into());
        self
    }

    /// How long a day of a duration is, in ISO 8601.
    #[must_use]
    pub fn day(mut self, duration: impl Into<String>) -> Self {
        set(&mut self.entry, "day", duration.into());
        self
    }

    /// Hours of days of the week, `mon` to `sun`: spans `09:00-12:00`.
    #[must_use]
    pub fn on<'a>(self, days: impl IntoIterator<Item = &'a str>, spans: &[&str]) -> Self {
        let put = |hours: Self, day| hours.put("week", day, spans);
        days.into_iter().fold(self, put)
    }

    /// Hours of a date, `2026-12-24`, in place of those of its day of the week; none for a holiday.
    #[must_use]
    pub fn on_date(self, date: &str, spans: &[&str]) -> Self {
        self.put("special", date, spans)
    }

    fn put(mut self, key: &str, day: &str, spans: &[&str]) -> Self {
        self.entry.entry(key).or_insert_with(|| json!({}))[day] = texts(spans.iter().copied());
        self
    }
}

/// A user.
#[derive(Clone, Debug)]
pub struct Person {
    id: String,
    entry: Object,
}

impl Person {
    /// An active user whose name is the id, without department and roles, at the address `id@domain`.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        let id = id.into();
        let mut entry = Object::new();
        set(&mut entry, "id", id.clone());
        set(&mut entry, "name", id.clone());
        set(&mut entry, "type", UserType::Normal.word());
        Self { id, entry }
    }

    /// How people read the user.
    #[must_use]
    pub fn named(self, alias: impl Into<String>) -> Self {
        self.with("alias", alias.into())
    }

    /// The e-mail address.
    #[must_use]
    pub fn email(self, email: impl Into<String>) -> Self {
        self.with("email", email.into())
    }

    /// Administers the tenant.
    #[must_use]
    pub fn admin(self) -> Self {
        self.with("type", UserType::Admin.word())
    }

    /// May publish workflows.
    #[must_use]
    pub fn workflow_admin(self) -> Self {
        self.with("type", UserType::WorkflowAdmin.word())
    }

    /// Is not active: may neither call nor act nor be assigned.
    #[must_use]
    pub fn inactive(self) -> Self {
        self.with("is_active", false)
    }

    /// Belongs to a department, which is the user's primary one.
    #[must_use]
    pub fn dept(self, id: impl Into<String>) -> Self {
        self.with("depts", json!([{ "dept_id": id.into(), "is_primary": true }]))
    }

    /// Has these roles.
    #[must_use]
    pub fn roles<T: Into<String>>(self, ids: impl IntoIterator<Item = T>) -> Self {
        self.with("roles", texts(ids))
    }

    /// Any other entry of the user.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Json>) -> Self {
        set(&mut self.entry, key, value);
        self
    }
}
