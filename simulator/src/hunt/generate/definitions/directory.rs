//! A random directory: few people, so that they meet; a small tree of departments, two roles; calendars of working time.

use serde_json::{Value as Json, json};

use crate::world::tape::Tape;

/// Time zones: no change of the clock, one of an hour in the north, one of half an hour in the south, and offsets with
/// odd minutes, for timers that count calendar days and dates without an offset.
const ZONES: [&str; 5] = [
    "UTC",
    "Asia/Kathmandu",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
];

const NAMES: [&str; 7] = ["ann", "bob", "cat", "dan", "eve", "fay", "gus"];

/// Calendars that timers name; a directory has some of them.
pub(super) const CALENDARS: [&str; 3] = ["office", "night", "gone"];

/// Calendars of these ids, now and then without one or without hours, in zones whose clocks are changed too.
pub(in crate::hunt::generate) fn calendars(tape: &mut Tape) -> Json {
    let mut found = Vec::new();
    for id in CALENDARS {
        if tape.next(3) == 0 {
            continue;
        }
        let day = [
            json!(["09:00-12:00", "13:00-18:00"]),
            json!(["00:00-06:10", "22:00-24:00"]),
            json!(["01:30-02:45"]),
        ];
        let mut week = serde_json::Map::new();
        for weekday in ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] {
            // The simplest calendar is open.
            if tape.next(4) != 3 {
                week.insert(weekday.to_owned(), day[tape.next(day.len())].clone());
            }
        }
        let of_budget = ["PT8H", "PT2H30M"][tape.next(2)];
        let mut calendar = json!({ "id": id, "day": of_budget, "week": week });
        if tape.chance(1, 2) {
            calendar["zone"] = json!(ZONES[tape.next(ZONES.len())]);
        }
        if tape.chance(1, 8) {
            calendar["week"] = json!({});
        }
        // Around the time at which most runs are.
        let dates = ["2026-01-01", "2026-01-02", "2026-01-05"];
        let special = dates.into_iter().filter(|_| tape.chance(1, 4));
        let special: serde_json::Map<String, Json> =
            special.map(|date| (date.to_owned(), json!(["12:00-12:30"]))).collect();
        calendar["special"] = special.into();
        found.push(calendar);
    }
    found.into()
}

/// A directory as its file has it: one admin at least, some departments without leader or approvers, roles that may
/// be empty, now and then someone who is not active, a time zone.
#[must_use]
pub fn directory(tape: &mut Tape) -> Json {
    let n_users = 3 + tape.next(NAMES.len() - 2);
    let names = &NAMES[..n_users];
    let depts = ["hq", "ops", "lab"];
    let n_depts = 1 + tape.next(depts.len());
    let users: Vec<Json> = names
        .iter()
        .enumerate()
        .map(|(idx, name)| {
            let kind = match idx {
                0 => "admin",
                1 if tape.chance(1, 2) => "workflow_admin",
                _ => "normal",
            };
            let dept = depts[tape.next(n_depts)];
            let roles: Vec<&str> = ["clerk", "chief"].into_iter().filter(|_| tape.chance(1, 2)).collect();
            let memberships = if tape.chance(1, 8) {
                json!([])
            } else {
                json!([{ "dept_id": dept, "is_primary": true }])
            };
            json!({
                "id": name, "name": name, "alias": "", "email": format!("{name}@random.example"), "type": kind,
                "is_active": idx == 0 || !tape.chance(1, 12), "depts": memberships, "roles": roles,
            })
        })
        .collect();
    let dept_list: Vec<Json> = depts[..n_depts]
        .iter()
        .enumerate()
        .map(|(idx, dept)| {
            let leader = (!tape.chance(1, 3)).then(|| names[tape.next(n_users)]);
            let n_approvers = tape.next(3);
            let mut approvers: Vec<&str> = (0..n_approvers).map(|_| names[tape.next(n_users)]).collect();
            approvers.sort_unstable();
            approvers.dedup();
            json!({
                "id": dept, "name": dept, "parent_id": (idx > 0).then_some("hq"), "leader": leader,
                "approvers": approvers,
            })
        })
        .collect();
    json!({
        "tenant": {
            "id": "random", "name": "Random", "domain": "random.example", "time_zone": ZONES[tape.next(ZONES.len())],
            "calendars": calendars(tape),
        },
        "users": users, "depts": dept_list,
        "roles": [{ "id": "clerk", "name": "Clerk" }, { "id": "chief", "name": "Chief" }],
        "applications": [{ "name": "loonflow", "workflow_ids": "*" }],
    })
}
