//! Decides what a command does to a directory: events or a refusal; changes nothing (semantics: directory).

use super::User;
use super::by_id::ById;
use super::channel::ChosenNotices;
use super::command::{Command, Context};
use super::directory::Directory;
use super::event::Event;
use super::import::{self, DirectoryFile, ImportProblem};
use super::permission::is_tenant_admin;
use super::token::AccessToken;
use crate::codec;
use crate::id::{AbsenceId, AccessTokenId, UserId};
use crate::limits::{ACCESS_TOKEN_DAYS_MAX, ACCESS_TOKENS_LIVE_MAX, DIRECTORY_ENTRY_BYTES_MAX, TEXT_CHARS_MAX};

mod absence;

const DAY_MS: i64 = 86_400_000;

/// Why a request to a directory was turned down: nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The file or user does not fit; every problem at once, at least one.
    #[error("the directory has {} problem(s): {}", .problems.len(), import::sentences(.problems))]
    Invalid {
        /// What is wrong.
        problems: Vec<ImportProblem>,
    },
    /// There is no such user, or it is not active.
    #[error("user `{id}` was not found")]
    UserNotFound {
        /// As asked for.
        id: UserId,
    },
    /// There is no such token, or it is another user's.
    #[error("access token `{id}` was not found")]
    AccessTokenNotFound {
        /// As asked for.
        id: AccessTokenId,
    },
    /// The user has as many tokens that work as a user may have.
    #[error("there are {max} access tokens that work, and a user has no more")]
    TooManyAccessTokens {
        /// How many.
        max: usize,
    },
    /// The token's label or life does not fit.
    #[error("{problem}")]
    InvalidArgument {
        /// What is wrong.
        problem: String,
    },
    /// The absence does not fit.
    #[error("{problem}")]
    InvalidAbsence {
        /// What is wrong.
        problem: String,
    },
    /// Another absence of the same person says who stands in for them at the same time.
    #[error("absence `{id}` of the same person is at the same time and for the same workflows")]
    AbsenceOverlaps {
        /// The other one.
        id: AbsenceId,
    },
    /// Only whose absence it is and tenant admins may do this.
    #[error("the absence of another person is not yours to set, clear or look at")]
    AbsenceNotYours,
    /// Only a tenant admin may do this.
    #[error("changing users is not yours to do")]
    PermissionDenied,
}

impl Refusal {
    /// Stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid_directory",
            Self::UserNotFound { .. } => "user_not_found",
            Self::AccessTokenNotFound { .. } => "access_token_not_found",
            Self::TooManyAccessTokens { .. } => "too_many_access_tokens",
            Self::InvalidArgument { .. } | Self::InvalidAbsence { .. } => "invalid_argument",
            Self::AbsenceOverlaps { .. } => "absence_overlaps",
            Self::AbsenceNotYours | Self::PermissionDenied => "permission_denied",
        }
    }
}

/// Events that a command causes; none where everything is as it asks already.
///
/// # Errors
/// Why it was turned down.
pub fn decide(directory: &Directory, command: &Command, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::Import { file, hashes } => {
            let problems = import::check(file, directory, context.foreign);
            if !problems.is_empty() {
                return Err(Refusal::Invalid { problems });
            }
            bounded(difference(directory, file, context, &|user| hashes.get(user).cloned()))
        }
        Command::PutUser { by, user } => put_user(directory, by.as_ref(), user, context),
        Command::CreateAccessToken {
            id,
            user,
            label,
            sha256,
            expires_in_days,
        } => {
            if directory.active_user(user).is_none() {
                return Err(Refusal::UserNotFound { id: user.clone() });
            }
            check_token(directory, id, label, *expires_in_days)?;
            let own = directory.access_tokens_of(user);
            if own.filter(|one| one.is_live(context.now)).count() >= ACCESS_TOKENS_LIVE_MAX {
                let max = ACCESS_TOKENS_LIVE_MAX;
                return Err(Refusal::TooManyAccessTokens { max });
            }
            Ok(vec![Event::AccessTokenCreated(AccessToken {
                id: id.clone(),
                user_id: user.clone(),
                label: label.clone(),
                sha256: *sha256,
                created_at: context.now,
                expires_at: expires_in_days.map(|days| context.now.plus_ms(i64::from(days) * DAY_MS)),
                revoked_at: None,
            })])
        }
        Command::Review { version } => {
            let is_owed = directory.unreviewed().is_some_and(|owed| owed.version <= *version);
            Ok(is_owed
                .then_some(Event::Reviewed { version: *version })
                .into_iter()
                .collect())
        }
        Command::RevokeAccessToken { id, by } => match directory.access_tokens.get(id) {
            Some(token) if &token.user_id == by && token.revoked_at.is_some() => Ok(Vec::new()),
            Some(token) if &token.user_id == by => Ok(vec![Event::AccessTokenRevoked {
                id: id.clone(),
                at: context.now,
            }]),
            Some(_) | None => Err(Refusal::AccessTokenNotFound { id: id.clone() }),
        },
        Command::SetAbsence(wanted) => absence::set(directory, wanted, context.now),
        Command::ClearAbsence { id, by } => absence::clear(directory, id, by.as_ref(), context.now),
    }
}

