//! Simpler forms of one step: each leaves one thing out, or puts something plainer in its place.

use serde_json::{Value as Json, json};

use crate::world::case::{CaseStep, Fields};

/// Simpler forms of a step, the simplest first; each is another step.
#[must_use]
pub fn simpler(step: &CaseStep) -> Vec<CaseStep> {
    let mut found = Vec::new();
    let mut change = |with: &dyn Fn(&mut CaseStep)| {
        let mut other = step.clone();
        with(&mut other);
        if other != *step {
            found.push(other);
        }
    };
    match step {
        CaseStep::Pass { ms } => {
            let ms = *ms;
            change(&|other| {
                if let CaseStep::Pass { ms } = other {
                    *ms = 0;
                }
            });
            // Whole hours read better, and are often enough.
            change(&|other| {
                if let CaseStep::Pass { ms: other } = other {
                    *other = ms / 3_600_000 * 3_600_000;
                }
            });
        }
        CaseStep::Create { fields, cc, .. } => {
            for kept in without_one(fields) {
                change(&|other| set_fields(other, &kept));
            }
            for at in 0..cc.len() {
                change(&|other| {
                    if let CaseStep::Create { cc, .. } = other {
                        cc.remove(at);
                    }
                });
            }
            change(&|other| {
                if let CaseStep::Create { comment, .. } = other {
                    *comment = None;
                }
            });
            for plain in plainer(fields) {
                change(&|other| set_fields(other, &plain));
            }
        }
        CaseStep::Handle { fields, .. } => {
            for kept in without_one(fields) {
                change(&|other| set_fields(other, &kept));
            }
            for part in 0..4 {
                change(&|other| {
                    if let CaseStep::Handle {
                        comment,
                        node_id,
                        target_assignee_id,
                        target_node_id,
                        ..
                    } = other
                    {
                        match part {
                            0 => *comment = None,
                            1 => *node_id = None,
                            2 => *target_assignee_id = None,
                            _ => *target_node_id = None,
                        }
                    }
                });
            }
            for plain in plainer(fields) {
                change(&|other| set_fields(other, &plain));
            }
        }
        CaseStep::Migrate { nodes, .. } => {
            for key in nodes.keys() {
                change(&|other| {
                    if let CaseStep::Migrate { nodes, .. } = other {
                        nodes.remove(key);
                    }
                });
            }
            change(&|other| {
                if let CaseStep::Migrate { operator, .. } = other {
                    *operator = None;
                }
            });
        }
        CaseStep::Publish { .. }
        | CaseStep::Directory { .. }
        | CaseStep::FireTimer { .. }
        | CaseStep::ReachDeadline { .. }
        | CaseStep::ReportHook { .. }
        | CaseStep::ReviewHolders { .. }
        | CaseStep::HandOver { .. } => {}
    }
    found
}

fn set_fields(step: &mut CaseStep, new: &Fields) {
    if let CaseStep::Create { fields, .. } | CaseStep::Handle { fields, .. } = step {
        new.clone_into(fields);
    }
}

/// No fields at all, then the same without each one.
fn without_one(fields: &Fields) -> Vec<Fields> {
    let mut found = Vec::new();
    if fields.len() > 1 {
        found.push(Fields::new());
    }
    for key in fields.keys() {
        let mut kept = fields.clone();
        kept.remove(key);
        found.push(kept);
    }
    found
}

/// The same with one value of plainer form: a short text, a list of one.
fn plainer(fields: &Fields) -> Vec<Fields> {
    let mut found = Vec::new();
    for (key, value) in fields {
        let plain = match value {
            Json::String(text) if text.len() > 1 => json!("a"),
            Json::Array(items) if items.len() > 1 => json!([items[0]]),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => {
                continue;
            }
        };
        let mut other = fields.clone();
        other.insert(key.clone(), plain);
        found.push(other);
    }
    found
}
