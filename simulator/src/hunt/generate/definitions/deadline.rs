//! A random deadline of a node.

use serde_json::{Value as Json, json};

use super::Names;
use super::directory::CALENDARS;
use super::form::Form;
use crate::world::tape::Tape;

const AFTER: [&str; 5] = ["PT8H", "P1D", "PT90M", "PT0S", "P3D"];
const AT: [&str; 7] = ["PT0S", "-PT1H", "PT1H", "-P1D", "P1D", "-PT15M", "PT2H"];

/// A deadline of a node with these ways out.
pub(super) fn of(tape: &mut Tape, form: &Form, names: &Names, ways: &[String]) -> Json {
    let dates: Vec<_> = form.of_kinds(&["date", "datetime"]).collect();
    let mut deadline = match tape.pick(&dates).filter(|_| tape.chance(1, 2)) {
        Some(field) => json!({ "until_field": field.key }),
        None => json!({ "after": AFTER[tape.next(AFTER.len())], "carry": tape.chance(1, 3) }),
    };
    if tape.chance(1, 2) {
        deadline["calendar"] = json!(CALENDARS[tape.next(CALENDARS.len())]);
    }
    let n_steps = tape.next(4);
    let steps = (0..n_steps).map(|_| {
        let mut step = json!({ "at": AT[tape.next(AT.len())] });
        match (tape.next(4), tape.pick(ways)) {
            (0, Some(way)) => (step["do"], step["edge"]) = (json!("take_edge"), json!(way)),
            (1, _) => {
                let to = Names::some(tape, &names.users, 2).join(",");
                step["do"] = json!("escalate");
                step["to"] = json!({ "assignee_type": "users", "assignee": to });
            }
            (2, _) => {
                step["do"] = json!("remind");
                step["every"] = json!(["PT1H", "P1D", "PT45M"][tape.next(3)]);
                step["times"] = json!(1 + tape.next(5));
            }
            _ => step["do"] = json!("remind"),
        }
        step
    });
    deadline["steps"] = steps.collect();
    deadline
}