fn check_token(
    directory: &Directory,
    id: &AccessTokenId,
    label: &str,
    expires_in_days: Option<u32>,
) -> Result<(), Refusal> {
    let invalid = |problem: &str| {
        Err(Refusal::InvalidArgument {
            problem: problem.to_owned(),
        })
    };
    // The text form is split at points, so the id has none.
    if id.as_str().is_empty() || id.as_str().contains('.') || directory.access_tokens.contains_key(id) {
        return invalid("the token's id is not a fresh one");
    }
    if label.chars().count() > TEXT_CHARS_MAX {
        return invalid("the label is too long");
    }
    if expires_in_days.is_some_and(|days| !(1..=ACCESS_TOKEN_DAYS_MAX).contains(&days)) {
        return invalid("the number of days is out of range");
    }
    Ok(())
}

fn put_user(
    directory: &Directory,
    by: Option<&UserId>,
    user: &User,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    let is_allowed = by.is_none_or(|by| directory.user(by).is_some_and(|by| is_tenant_admin(by)));
    if !is_allowed {
        return Err(Refusal::PermissionDenied);
    }
    let user = import::normalized(user.clone());
    let file = DirectoryFile::of_user(directory, user.clone());
    let problems = import::check(&file, directory, context.foreign);
    if !problems.is_empty() {
        return Err(Refusal::Invalid { problems });
    }
    bounded(difference(directory, &file, context, &|_| user.password_hash.clone()))
}

/// Refuses entries that are too large to be read again once they are stored.
fn bounded(events: Vec<Event>) -> Result<Vec<Event>, Refusal> {
    let problems: Vec<ImportProblem> = events
        .iter()
        .filter_map(|event| {
            let n_bytes = codec::encode(event).len();
            (n_bytes > DIRECTORY_ENTRY_BYTES_MAX).then(|| import::too_large(event, n_bytes))
        })
        .collect();
    if problems.is_empty() {
        Ok(events)
    } else {
        Err(Refusal::Invalid { problems })
    }
}

