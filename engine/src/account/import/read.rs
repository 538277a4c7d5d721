//! Reads a directory file's JSON and notes every wrong shape, and keys that nothing reads.

use serde_json::Value as Json;

use super::reader::{Reader, UNKNOWN_KEY};
use super::{
    Application, Dept, DirectoryFile, ImportProblem, Membership, Role, Secret, Tenant, User, UserEntry, UserType,
    channels,
};
use crate::account::AppWorkflows;
use crate::calendar::Calendar;
use crate::id::WorkflowId;
use crate::limits::CALENDARS_MAX;
use crate::time::Timestamp;
use crate::value::Value;

/// Keys of a user.
const USER_KEYS: [&str; 15] = [
    "id",
    "name",
    "alias",
    "email",
    "phone",
    "type",
    "is_active",
    "avatar",
    "lang",
    "label",
    "password",
    "depts",
    "roles",
    "notice_off",
    "digest",
];

pub(super) fn read(json: &Json) -> Result<DirectoryFile, Vec<ImportProblem>> {
    let mut reader = Reader::default();
    if !json.is_object() {
        reader.problem("wrong_type", "the file", "is no JSON object");
    }
    let known = ["tenant", "users", "depts", "roles", "applications", "channels"];
    reader.keys(json, &known, "the file");
    let tenant = tenant(&mut reader, &json["tenant"]);
    let file = DirectoryFile {
        tenant,
        users: reader
            .entries(json, "users")
            .into_iter()
            .map(|entry| user(&mut reader, entry))
            .collect(),
        depts: reader
            .entries(json, "depts")
            .into_iter()
            .map(|entry| dept(&mut reader, entry))
            .collect(),
        roles: reader
            .entries(json, "roles")
            .into_iter()
            .map(|entry| role(&mut reader, entry))
            .collect(),
        applications: reader
            .entries(json, "applications")
            .into_iter()
            .map(|entry| app(&mut reader, entry))
            .collect(),
        calendars: calendars(&mut reader, &json["tenant"]["calendars"]),
        channels: channels::channels(&mut reader, json),
        lang: Some(reader.text(&json["tenant"], "lang", "the tenant").trim().to_owned()),
        warnings: Vec::new(),
    };
    let more = reader.unread.more();
    let mut warnings = reader.warnings;
    warnings.extend(more.map(|more| ImportProblem::new(UNKNOWN_KEY, more)));
    if reader.problems.is_empty() {
        Ok(DirectoryFile { warnings, ..file })
    } else {
        Err(reader.problems)
    }
}

fn tenant(reader: &mut Reader, json: &Json) -> Tenant {
    let place = "the tenant";
    let known = ["id", "name", "domain", "time_zone", "lang", "calendars"];
    reader.keys(json, &known, place);
    let time_zone = reader.text(json, "time_zone", place);
    Tenant {
        id: reader.needed(json, "id", place).into(),
        name: reader.needed(json, "name", place),
        domain: reader.needed(json, "domain", place).trim().to_lowercase(),
        time_zone: if time_zone.trim().is_empty() {
            "UTC".to_owned()
        } else {
            time_zone
        },
    }
}

/// The calendars of the tenant, which are all it has then; where the file is silent on them, they stay.
fn calendars(reader: &mut Reader, json: &Json) -> Option<Vec<Calendar>> {
    let items = match json {
        Json::Null => return None,
        Json::Array(items) => items,
        Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Object(_) => {
            reader.problem("wrong_type", "the tenant", "has `calendars` that are no list");
            return None;
        }
    };
    if items.len() > CALENDARS_MAX {
        let sentence = format!(
            "has {} calendars: at most {CALENDARS_MAX} are allowed, let sites with the same hours share one",
            items.len()
        );
        reader.problem("bad_calendar", "the tenant", &sentence);
        return None;
    }
    let mut calendars = Vec::new();
    for item in items {
        let id = item["id"].as_str().unwrap_or_default();
        let place = if id.trim().is_empty() {
            "a calendar".to_owned()
        } else {
            format!("calendar `{}`", id.escape_debug())
        };
        match Calendar::read(item) {
            Ok(calendar) if calendar.id.as_str().trim().is_empty() => {
                reader.problem("missing", &place, "has no `id`");
            }
            Ok(calendar) => calendars.push(calendar),
            Err(problems) => problems
                .iter()
                .for_each(|sentence| reader.problem("bad_calendar", &place, sentence)),
        }
    }
    Some(calendars)
}

