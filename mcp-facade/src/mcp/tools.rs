//! The one list of tools.
//!
//! Not here: what each takes and answers (`call::<tool>`), and how a call is guarded (`call`). A new tool is a file here,
//! one there, and a line in [`all`].

pub mod absence_clear;
pub mod absence_list;
pub mod absence_set;
pub mod file_upload;
pub mod ticket_create;
pub mod ticket_detail;
pub mod ticket_handle;
pub mod ticket_history;
pub mod ticket_list;
pub mod ticket_prepare_create;
pub mod ticket_prepare_handle;
pub mod user_list;
pub mod workflow_list;

mod rows;

use std::sync::{Arc, LazyLock};

use futures::future::BoxFuture;
use rmcp::model::{Tool, ToolAnnotations};
use serde::Serialize;
use serde_json::Value;

use crate::arguments::names::tool_instead;
use crate::arguments::{ACCESS_TOKEN, APP_NAME, Arguments, DEFAULT_APP_NAME};
use crate::call::CallContext;
use crate::error::ApiError;
use crate::mcp::schema::{self, Kind, Property, property};

/// Parses the rest of the arguments and answers, with what `object` makes of the call's typed answer.
pub type Run = for<'a> fn(&'a CallContext, Arguments) -> BoxFuture<'a, Result<Value, ApiError>>;

/// A call's answer as the object that a tool's result has: the only place where MCP writes an answer out.
///
/// # Errors
/// `internal_error` where it is nothing that JSON can hold, which no type of an answer is.
pub(crate) fn object(context: &CallContext, answer: &impl Serialize) -> Result<Value, ApiError> {
    serde_json::to_value(answer).map_err(|_not_json| ApiError::internal(&context.request_id))
}

/// What a call does to the world, for the annotations; the honest answer, not the hopeful one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Changes nothing.
    Reads,
    /// Adds, and takes nothing away; hooks and notifications may leave the house.
    Adds,
    /// May end, discard or overwrite; hooks and notifications may leave the house.
    Changes,
}

/// A tool as its file declares it.
pub struct Declaration {
    /// Name on the wire.
    pub name: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// When an assistant should use it.
    pub description: &'static str,
    /// Arguments, without the two that every tool has.
    pub input: &'static [Property],
    /// Keys of the answer.
    pub output: &'static [Property],
    /// What a call does to the world.
    pub effect: Effect,
    /// How to get what was cut from an answer that would have been too large: an imperative, no full stop.
    pub whole: &'static str,
    /// Answers a call.
    pub run: Run,
}

/// A tool ready to be listed and called.
pub struct Entry {
    /// As listed.
    pub tool: Tool,
    /// Names of all arguments.
    pub arguments: Vec<&'static str>,
    /// How to get what was cut from an answer.
    pub whole: &'static str,
    /// Answers a call.
    pub run: Run,
}

/// The arguments that every tool has.
const COMMON: &[Property] = &[
    property(ACCESS_TOKEN, Kind::Text, "Token, if none is sent."),
    property(APP_NAME, Kind::TextOr(DEFAULT_APP_NAME), "Calling app."),
];

/// All tools, in the order in which they are listed.
#[must_use]
pub fn all() -> &'static Toolset {
    static ALL: LazyLock<Toolset> = LazyLock::new(|| {
        Toolset::new(&[
            ticket_list::DECLARATION,
            ticket_detail::DECLARATION,
            ticket_prepare_handle::DECLARATION,
            ticket_handle::DECLARATION,
            user_list::DECLARATION,
            workflow_list::DECLARATION,
            ticket_prepare_create::DECLARATION,
            ticket_create::DECLARATION,
            ticket_history::DECLARATION,
            absence_set::DECLARATION,
            absence_clear::DECLARATION,
            absence_list::DECLARATION,
            file_upload::DECLARATION,
        ])
    });
    &ALL
}

/// A list of tools, built once.
pub struct Toolset {
    entries: Vec<Entry>,
}

impl Toolset {
    /// Builds the listed form of each declaration.
    #[must_use]
    pub fn new(declarations: &[Declaration]) -> Self {
        Self {
            entries: declarations.iter().map(Entry::new).collect(),
        }
    }

    /// The tool of a name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tool.name == name)
    }

    /// The tool that is most likely meant by a name that none has.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<&str> {
        let names: Vec<&str> = self.entries.iter().map(|entry| entry.tool.name.as_ref()).collect();
        tool_instead(name, &names)
    }

    /// The tools as listed.
    #[must_use]
    pub fn listed(&self) -> Vec<Tool> {
        self.entries.iter().map(|entry| entry.tool.clone()).collect()
    }
}

impl Entry {
    fn new(declaration: &Declaration) -> Self {
        let input = schema::object(&[declaration.input, COMMON]);
        let annotations = match declaration.effect {
            Effect::Reads => ToolAnnotations::new()
                .read_only(true)
                .destructive(false)
                .idempotent(true)
                .open_world(false),
            Effect::Adds => ToolAnnotations::new()
                .read_only(false)
                .destructive(false)
                .idempotent(false)
                .open_world(true),
            Effect::Changes => ToolAnnotations::new()
                .read_only(false)
                .destructive(true)
                .idempotent(false)
                .open_world(true),
        };
        let tool = Tool::new(declaration.name, declaration.description, Arc::new(input))
            .with_title(declaration.title)
            .with_raw_output_schema(Arc::new(schema::answer(declaration.output)))
            .with_annotations(annotations);
        let arguments = declaration
            .input
            .iter()
            .chain(COMMON)
            .map(|property| property.name)
            .collect();
        Self {
            tool,
            arguments,
            whole: declaration.whole,
            run: declaration.run,
        }
    }
}

#[cfg(test)]
mod tests;