/// What must happen so that the directory says what the file says.
fn difference(
    directory: &Directory,
    file: &DirectoryFile,
    context: &Context<'_>,
    new_hash: &dyn Fn(&UserId) -> Option<String>,
) -> Vec<Event> {
    fn is_new<K: Clone + Ord + std::hash::Hash, V: PartialEq>(known: &ById<K, V>, id: &K, entry: &V) -> bool {
        known.get(id).is_none_or(|known| **known != *entry)
    }
    let mut events = Vec::new();
    if directory.tenant != file.tenant {
        events.push(Event::TenantChanged(file.tenant.clone()));
    }
    if let Some(calendars) = file.calendars.as_ref().filter(|new| **new != *directory.calendars) {
        events.push(Event::CalendarsPut(calendars.clone()));
    }
    if let Some(channels) = file.channels.as_ref().filter(|new| **new != *directory.channels) {
        events.push(Event::ChannelsPut(channels.clone()));
    }
    if let Some(lang) = file.lang.as_ref().filter(|new| **new != directory.lang) {
        events.push(Event::LanguageChanged(lang.clone()));
    }
    let depts = file
        .depts
        .iter()
        .filter(|dept| is_new(&directory.depts, &dept.id, dept));
    events.extend(depts.cloned().map(Event::DeptPut));
    let roles = file
        .roles
        .iter()
        .filter(|role| is_new(&directory.roles, &role.id, role));
    events.extend(roles.cloned().map(Event::RolePut));
    let applications = file
        .applications
        .iter()
        .filter(|app| is_new(&directory.applications, &app.name, app));
    events.extend(applications.cloned().map(Event::ApplicationPut));
    for entry in &file.users {
        let before = directory.user(&entry.user.id);
        let kept_hash = || before.and_then(|before| before.password_hash.clone());
        let mut user = User {
            password_hash: new_hash(&entry.user.id).or_else(kept_hash),
            created_at: before.map_or(context.now, |before| before.created_at),
            updated_at: before.map_or(context.now, |before| before.updated_at),
            ..entry.user.clone()
        };
        if before.is_none_or(|before| **before != user) {
            user.updated_at = context.now;
            events.push(Event::UserPut(Box::new(user)));
        }
        let choice = entry.choice.as_ref();
        if let Some(choice) = choice.filter(|new| **new != directory.notice_choice(&entry.user.id)) {
            events.push(Event::NoticesChosen(ChosenNotices {
                user: entry.user.id.clone(),
                choice: choice.clone(),
            }));
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::account::command::Foreign;
    use crate::account::{UserType, apply, password};
    use crate::time::Timestamp;

    fn context(foreign: &Foreign) -> Context<'_> {
        Context {
            now: Timestamp(1_000),
            foreign,
        }
    }

    fn run(directory: &Directory, command: &Command) -> Result<Vec<Event>, Refusal> {
        decide(directory, command, &context(&Foreign::default()))
    }

    fn fold(directory: Directory, events: &[Event]) -> Directory {
        events.iter().fold(directory, apply::apply)
    }

    #[test]
    fn importing_twice_appends_nothing() {
        let file = import::fixture_file("globex");
        let empty = Directory::empty(file.tenant.id.clone());
        let mut salts = 0_u8;
        let mut hashes = |directory: &Directory| {
            password::missing_hashes(&file, directory, &mut || {
                salts += 1;
                [salts; 16]
            })
        };
        let command = |hashes| Command::Import {
            file: Box::new(file.clone()),
            hashes,
        };
        let first = hashes(&empty);
        assert_eq!(first.len(), 2);
        let directory = fold(empty.clone(), &run(&empty, &command(first)).unwrap());
        assert_eq!(directory.version, 5, "tenant, department, application, two users");
        let second = hashes(&directory);
        assert_eq!(second, BTreeMap::new());
        assert_eq!(run(&directory, &command(second)).unwrap(), []);

        let mut changed = file.clone();
        changed.users[0].user.alias = "Other".to_owned();
        let events = run(
            &directory,
            &Command::Import {
                file: Box::new(changed),
                hashes: BTreeMap::new(),
            },
        )
        .unwrap();
        let [Event::UserPut(user)] = events.as_slice() else {
            panic!("one user changed: {events:?}")
        };
        assert!(user.password_hash.is_some(), "the hash stays");
    }

    /// A list takes the place of all that are there; a file without one leaves them; a zone of one's own stays when the
    /// tenant moves.
    #[test]
    fn calendars_are_those_of_the_last_list() {
        let file = |zone: &str, calendars: serde_json::Value| {
            let tenant = serde_json::json!({
                "id": "t", "name": "T", "domain": "t.example", "time_zone": zone, "calendars": calendars,
            });
            DirectoryFile::parse(&serde_json::json!({ "tenant": tenant })).unwrap()
        };
        let import = |directory: &Directory, zone: &str, calendars: serde_json::Value| {
            let command = Command::Import {
                file: Box::new(file(zone, calendars)),
                hashes: BTreeMap::new(),
            };
            run(directory, &command).unwrap()
        };
        let hours = serde_json::json!({"mon": ["09:00-17:00"]});
        let list = serde_json::json!([{"id": "a", "week": hours}, {"id": "b", "zone": "UTC", "week": hours}]);
        let empty = Directory::empty("t".into());
        let events = import(&empty, "UTC", list.clone());
        assert!(matches!(
            events.as_slice(),
            [Event::TenantChanged(_), Event::CalendarsPut(_)]
        ));
        let both = fold(empty, &events);
        let due = |directory: &Directory, id: &str| {
            let monday = Timestamp::parse("2026-11-02 00:00:00", &jiff::tz::TimeZone::UTC).unwrap();
            let due = directory.working_time(Some(&id.into())).due(monday, 1).unwrap();
            (due.0 - monday.0) / 3_600_000
        };
        assert_eq!((due(&both, "a"), due(&both, "b"), due(&both, "c")), (9, 9, 0));
        assert_eq!(import(&both, "UTC", list.clone()), []);
        assert_eq!(import(&both, "UTC", serde_json::Value::Null), []);

        let moved = fold(
            both.clone(),
            &import(&both, "America/New_York", serde_json::Value::Null),
        );
        assert_eq!((due(&moved, "a"), due(&moved, "b")), (14, 9));
        let events = import(&moved, "America/New_York", serde_json::json!([list[1]]));
        assert!(matches!(events.as_slice(), [Event::CalendarsPut(left)] if left.len() == 1));
        let one = fold(moved, &events);
        assert_eq!(
            (due(&one, "a"), due(&one, "b")),
            (0, 9),
            "one that is gone counts always"
        );
        assert!(one.calendar(&"a".into()).is_none() && one.calendar(&"b".into()).is_some());
        let none = import(&one, "America/New_York", serde_json::json!([]));
        assert_eq!(none, [Event::CalendarsPut(Vec::new())]);
    }

    #[test]
    fn every_demo_directory_imports() {
        for name in ["acme", "globex"] {
            let file = import::fixture_file(name);
            let directory = import::fixture(name);
            assert_eq!(directory.users.len(), file.users.len());
            let again = Command::Import {
                file: Box::new(file),
                hashes: BTreeMap::new(),
            };
            assert_eq!(run(&directory, &again).unwrap(), []);
        }
    }

    #[test]
    fn only_admins_change_users() {
        let directory = import::fixture("acme");
        let user_of = |name: &str| directory.users.values().find(|user| user.name == name).unwrap();
        let mut changed = User::clone(user_of("dev"));
        changed.is_active = false;
        changed.email = " DEV@acme.example ".to_owned();
        let put = |by: Option<&str>, user: &User| Command::PutUser {
            by: by.map(|name| user_of(name).id.clone()),
            user: Box::new(user.clone()),
        };
        assert_eq!(
            run(&directory, &put(Some("wes"), &changed)),
            Err(Refusal::PermissionDenied)
        );
        for by in [Some("ada"), None] {
            let events = run(&directory, &put(by, &changed)).unwrap();
            let [Event::UserPut(user)] = events.as_slice() else {
                panic!("{events:?}")
            };
            assert_eq!(
                (user.email.as_str(), user.updated_at),
                ("dev@acme.example", Timestamp(1_000))
            );
            let after = fold(directory.clone(), &events);
            assert!(after.active_user(&user.id).is_none());
            assert_eq!(run(&after, &put(by, &changed)).unwrap(), []);
        }
        changed.email = "ADA@acme.example".to_owned();
        changed.roles.push("no-role".into());
        changed.user_type = UserType::Normal;
        let Err(Refusal::Invalid { problems }) = run(&directory, &put(None, &changed)) else {
            panic!("refused")
        };
        let codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
        assert_eq!(codes, ["unknown_role", "duplicate_email"]);
    }

    #[test]
    fn tokens_are_made_and_revoked_by_their_user() {
        let directory = import::fixture("acme");
        let user_of = |name: &str| {
            directory
                .users
                .values()
                .find(|user| user.name == name)
                .unwrap()
                .id
                .clone()
        };
        let create = |id: &str, name: &str, expires_in_days| Command::CreateAccessToken {
            id: id.into(),
            user: user_of(name),
            label: "laptop".to_owned(),
            sha256: [1; 32],
            expires_in_days,
        };
        let revoke = |id: &str, name: &str| Command::RevokeAccessToken {
            id: id.into(),
            by: user_of(name),
        };
        let events = run(&directory, &create("t", "dev", Some(1))).unwrap();
        let after = fold(directory.clone(), &events);
        let token = &after.access_tokens["t"];
        assert_eq!(token.expires_at, Some(Timestamp(1_000 + DAY_MS)));
        assert_eq!(after.access_tokens_of(&user_of("dev")).count(), 1);

        for (command, code) in [
            (create("t", "dev", None), "invalid_argument"),
            (create("a.b", "dev", None), "invalid_argument"),
            (create("u", "dev", Some(0)), "invalid_argument"),
            (create("u", "dev", Some(731)), "invalid_argument"),
            (create("u", "gone", None), "user_not_found"),
            (revoke("t", "ada"), "access_token_not_found"),
            (revoke("u", "dev"), "access_token_not_found"),
        ] {
            let refusal = run(&after, &command).unwrap_err();
            assert_eq!(refusal.code(), code, "{command:?}");
        }
        let revoked = fold(after.clone(), &run(&after, &revoke("t", "dev")).unwrap());
        assert_eq!(revoked.access_tokens["t"].revoked_at, Some(Timestamp(1_000)));
        assert_eq!(run(&revoked, &revoke("t", "dev")).unwrap(), []);
    }

    #[test]
    fn a_user_has_so_many_tokens_that_work() {
        let mut directory = import::fixture("acme");
        let user = directory
            .users
            .values()
            .find(|user| user.name == "dev")
            .unwrap()
            .id
            .clone();
        let create = |id: String| Command::CreateAccessToken {
            id: id.as_str().into(),
            user: user.clone(),
            label: String::new(),
            sha256: [1; 32],
            expires_in_days: None,
        };
        for n in 0..ACCESS_TOKENS_LIVE_MAX {
            let events = run(&directory, &create(format!("t{n}"))).unwrap();
            directory = fold(directory, &events);
        }
        let refusal = run(&directory, &create("more".to_owned())).unwrap_err();
        assert_eq!(refusal.code(), "too_many_access_tokens");
        let revoke = Command::RevokeAccessToken {
            id: "t7".into(),
            by: user.clone(),
        };
        let events = run(&directory, &revoke).unwrap();
        assert!(run(&fold(directory, &events), &create("more".to_owned())).is_ok());
    }
}
