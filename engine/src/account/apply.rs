//! Folds events into a directory and keeps its indexes. Never refuses and knows no rules.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use super::absence::Absence;
use super::directory::{Directory, Unreviewed};
use super::event::Event;
use super::token::AccessToken;
use super::{Dept, Tenant, User};
use crate::calendar::{Calendar, WorkingTime};

/// The directory after an event.
#[must_use]
pub fn apply(mut directory: Directory, event: &Event) -> Directory {
    directory.version += 1;
    match event {
        Event::ImportBegun => directory.staged = Some(Vec::new()),
        Event::ImportBrokenOff => directory.staged = None,
        Event::ImportFinished => {
            let staged = directory.staged.take().unwrap_or_default();
            staged.iter().for_each(|event| put(&mut directory, event));
        }
        Event::Reviewed { version } => {
            let is_done = |owed: &Arc<Unreviewed>| owed.version <= *version;
            directory.unreviewed = directory.unreviewed.take().filter(|owed| !is_done(owed));
        }
        Event::TenantChanged(_)
        | Event::DeptPut(_)
        | Event::RolePut(_)
        | Event::ApplicationPut(_)
        | Event::UserPut(_)
        | Event::AccessTokenCreated(_)
        | Event::AccessTokenRevoked { .. }
        | Event::CalendarsPut(_)
        | Event::AbsenceSet(_)
        | Event::AbsenceCleared { .. }
        | Event::ChannelsPut(_)
        | Event::LanguageChanged(_)
        | Event::NoticesChosen(_) => match &mut directory.staged {
            Some(staged) => staged.push(event.clone()),
            None => put(&mut directory, event),
        },
    }
    directory
}

/// Brings in what one event says.
fn put(directory: &mut Directory, event: &Event) {
    match event {
        Event::TenantChanged(tenant) => {
            let before = directory.clone();
            put_tenant(directory, tenant);
            owe_deadlines(directory, before);
        }
        Event::DeptPut(dept) => put_dept(directory, dept),
        Event::RolePut(role) => {
            directory.roles.insert(role.id.clone(), Arc::new(role.clone()));
        }
        Event::ApplicationPut(application) => {
            directory
                .applications
                .insert(application.name.clone(), Arc::new(application.clone()));
        }
        Event::UserPut(user) => {
            let before = directory.user(&user.id);
            if before.is_some_and(|before| before.is_active != user.is_active) {
                owe(directory, |owed| {
                    owed.users.insert(user.id.clone());
                });
            }
            put_user(directory, user);
        }
        Event::AccessTokenCreated(token) => put_token(directory, token),
        Event::AccessTokenRevoked { id, at } => {
            if let Some(token) = directory.access_tokens.get(id) {
                let revoked = AccessToken {
                    revoked_at: Some(*at),
                    ..AccessToken::clone(token)
                };
                directory.access_tokens.insert(id.clone(), Arc::new(revoked));
            }
        }
        Event::CalendarsPut(calendars) => {
            let before = directory.clone();
            put_calendars(directory, calendars);
            owe_deadlines(directory, before);
        }
        Event::AbsenceSet(absence) => {
            // Those that are over by now mean nothing any more.
            let known = directory.absences_of(&absence.user).iter();
            let left = known.filter(|known| known.to > absence.set_at).cloned();
            let all: Arc<[Absence]> = left.chain([absence.clone()]).collect();
            directory.absences.insert(absence.user.clone(), all);
        }
        Event::AbsenceCleared { id, user, .. } => {
            let left = directory.absences_of(user).iter().filter(|known| known.id != *id);
            let left: Arc<[Absence]> = left.cloned().collect();
            if left.is_empty() {
                directory.absences.remove(user);
            } else {
                directory.absences.insert(user.clone(), left);
            }
        }
        Event::ChannelsPut(channels) => directory.channels = channels.as_slice().into(),
        Event::LanguageChanged(lang) => directory.lang.clone_from(lang),
        Event::NoticesChosen(chosen) => {
            directory
                .notices
                .insert(chosen.user.clone(), Arc::new(chosen.choice.clone()));
        }
        // They say when others count and bring nothing themselves; they are never staged.
        Event::ImportBegun | Event::ImportFinished | Event::ImportBrokenOff | Event::Reviewed { .. } => {}
    }
}

fn owe(directory: &mut Directory, change: impl FnOnce(&mut Unreviewed)) {
    let mut owed = directory.unreviewed.as_deref().cloned().unwrap_or_default();
    change(&mut owed);
    owed.version = directory.version;
    directory.unreviewed = Some(Arc::new(owed));
}

