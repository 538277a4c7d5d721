//! People: beside an id wherever they appear, and as rows of `user_list`.
//!
//! Invariant: a row never holds a password hash or a token.

use loonflow_engine::account::User;
use loonflow_engine::account::directory::Directory;
use loonflow_engine::account::person::Person;
use serde_json::{Value, json};

/// `id`, `name`, `alias`.
pub(crate) fn person(person: &Person) -> Value {
    json!({ "id": person.id.as_str(), "name": person.name, "alias": person.alias })
}

/// The first `n_max` of them.
pub(crate) fn first(people: &[Person], n_max: usize) -> &[Person] {
    people.get(..n_max).unwrap_or(people)
}

/// The same for several.
pub(crate) fn people(people: &[Person]) -> Value {
    people.iter().map(person).collect()
}

/// A row of `user_list`; the longer columns only where `simple` is false. Directories are imported, so nobody has
/// created a user, and users have no id but their own.
pub(crate) fn user_row(user: &User, directory: &Directory, simple: bool) -> Value {
    let depts: Vec<Value> = user
        .depts
        .iter()
        .map(|membership| {
            let dept = directory.depts.get(&membership.dept_id);
            json!({
                "id": membership.dept_id.as_str(),
                "name": dept.map_or("", |dept| dept.name.as_str()),
                "is_primary": membership.is_primary,
            })
        })
        .collect();
    let mut row = json!({
        "id": user.id.as_str(),
        "tenant_id": directory.tenant.id.as_str(),
        "name": user.name,
        "alias": user.alias,
        "external_user_id": "",
        "email": user.email,
        "is_active": user.is_active,
        "avatar": user.avatar,
        "dept_info_list": depts,
    });
    if !simple {
        row["last_login"] = Value::Null;
        row["label"] = (&user.label).into();
        row["creator_info"] = Value::Null;
        row["created_at"] = json!(user.created_at.to_answer(directory.zone()));
        row["updated_at"] = json!(user.updated_at.to_answer(directory.zone()));
        row["type"] = json!(user.user_type.word());
        row["lang"] = json!(user.lang);
        row["phone"] = json!(user.phone);
    }
    row
}
