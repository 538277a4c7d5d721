//! Decides what a command does to a workflow's versions: events or a refusal; changes nothing (semantics: versions).
//!
//! A version that becomes the default makes the former default a candidate: it can still be asked for by name, and
//! going back is one command. Archiving it is a decision of its own, and so is leaving a workflow without a default.

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::aggregate::{VersionState, Workflow};
use super::command::{Command, Context};
use super::event::Event;
use super::problem::Problem;
use super::validate;
use crate::account::permission::may_publish;
use crate::id::{VersionName, WorkflowId};
use crate::workflow::WorkflowVersion;

/// Why a request to a workflow was turned down: nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The definition has errors; every problem at once, warnings too.
    #[error("the definition has {} error(s): {}", n_errors(.problems), sentences(.problems))]
    Invalid {
        /// What is wrong.
        problems: Vec<Problem>,
    },
    /// The version is there with other content.
    #[error("version `{name}` is published with other content")]
    VersionExists {
        /// Its name.
        name: VersionName,
    },
    /// There is no such version.
    #[error("version `{name}` was not found")]
    VersionNotFound {
        /// As asked for.
        name: VersionName,
    },
    /// The definition is of another workflow.
    #[error("the definition is of workflow `{found}`, not `{expected}`")]
    OtherWorkflow {
        /// This one.
        expected: WorkflowId,
        /// Its.
        found: WorkflowId,
    },
    /// Publishing takes another type of user.
    #[error("publishing workflows is not yours to do")]
    PermissionDenied,
}

fn n_errors(problems: &[Problem]) -> usize {
    problems.iter().filter(|problem| problem.is_error()).count()
}

fn sentences(problems: &[Problem]) -> String {
    let errors = problems.iter().filter(|problem| problem.is_error()).take(5);
    errors.map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Refusal {
    /// Stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid_definition",
            Self::VersionExists { .. } => "version_exists",
            Self::VersionNotFound { .. } => "version_not_found",
            Self::OtherWorkflow { .. } => "other_workflow",
            Self::PermissionDenied => "permission_denied",
        }
    }
}

/// Events that a command causes; none where everything is as it asks already.
///
/// # Errors
/// Why it was turned down.
pub fn decide(workflow: &Workflow, command: &Command, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let is_allowed = context.operator.is_none_or(|operator| {
        context
            .validation
            .directory
            .and_then(|directory| directory.user(operator))
            .is_some_and(|user| may_publish(user))
    });
    if !is_allowed {
        return Err(Refusal::PermissionDenied);
    }
    match command {
        Command::Publish {
            source,
            file_stem,
            state,
        } => publish(workflow, source, file_stem.as_deref(), *state, context),
        Command::SetVersionState { name, state } => match workflow.versions.get(name) {
            None => Err(Refusal::VersionNotFound { name: name.clone() }),
            Some(version) if version.state == *state => Ok(Vec::new()),
            Some(_) => {
                let mut events = demotion(workflow, *state, context);
                events.push(state_changed(name, *state, context));
                Ok(events)
            }
        },
    }
}

/// The same content under the same name is no event, even where the directory has changed since and would no longer
/// let it through, and whatever state is asked for: the version may have been moved on since.
fn publish(
    workflow: &Workflow,
    source: &Json,
    file_stem: Option<&str>,
    state: VersionState,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    let digest = digest(source);
    let is_published = |version: &WorkflowVersion| {
        workflow
            .versions
            .get(&version.version_name)
            .is_some_and(|published| published.digest == digest)
    };
    if workflow.versions.values().any(|one| one.digest == digest)
        && WorkflowVersion::load_named(source, file_stem).is_ok_and(|version| is_published(&version))
    {
        return Ok(Vec::new());
    }
    let version = match validate::check(source, file_stem, &context.validation) {
        (Some(version), _) => version,
        (None, problems) => return Err(Refusal::Invalid { problems }),
    };
    if version.workflow_id != workflow.id {
        return Err(Refusal::OtherWorkflow {
            expected: workflow.id.clone(),
            found: version.workflow_id,
        });
    }
    if workflow.versions.contains_key(&version.version_name) {
        return Err(Refusal::VersionExists {
            name: version.version_name,
        });
    }
    let mut events = demotion(workflow, state, context);
    events.push(Event::VersionPublished {
        version_name: version.version_name,
        source: source.to_string(),
        digest,
        state,
        at: context.now,
        by: context.operator.cloned(),
    });
    Ok(events)
}

/// The former default makes room for a new one.
fn demotion(workflow: &Workflow, state: VersionState, context: &Context<'_>) -> Vec<Event> {
    let defaults = workflow
        .versions
        .iter()
        .filter(|(_, version)| version.state == VersionState::Default);
    let is_due = state == VersionState::Default;
    defaults
        .filter(|_| is_due)
        .map(|(name, _)| state_changed(name, VersionState::Candidate, context))
        .collect()
}

fn state_changed(name: &VersionName, state: VersionState, context: &Context<'_>) -> Event {
    Event::VersionStateChanged {
        version_name: name.clone(),
        state,
        at: context.now,
        by: context.operator.cloned(),
    }
}

/// SHA-256 of a definition's content: the same whatever the order of keys and the spaces between them.
#[must_use]
pub fn digest(source: &Json) -> [u8; 32] {
    let mut bytes = Vec::new();
    write_sorted(source, &mut bytes);
    Sha256::digest(&bytes).into()
}

