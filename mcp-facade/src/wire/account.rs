//! People: beside an id wherever they appear, and as rows of `user_list`.
//!
//! Invariant: a row never holds a password hash or a token.

use loonflow_engine::account::directory::Directory;
use loonflow_engine::account::{self, person};
use loonflow_engine::id::{DeptId, TenantId, UserId};
use serde::Serialize;
use serde_json::Value;

/// A person beside an id.
#[derive(Debug, Clone, Serialize)]
pub struct Person {
    /// Their id.
    pub id: UserId,
    /// Account name; empty for a user that is gone.
    pub name: String,
    /// Name shown to people.
    pub alias: String,
}

impl From<person::Person> for Person {
    fn from(person: person::Person) -> Self {
        Self {
            id: person.id,
            name: person.name,
            alias: person.alias,
        }
    }
}

/// A person who can act, and for whom.
#[derive(Debug, Clone, Serialize)]
pub struct Acting {
    /// The person.
    #[serde(flatten)]
    pub person: Person,
    /// Only for whoever stands in: those who are absent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub on_behalf_of: Vec<Person>,
}

impl Acting {
    /// A person with those whom they stand in for.
    pub(crate) fn of(person: person::Person, stand_ins: &[(UserId, person::Person)]) -> Self {
        let absent = stand_ins.iter().filter(|(by, _)| *by == person.id);
        Self {
            on_behalf_of: absent.map(|(_, absent)| Person::from(absent.clone())).collect(),
            person: Person::from(person),
        }
    }
}

/// The first `n_max` people.
pub(crate) fn first(people: Vec<person::Person>, n_max: usize) -> Vec<Person> {
    people.into_iter().take(n_max).map(Person::from).collect()
}

/// A row of `user_list`. Directories are imported, so users have no id but their own.
#[derive(Debug, Clone, Serialize)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their tenant.
    pub tenant_id: TenantId,
    /// Account name.
    pub name: String,
    /// Name shown to people.
    pub alias: String,
    /// Their id elsewhere: always empty.
    pub external_user_id: &'static str,
    /// E-mail address.
    pub email: String,
    /// Whether they can act.
    pub is_active: bool,
    /// Address of a picture, or empty.
    pub avatar: String,
    /// Where they belong.
    pub dept_info_list: Vec<Membership>,
    /// What is there only where the call was not `simple`.
    #[serde(flatten)]
    pub more: Option<MoreOfUser>,
}

/// A department that a user belongs to.
#[derive(Debug, Clone, Serialize)]
pub struct Membership {
    /// The department.
    pub id: DeptId,
    /// Its name; empty for one that is gone.
    pub name: String,
    /// Whether it is the user's first.
    pub is_primary: bool,
}

/// The longer columns of a row of `user_list`. Nobody has created a user, for directories are imported.
#[derive(Debug, Clone, Serialize)]
pub struct MoreOfUser {
    /// Not known: always null.
    pub last_login: Option<String>,
    /// Free object.
    pub label: Value,
    /// Nobody: always null.
    pub creator_info: Option<Person>,
    /// When they were first imported.
    pub created_at: String,
    /// When they last changed.
    pub updated_at: String,
    /// What they may do as such.
    #[serde(rename = "type")]
    pub user_type: &'static str,
    /// Language tag.
    pub lang: String,
    /// Phone number.
    pub phone: String,
}

impl User {
    /// The row of a user; the longer columns only where `simple` is false.
    pub(crate) fn of(user: &account::User, directory: &Directory, simple: bool) -> Self {
        let depts = user.depts.iter().map(|membership| {
            let dept = directory.depts.get(&membership.dept_id);
            Membership {
                id: membership.dept_id.clone(),
                name: dept.map(|dept| dept.name.clone()).unwrap_or_default(),
                is_primary: membership.is_primary,
            }
        });
        Self {
            id: user.id.clone(),
            tenant_id: directory.tenant.id.clone(),
            name: user.name.clone(),
            alias: user.alias.clone(),
            external_user_id: "",
            email: user.email.clone(),
            is_active: user.is_active,
            avatar: user.avatar.clone(),
            dept_info_list: depts.collect(),
            more: (!simple).then(|| MoreOfUser {
                last_login: None,
                label: Value::from(&user.label),
                creator_info: None,
                created_at: user.created_at.to_answer(directory.zone()),
                updated_at: user.updated_at.to_answer(directory.zone()),
                user_type: user.user_type.word(),
                lang: user.lang.clone(),
                phone: user.phone.clone(),
            }),
        }
    }
}
