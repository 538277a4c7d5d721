//! Folds events into a directory and keeps its indexes. Never refuses and knows no rules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::directory::Directory;
use super::event::Event;
use super::token::AccessToken;
use super::{Tenant, User};

/// The directory after an event.
#[must_use]
pub fn apply(mut directory: Directory, event: &Event) -> Directory {
    directory.version += 1;
    match event {
        Event::TenantChanged(tenant) => put_tenant(&mut directory, tenant),
        Event::DeptPut(dept) => {
            directory.depts.insert(dept.id.clone(), Arc::new(dept.clone()));
        }
        Event::RolePut(role) => {
            directory.roles.insert(role.id.clone(), Arc::new(role.clone()));
        }
        Event::ApplicationPut(application) => {
            directory
                .applications
                .insert(application.name.clone(), Arc::new(application.clone()));
        }
        Event::UserPut(user) => put_user(&mut directory, user),
        Event::AccessTokenCreated(token) => {
            directory
                .access_tokens
                .insert(token.id.clone(), Arc::new(token.clone()));
        }
        Event::AccessTokenRevoked { id, at } => {
            if let Some(token) = directory.access_tokens.get(id) {
                let revoked = AccessToken {
                    revoked_at: Some(*at),
                    ..AccessToken::clone(token)
                };
                directory.access_tokens.insert(id.clone(), Arc::new(revoked));
            }
        }
    }
    directory
}

fn put_tenant(directory: &mut Directory, tenant: &Tenant) {
    directory.zone = crate::time::zone_named(&tenant.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    directory.tenant = tenant.clone();
}

fn put_user(directory: &mut Directory, user: &User) {
    let id = &user.id;
    if let Some(before) = directory.users.insert(id.clone(), Arc::new(user.clone())) {
        if directory.by_email.get(&before.email) == Some(id) {
            directory.by_email.remove(&before.email);
        }
        before
            .depts
            .iter()
            .for_each(|dept| leave(&mut directory.by_dept, &dept.dept_id, id));
        before
            .roles
            .iter()
            .for_each(|role| leave(&mut directory.by_role, role, id));
    }
    if !user.email.is_empty() {
        directory.by_email.insert(user.email.clone(), id.clone());
    }
    for dept in &user.depts {
        directory
            .by_dept
            .entry(dept.dept_id.clone())
            .or_default()
            .insert(id.clone());
    }
    for role in &user.roles {
        directory.by_role.entry(role.clone()).or_default().insert(id.clone());
    }
}

/// Takes a member out of an index; a set that gets empty goes too.
fn leave<K: Ord, V: Ord>(index: &mut BTreeMap<K, BTreeSet<V>>, key: &K, member: &V) {
    if let Some(members) = index.get_mut(key) {
        members.remove(member);
        if members.is_empty() {
            index.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::account::{Membership, UserType};
    use crate::id::{DeptId, RoleId, UserId};
    use crate::time::Timestamp;
    use crate::value::Value;

    fn a_user() -> impl Strategy<Value = User> {
        let few = || proptest::collection::btree_set(0..4_u8, 0..3);
        (0..4_u8, 0..5_u8, any::<bool>(), few(), few()).prop_map(|(id, email, is_active, depts, roles)| User {
            id: UserId::from(format!("u{id}")),
            name: format!("u{id}"),
            alias: String::new(),
            // Each user has addresses of its own, as `decide` sees to; 0 is none.
            email: if email == 0 {
                String::new()
            } else {
                format!("{id}-{email}@x")
            },
            phone: String::new(),
            user_type: UserType::Normal,
            is_active,
            avatar: String::new(),
            lang: String::new(),
            label: Value::Null,
            depts: depts
                .into_iter()
                .map(|dept| Membership {
                    dept_id: DeptId::from(format!("d{dept}")),
                    is_primary: false,
                })
                .collect(),
            roles: roles.into_iter().map(|role| RoleId::from(format!("r{role}"))).collect(),
            password_hash: None,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        })
    }

    proptest! {
        /// The indexes are what one would compute from the users alone.
        #[test]
        fn indexes_equal_a_recomputation(users in proptest::collection::vec(a_user(), 0..20)) {
            let directory = users.into_iter().fold(Directory::empty("t".into()), |directory, user| {
                apply(directory, &Event::UserPut(Box::new(user)))
            });
            let (mut by_email, mut by_dept, mut by_role) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
            for user in directory.users.values() {
                if !user.email.is_empty() {
                    by_email.insert(user.email.clone(), user.id.clone());
                }
                for dept in &user.depts {
                    by_dept.entry(dept.dept_id.clone()).or_insert_with(BTreeSet::new).insert(user.id.clone());
                }
                for role in &user.roles {
                    by_role.entry(role.clone()).or_insert_with(BTreeSet::new).insert(user.id.clone());
                }
            }
            prop_assert_eq!(&directory.by_email, &by_email);
            prop_assert_eq!(&directory.by_dept, &by_dept);
            prop_assert_eq!(&directory.by_role, &by_role);
        }
    }
}