/// Each part begins with its kind and count, so that no two contents give the same bytes.
fn write_sorted(json: &Json, bytes: &mut Vec<u8>) {
    let counted = |bytes: &mut Vec<u8>, kind: &[u8], n: usize| {
        bytes.extend(kind);
        bytes.extend((n as u64).to_le_bytes());
    };
    match json {
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {
            let text = json.to_string();
            counted(bytes, b"v", text.len());
            bytes.extend(text.as_bytes());
        }
        Json::Array(items) => {
            counted(bytes, b"a", items.len());
            items.iter().for_each(|item| write_sorted(item, bytes));
        }
        Json::Object(entries) => {
            counted(bytes, b"o", entries.len());
            let sorted: std::collections::BTreeMap<_, _> = entries.iter().collect();
            for (name, item) in sorted {
                counted(bytes, b"", name.len());
                bytes.extend(name.as_bytes());
                write_sorted(item, bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::account::directory::Directory;
    use crate::account::import;
    use crate::id::UserId;
    use crate::time::Timestamp;
    use crate::workflow::apply::apply;
    use crate::workflow::validate::ValidationContext;

    fn leave(version: &str) -> Json {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/workflows/leave.json");
        let mut source: Json = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        source["basic_info"]["version"] = json!(version);
        source
    }

    fn user_of(directory: &Directory, name: &str) -> UserId {
        directory
            .users
            .values()
            .find(|user| user.name == name)
            .unwrap()
            .id
            .clone()
    }

    fn run(workflow: &Workflow, command: &Command, operator: Option<&str>) -> Result<Vec<Event>, Refusal> {
        let directory = import::fixture("acme");
        let operator = operator.map(|name| user_of(&directory, name));
        let validation = ValidationContext {
            directory: Some(&directory),
            known_workflows: None,
        };
        decide(
            workflow,
            command,
            &Context {
                now: Timestamp(7),
                operator: operator.as_ref(),
                validation,
            },
        )
    }

    fn publish(source: Json, state: VersionState) -> Command {
        Command::Publish {
            source: Arc::new(source),
            file_stem: None,
            state,
        }
    }

    fn states(workflow: &Workflow) -> String {
        let states = workflow
            .versions
            .iter()
            .map(|(name, version)| format!("{name} {}", version.state.word()));
        states.collect::<Vec<_>>().join(", ")
    }

    /// Digests are stored: they stay what they are.
    #[test]
    fn a_digest_is_of_the_content_alone_and_never_changes() {
        let hex = |text: &str| -> String {
            let source: Json = serde_json::from_str(text).unwrap();
            digest(&source).iter().map(|byte| format!("{byte:02x}")).collect()
        };
        let expected = "7b8542f8238ba4c59ecbd26de9165bce70802832601ce55368cfe0ce4f796e26";
        assert_eq!(hex(r#"{"b": [1, "x"], "a": null}"#), expected);
        assert_eq!(hex(r#"{"a":null,"b":[1,"x"]}"#), expected);
        assert_ne!(hex(r#"{"a":null,"b":["x",1]}"#), expected);
    }

    #[test]
    fn versions_are_published_once_and_one_is_the_default() {
        let mut workflow = Workflow::new("acme".into(), "leave".into());
        let set = |name: &str, state| Command::SetVersionState {
            name: name.into(),
            state,
        };
        let (default, candidate, archived) = (VersionState::Default, VersionState::Candidate, VersionState::Archived);
        for (command, expected) in [
            (publish(leave("1"), default), "1 default"),
            (publish(leave("1"), default), "1 default"),
            (publish(leave("1"), archived), "1 default"),
            (publish(leave("2"), candidate), "1 default, 2 candidate"),
            (publish(leave("3"), default), "1 candidate, 2 candidate, 3 default"),
            (set("2", default), "1 candidate, 2 default, 3 candidate"),
            (set("1", archived), "1 archived, 2 default, 3 candidate"),
            (set("1", archived), "1 archived, 2 default, 3 candidate"),
        ] {
            let events = run(&workflow, &command, None).unwrap();
            workflow = events.iter().fold(workflow, apply);
            assert_eq!(states(&workflow), expected, "{command:?}");
        }
        assert_eq!(workflow.default_version().unwrap().version_name.as_str(), "2");
        assert!(workflow.version_to_start(Some(&"1".into())).is_none());
        assert!(workflow.version_to_start(Some(&"3".into())).is_some());
        assert!(workflow.version_named(&"1".into()).is_some());

        let mut other_content = leave("1");
        other_content["basic_info"]["description"] = json!("changed");
        let mut other_workflow = leave("9");
        other_workflow["basic_info"]["id"] = json!("vacation");
        let mut invalid = leave("9");
        invalid["process_schema"]["node_info_list"][1]["name"] = json!("");
        for (command, operator, code) in [
            (publish(other_content, candidate), None, "version_exists"),
            (publish(other_workflow, candidate), Some("wes"), "other_workflow"),
            (publish(invalid, candidate), Some("ada"), "invalid_definition"),
            (publish(leave("9"), candidate), Some("dev"), "permission_denied"),
            (set("1", default), Some("erin"), "permission_denied"),
            (set("9", default), Some("ada"), "version_not_found"),
        ] {
            let refusal = run(&workflow, &command, operator).unwrap_err();
            assert_eq!(refusal.code(), code, "{refusal}");
        }
    }

    #[test]
    fn the_digest_looks_at_content_only() {
        let one: Json = serde_json::from_str(r#"{"a": 1, "b": [1, {"c": null}]}"#).unwrap();
        let same: Json = serde_json::from_str(r#"{ "b":[1,{"c":null}], "a":1 }"#).unwrap();
        assert_eq!(digest(&one), digest(&same));
        for other in [
            r#"{"a": 1, "b": [1, {"c": 0}]}"#,
            r#"{"a": "1", "b": [1, {"c": null}]}"#,
            r#"{"a": 1, "b": [[1], {"c": null}]}"#,
        ] {
            assert_ne!(digest(&one), digest(&serde_json::from_str(other).unwrap()));
        }
    }
}