/// Deadlines that run are set again where time is counted otherwise now. A tenant without people has none.
fn owe_deadlines(directory: &mut Directory, before: Directory) {
    let is_same = directory.calendars == before.calendars && directory.tenant.time_zone == before.tenant.time_zone;
    if is_same || before.users.is_empty() {
        return;
    }
    owe(directory, |owed| {
        owed.before.get_or_insert_with(|| {
            Arc::new(Directory {
                staged: None,
                unreviewed: None,
                ..before
            })
        });
    });
}

fn put_tenant(directory: &mut Directory, tenant: &Tenant) {
    directory.zone = crate::time::zone_named(&tenant.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    directory.tenant = tenant.clone();
    // Those without a zone of their own have the tenant's.
    let calendars = Arc::clone(&directory.calendars);
    put_calendars(directory, &calendars);
}

fn put_calendars(directory: &mut Directory, calendars: &[Calendar]) {
    let working = calendars
        .iter()
        .map(|calendar| (calendar.id.clone(), WorkingTime::of(calendar, &directory.zone)));
    directory.working = Arc::new(working.collect());
    directory.calendars = calendars.into();
}

fn put_dept(directory: &mut Directory, dept: &Dept) {
    let before = directory.depts.insert(dept.id.clone(), Arc::new(dept.clone()));
    if let Some(parent) = before.as_ref().and_then(|before| before.parent.as_ref()) {
        leave(&mut directory.below, parent, &dept.id);
    }
    if let Some(parent) = &dept.parent {
        directory
            .below
            .entry(parent.clone())
            .or_default()
            .insert(dept.id.clone());
    }
}

fn put_user(directory: &mut Directory, user: &User) {
    let id = &user.id;
    directory.n_active_users += usize::from(user.is_active);
    if let Some(before) = directory.users.insert(id.clone(), Arc::new(user.clone())) {
        directory.n_active_users -= usize::from(before.is_active);
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

fn put_token(directory: &mut Directory, token: &AccessToken) {
    let id = &token.id;
    if let Some(before) = directory.access_tokens.insert(id.clone(), Arc::new(token.clone())) {
        leave(&mut directory.tokens_by_user, &before.user_id, id);
    }
    directory
        .tokens_by_user
        .entry(token.user_id.clone())
        .or_default()
        .insert(id.clone());
}

/// Takes a member out of an index; a set that gets empty goes too.
fn leave<K: Clone + Ord, V: Clone + Ord>(index: &mut OrdMap<K, OrdSet<V>>, key: &K, member: &V) {
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
    use crate::id::{AccessTokenId, DeptId, RoleId, UserId};
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
            let (mut by_email, mut by_dept, mut by_role) = (OrdMap::new(), OrdMap::new(), OrdMap::new());
            for user in directory.users.values() {
                if !user.email.is_empty() {
                    by_email.insert(user.email.clone(), user.id.clone());
                }
                for dept in &user.depts {
                    by_dept.entry(dept.dept_id.clone()).or_insert_with(OrdSet::new).insert(user.id.clone());
                }
                for role in &user.roles {
                    by_role.entry(role.clone()).or_insert_with(OrdSet::new).insert(user.id.clone());
                }
            }
            prop_assert_eq!(&directory.by_email, &by_email);
            prop_assert_eq!(&directory.by_dept, &by_dept);
            prop_assert_eq!(&directory.by_role, &by_role);
            let n_active = directory.users.values().filter(|user| user.is_active).count();
            prop_assert_eq!(directory.n_active_users, n_active);
        }

        /// A user's tokens are what one would find by looking at all of them, whatever is made and revoked.
        #[test]
        fn tokens_of_a_user_equal_a_search(steps in proptest::collection::vec((0..6_u8, 0..4_u8, any::<bool>()), 0..20)) {
            let directory = steps.into_iter().fold(Directory::empty("t".into()), |directory, (id, user, is_made)| {
                let id = AccessTokenId::from(format!("t{id}"));
                let event = if is_made {
                    Event::AccessTokenCreated(AccessToken {
                        id,
                        user_id: UserId::from(format!("u{user}")),
                        label: String::new(),
                        sha256: [0; 32],
                        created_at: Timestamp(0),
                        expires_at: None,
                        revoked_at: None,
                    })
                } else {
                    Event::AccessTokenRevoked { id, at: Timestamp(1) }
                };
                apply(directory, &event)
            });
            for user in (0..5_u8).map(|user| UserId::from(format!("u{user}"))) {
                let found: Vec<_> = directory.access_tokens_of(&user).collect();
                let searched: Vec<_> = directory.access_tokens.values().filter(|one| one.user_id == user).collect();
                prop_assert_eq!(found, searched);
            }
            let is_held = |tokens: &OrdSet<AccessTokenId>| !tokens.is_empty();
            prop_assert!(directory.tokens_by_user.values().all(is_held));
        }
    }
}
