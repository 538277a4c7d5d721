//! Random directories and definitions from a tape: small, valid, and between them with everything a definition can
//! have: all types of fields, nodes, edges, operators, assignees and strategies; nested, shared and plain splits;
//! loops and rejections that leave a split.
//!
//! Structure comes first (`process`): blocks within blocks, sound by construction. Then edges that follow no structure
//! are drawn; those that `workflow::validate::check` does not take are dropped again, so what comes out always runs.
//!
//! Not here: random definitions that need not be sound (`nets`), and what people do (`requests`).

use std::sync::Arc;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::workflow::WorkflowVersion;
use loonflow_engine::workflow::validate::{Problem, ValidationContext, check};
use serde_json::{Value as Json, json};

use crate::world::directory_from;
use crate::world::given::Given;
use crate::world::tape::Tape;

pub mod condition;
mod deadline;
pub mod directory;
pub mod form;
pub mod mutate;
pub mod process;

pub(super) use directory::calendars;
pub use directory::directory;
pub use mutate::mutated;

use form::Form;
use process::Builder;

/// Whom a definition can name.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Users, active or not.
    pub users: Vec<String>,
    /// Departments.
    pub depts: Vec<String>,
    /// Roles.
    pub roles: Vec<String>,
}

impl Names {
    /// Those of a directory, as its file has it.
    #[must_use]
    pub fn of(directory: &Json) -> Self {
        let ids = |list: &str| -> Vec<String> {
            let entries = directory[list].as_array().into_iter().flatten();
            entries
                .filter_map(|entry| entry["id"].as_str())
                .map(str::to_owned)
                .collect()
        };
        Self {
            users: ids("users"),
            depts: ids("depts"),
            roles: ids("roles"),
        }
    }

    pub(crate) fn some(tape: &mut Tape, all: &[String], max: usize) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for _ in 0..=tape.next(max) {
            if let Some(one) = tape.pick(all).filter(|one| !found.contains(one)) {
                found.push(one.clone());
            }
        }
        found
    }
}

/// A definition for a directory (both as their files have them) that `check` takes without an error.
#[must_use]
pub fn definition(tape: &mut Tape, directory: &Json) -> Json {
    let read = directory_from(directory).ok();
    made(tape, directory, read.as_deref()).0
}

/// None as a rule, so that most definitions stay short to read; else one or two that share an event.
fn event_hooks(tape: &mut Tape) -> Json {
    const EVENTS: [&str; 5] = ["create", "reject", "withdraw", "force_close", "finish"];
    let hook = |id: &str, tape: &mut Tape| {
        let events: Vec<&str> = EVENTS.into_iter().filter(|_| tape.next(2) == 0).collect();
        json!({ "id": id, "name": id, "url": format!("https://{id}.example/"), "token": "", "event_list": events })
    };
    let n_hooks = tape.next(4).saturating_sub(1);
    let ids = ["audit", "wiki"].into_iter().take(n_hooks);
    ids.map(|id| hook(id, tape)).collect()
}

/// As [`definition`], with the version that the check gave; the directory is read already.
fn made(tape: &mut Tape, directory: &Json, read: Option<&Directory>) -> (Json, Option<WorkflowVersion>) {
    let names = Names::of(directory);
    let form = Form::drawn(tape);
    let mut builder = Builder::new(tape, &form, &names);
    builder.structure();
    // Before those ways out that may be taken away again.
    builder.deadlines();
    let n_structured = builder.n_edges();
    builder.unstructured();
    let process = builder.done();
    let mut definition = json!({
        "basic_info": { "id": "random", "name": "Random", "description": "", "version": "1.0" },
        "form_schema": form.schema(),
        "process_schema": process,
        "advanced_schema": {
            "permission_info": rights(tape, &names),
            "notification_info": {},
            "customization_info": { "hook_info_list": event_hooks(tape) },
        },
    });
    loop {
        let (version, problems) = checked(&definition, read);
        if version.is_some() {
            return (definition, version);
        }
        // Edges without structure go one by one, first those a problem names; the structure itself is sound.
        let edges = definition["process_schema"]["edge_info_list"].as_array_mut();
        let Some(edges) = edges.filter(|edges| edges.len() > n_structured) else {
            return (definition, None);
        };
        let named = |edge: &Json| {
            problems
                .iter()
                .any(|one| one.edge.as_ref().is_some_and(|id| edge["id"] == id.as_str()))
        };
        let place = edges[n_structured..]
            .iter()
            .rposition(named)
            .map_or(edges.len() - 1, |place| n_structured + place);
        edges.remove(place);
    }
}

/// The version of a definition, and its problems, against a directory.
fn checked(definition: &Json, directory: Option<&Directory>) -> (Option<WorkflowVersion>, Vec<Problem>) {
    let context = ValidationContext {
        directory,
        known_workflows: None,
    };
    check(definition, None, &context)
}

fn rights(tape: &mut Tape, names: &Names) -> Json {
    let mut users = |of: usize| {
        if tape.chance(1, of) {
            Names::some(tape, &names.users, 2)
        } else {
            Vec::new()
        }
    };
    let (admins, dispatchers, viewers) = (users(2), users(3), users(3));
    let depts = if tape.chance(1, 4) {
        Names::some(tape, &names.depts, 1)
    } else {
        Vec::new()
    };
    json!({
        "admin_id_list": admins, "dispatcher_id_list": dispatchers,
        "viewer_id_list": viewers, "viewer_dept_id_list": depts,
    })
}

/// A random directory and a random definition for it.
#[must_use]
pub fn given(tape: &mut Tape) -> Given {
    loop {
        let source = directory(tape);
        let Ok(directory) = directory_from(&source) else {
            continue;
        };
        if let (_, Some(version)) = made(tape, &source, Some(&directory)) {
            return Given {
                source,
                directory,
                versions: vec![Arc::new(version)],
            };
        }
    }
}
