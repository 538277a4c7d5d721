//! One of each event of a directory.

use loonflow_engine::account;
use loonflow_engine::calendar::Calendar;
use loonflow_engine::time::Timestamp;
use loonflow_engine::value::Value;

use super::notices;

pub(crate) fn samples() -> Vec<account::event::Event> {
    use account::event::Event;
    let at = Timestamp(1_795_339_800_000);
    let label = [("team".to_owned(), Value::text("red"))].into_iter().collect();
    let mut samples = vec![
        Event::TenantChanged(account::Tenant {
            id: "acme".into(),
            name: "Acme".into(),
            domain: "acme.example".into(),
            time_zone: "Asia/Shanghai".into(),
        }),
        Event::DeptPut(account::Dept {
            id: "sub".into(),
            name: "Sub".into(),
            parent: Some("top".into()),
            leader: Some("ada".into()),
            approvers: vec!["ada".into(), "wes".into()],
        }),
        Event::RolePut(account::Role {
            id: "hr".into(),
            name: "HR".into(),
        }),
        Event::ApplicationPut(account::Application {
            name: "bot".into(),
            workflows: account::AppWorkflows::Only(vec!["leave".into()]),
        }),
        Event::ApplicationPut(account::Application {
            name: "loonflow".into(),
            workflows: account::AppWorkflows::All,
        }),
        Event::UserPut(Box::new(account::User {
            id: "ada".into(),
            name: "ada".into(),
            alias: "Ada Admin".into(),
            email: "ada@acme.example".into(),
            phone: "+1 555 0100".into(),
            user_type: account::UserType::WorkflowAdmin,
            is_active: true,
            avatar: String::new(),
            lang: "en".into(),
            label: Value::Map(label),
            depts: vec![account::Membership {
                dept_id: "sub".into(),
                is_primary: true,
            }],
            roles: vec!["hr".into()],
            password_hash: Some("$argon2id$…".into()),
            created_at: at,
            updated_at: at,
        })),
        Event::AccessTokenCreated(account::token::AccessToken {
            id: "t1".into(),
            user_id: "ada".into(),
            label: "laptop".into(),
            sha256: [7; 32],
            created_at: at,
            expires_at: Some(at),
            revoked_at: None,
        }),
        Event::AccessTokenRevoked { id: "t1".into(), at },
        Event::ImportBegun,
        Event::ImportFinished,
        Event::ImportBrokenOff,
        Event::CalendarsPut(vec![
            account_calendar(&serde_json::json!({
                "id": "office",
                "zone": "Europe/Berlin",
                "day": "PT7H30M",
                "week": { "mon": ["09:00-12:00", "13:00-18:00"], "sun": ["00:00-24:00"] },
                "special": { "1969-12-24": ["09:00-12:00"], "2026-12-25": [] },
            })),
            account_calendar(&serde_json::json!({ "id": "bare" })),
        ]),
        Event::Reviewed { version: 300 },
        Event::AbsenceSet(account::absence::Absence {
            id: "0a1b".into(),
            user: "ada".into(),
            from: at,
            to: Timestamp(1_796_000_000_000),
            delegate: "wes".into(),
            workflows: vec!["leave".into()],
            by: Some("wes".into()),
            set_at: at,
        }),
        Event::AbsenceCleared {
            id: "0a1b".into(),
            user: "ada".into(),
            by: None,
            at,
        },
    ];
    samples.extend(notices::chosen());
    samples
}

fn account_calendar(json: &serde_json::Value) -> Calendar {
    Calendar::read(json).unwrap()
}
