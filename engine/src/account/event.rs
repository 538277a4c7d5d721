//! What can have happened in a tenant's directory: one variant per fact, past tense (semantics: directory).
//!
//! Stored by position and field order through `codec`: only ever append variants; a changed variant is a new schema.
//! Entries are stored whole, so a replay needs nothing but the events. Nothing is ever removed: tickets go on naming
//! who took part in them.
//!
//! An import that is larger than one commit is several commits, and still one change to whoever reads:
//!
//! ```text
//! ImportBegun  entry … | entry … | entry …  ImportFinished      all entries count from ImportFinished on
//! ImportBegun  entry … | ImportBrokenOff  …                     a crash lay between; no entry counts
//! ```

use serde::{Deserialize, Serialize};

use super::absence::Absence;
use super::channel::{Channel, ChosenNotices};
use super::token::AccessToken;
use super::{Application, Dept, Role, Tenant, User};
use crate::calendar::Calendar;
use crate::id::{AbsenceId, AccessTokenId, UserId};
use crate::time::Timestamp;

/// A fact about a tenant's directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The tenant's name, domain or time zone are these from now on.
    TenantChanged(Tenant),
    /// A department is there, as it is now.
    DeptPut(Dept),
    /// A role is there, as it is now.
    RolePut(Role),
    /// An application is there, as it is now.
    ApplicationPut(Application),
    /// A user is there, as it is now.
    UserPut(Box<User>),
    /// A user made a personal access token.
    AccessTokenCreated(AccessToken),
    /// A user took a token back.
    AccessTokenRevoked {
        /// Which.
        id: AccessTokenId,
        /// When.
        at: Timestamp,
    },
    /// An import of several commits began: what follows counts once it is finished, and not before.
    ImportBegun,
    /// The import is whole: everything since its beginning counts from now on.
    ImportFinished,
    /// The import was not finished and never will be: nothing of it counts.
    ImportBrokenOff,
    /// The tenant's calendars are these from now on, and no others.
    CalendarsPut(Vec<Calendar>),
    /// Sessions and tickets were looked at again for all that changed up to this version of the directory.
    Reviewed {
        /// The directory's version with the last of these changes.
        version: u64,
    },
    /// Somebody will be absent, and another stands in for them.
    AbsenceSet(Absence),
    /// An absence counts no longer.
    AbsenceCleared {
        /// Which.
        id: AbsenceId,
        /// Whose.
        user: UserId,
        /// Who took it back; `None` for the operator at the machine.
        by: Option<UserId>,
        /// When.
        at: Timestamp,
    },
    /// The tenant's channels are these from now on, and no others.
    ChannelsPut(Vec<Channel>),
    /// The tenant's language is this from now on; empty for none.
    LanguageChanged(String),
    /// A user has chosen what to be told.
    NoticesChosen(ChosenNotices),
}

impl Event {
    /// Stable word for the log and for programs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::TenantChanged(_) => "tenant_changed",
            Self::DeptPut(_) => "dept_put",
            Self::RolePut(_) => "role_put",
            Self::ApplicationPut(_) => "application_put",
            Self::UserPut(_) => "user_put",
            Self::AccessTokenCreated(_) => "access_token_created",
            Self::AccessTokenRevoked { .. } => "access_token_revoked",
            Self::ImportBegun => "import_begun",
            Self::ImportFinished => "import_finished",
            Self::ImportBrokenOff => "import_broken_off",
            Self::CalendarsPut(_) => "calendars_put",
            Self::Reviewed { .. } => "reviewed",
            Self::AbsenceSet(_) => "absence_set",
            Self::AbsenceCleared { .. } => "absence_cleared",
            Self::ChannelsPut(_) => "channels_put",
            Self::LanguageChanged(_) => "language_changed",
            Self::NoticesChosen(_) => "notices_chosen",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::import;

    #[test]
    fn events_survive_a_positional_codec() {
        let directory = import::fixture("acme");
        let token = AccessToken {
            id: "t".into(),
            user_id: "u".into(),
            label: "laptop".to_owned(),
            sha256: [7; 32],
            created_at: Timestamp(1),
            expires_at: Some(Timestamp(2)),
            revoked_at: None,
        };
        let office =
            serde_json::json!({"id": "office", "week": {"mon": ["09:00-17:00"]}, "special": {"2026-12-25": []}});
        let absence = Absence {
            id: "a".into(),
            user: "u".into(),
            from: Timestamp(1),
            to: Timestamp(2),
            delegate: "v".into(),
            workflows: vec!["leave".into()],
            by: Some("u".into()),
            set_at: Timestamp(0),
        };
        let mut events = vec![
            Event::AbsenceSet(absence),
            Event::AbsenceCleared {
                id: "a".into(),
                user: "u".into(),
                by: None,
                at: Timestamp(3),
            },
            Event::CalendarsPut(vec![Calendar::read(&office).unwrap()]),
            Event::TenantChanged(directory.tenant.clone()),
            Event::AccessTokenCreated(token),
            Event::AccessTokenRevoked {
                id: "t".into(),
                at: Timestamp(3),
            },
        ];
        events.extend(directory.depts.values().map(|dept| Event::DeptPut(Dept::clone(dept))));
        events.extend(directory.roles.values().map(|role| Event::RolePut(Role::clone(role))));
        events.extend(
            directory
                .applications
                .values()
                .map(|app| Event::ApplicationPut(Application::clone(app))),
        );
        events.extend(
            directory
                .users
                .values()
                .map(|user| Event::UserPut(Box::new(User::clone(user)))),
        );
        for event in events {
            let bytes = bincode::serde::encode_to_vec(&event, bincode::config::standard()).unwrap();
            let (read, n_read) =
                bincode::serde::decode_from_slice::<Event, _>(&bytes, bincode::config::standard()).unwrap();
            assert_eq!((read, n_read), (event, bytes.len()));
        }
    }
}