fn user(reader: &mut Reader, json: &Json) -> UserEntry {
    let id = reader.needed(json, "id", "a user");
    let place = format!("user `{id}`");
    reader.keys(json, &USER_KEYS, &place);
    let word = reader.needed(json, "type", &place);
    let user_type = UserType::parse(&word).unwrap_or_else(|| {
        if !word.is_empty() {
            reader.problem(
                "bad_type",
                &place,
                &format!("has the type `{word}`: take admin, workflow_admin or normal"),
            );
        }
        UserType::Normal
    });
    let depts = reader.entries(json, "depts").into_iter().map(|entry| {
        reader.keys(entry, &["dept_id", "is_primary"], &format!("{place}, in `depts`,"));
        Membership {
            dept_id: entry["dept_id"].as_str().unwrap_or_default().into(),
            is_primary: entry["is_primary"] == true,
        }
    });
    let depts = depts.collect();
    if !matches!(json["label"], Json::Null | Json::Object(_)) {
        reader.problem("wrong_type", &place, "has a `label` that is no object");
    }
    let label = if json["label"].is_null() {
        Value::Map(std::collections::BTreeMap::new())
    } else {
        (&json["label"]).into()
    };
    let user = User {
        name: reader.needed(json, "name", &place),
        alias: reader.text(json, "alias", &place),
        email: reader.needed(json, "email", &place),
        phone: reader.text(json, "phone", &place),
        user_type,
        is_active: reader.flag(json, "is_active", true, &place),
        avatar: reader.text(json, "avatar", &place),
        lang: reader.text(json, "lang", &place),
        label,
        depts,
        roles: reader.texts(json, "roles", &place),
        password_hash: None,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
        id: id.into(),
    };
    let password = reader.optional::<String>(json, "password", &place).map(Secret::new);
    if password.is_some() && cfg!(not(feature = "passwords")) {
        let sentence = "has a `password`, and this program keeps none: leave it out";
        reader.problem("passwords_not_kept", &place, sentence);
    }
    let choice = channels::choice(reader, json, &place);
    UserEntry {
        user: super::normalized(user),
        password,
        choice: Some(choice),
    }
}

fn dept(reader: &mut Reader, json: &Json) -> Dept {
    let id = reader.needed(json, "id", "a department");
    let place = format!("department `{id}`");
    reader.keys(json, &["id", "name", "parent_id", "leader", "approvers"], &place);
    Dept {
        name: reader.needed(json, "name", &place),
        parent: reader.optional(json, "parent_id", &place),
        leader: reader.optional(json, "leader", &place),
        approvers: reader.texts(json, "approvers", &place),
        id: id.into(),
    }
}

fn role(reader: &mut Reader, json: &Json) -> Role {
    let id = reader.needed(json, "id", "a role");
    let place = format!("role `{id}`");
    reader.keys(json, &["id", "name"], &place);
    let name = reader.needed(json, "name", &place);
    Role { id: id.into(), name }
}

fn app(reader: &mut Reader, json: &Json) -> Application {
    let name = reader.needed(json, "name", "an application");
    let place = format!("application `{name}`");
    reader.keys(json, &["name", "workflow_ids"], &place);
    let workflows = match &json["workflow_ids"] {
        Json::String(all) if all == "*" => AppWorkflows::All,
        Json::String(_) => {
            reader.problem(
                "wrong_type",
                &place,
                "has `workflow_ids` that are neither `*` nor a list",
            );
            AppWorkflows::Only(Vec::new())
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
            AppWorkflows::Only(reader.texts::<WorkflowId>(json, "workflow_ids", &place))
        }
    };
    Application {
        name: name.into(),
        workflows,
    }
}
