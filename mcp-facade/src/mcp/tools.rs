//! The one list of tools.
//!
//! Not here: what each takes and answers (its own file), and how a call is guarded (`mcp`). A new tool is one file, one
//! line in [`all`].

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
use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::FieldKey;
use loonflow_engine::limits::LISTED_MAX;
use loonflow_engine::runtime::{Caller, EngineHandle, Fault};
use loonflow_engine::ticket::Refusal;
use loonflow_engine::view::ticket_detail::TicketDetail;
use rmcp::model::{Tool, ToolAnnotations};
use serde_json::Value;

use crate::arguments::names::tool_instead;
use crate::arguments::{ACCESS_TOKEN, APP_NAME, Arguments, DEFAULT_APP_NAME, quoted, shortened};
use crate::error::{ApiError, Code};
use crate::mcp::fit;
use crate::mcp::schema::{self, Kind, Property, property};
use crate::state::AppState;
use crate::wire;

/// What a tool may use while it answers one call.
pub struct CallContext {
    /// The process's state; the door to the engine is in it.
    pub state: AppState,
    /// Who is calling.
    pub caller: Caller,
    /// The request's id.
    pub request_id: String,
}

impl CallContext {
    /// The door to the engine.
    #[must_use]
    pub fn engine(&self) -> &EngineHandle {
        self.state.engine()
    }

    /// The directory of the caller's tenant: names of people and departments, the time zone.
    ///
    /// # Errors
    /// `token_invalid` when the tenant is not there, which the credential has ruled out.
    pub fn directory(&self) -> Result<Arc<Directory>, ApiError> {
        self.engine()
            .directory(&self.caller.tenant_id)
            .ok_or_else(|| ApiError::new(Code::TokenInvalid, "the token's organisation is not here"))
    }

    /// What the engine answered, or what the client is told instead.
    ///
    /// # Errors
    /// The code of the refusal, `overloaded` or `internal_error`.
    pub fn answered<T>(&self, answer: Result<Result<T, Refusal>, Fault>) -> Result<T, ApiError> {
        match answer {
            Ok(answer) => answer.map_err(ApiError::from),
            Err(fault) => Err(ApiError::of_fault(&fault, &self.request_id)),
        }
    }

    /// Asks the engine in a task of its own, so that a client that hangs up does not stop a change half-way; a stop
    /// of the process waits for it.
    ///
    /// # Errors
    /// As [`CallContext::answered`].
    pub async fn finish<T: Send + 'static>(
        &self,
        question: impl Future<Output = Result<Result<T, Refusal>, Fault>> + Send + 'static,
    ) -> Result<T, ApiError> {
        match self.state.calls().spawn(question).await {
            Ok(answer) => self.answered(answer),
            // It panicked; the panic hook has logged what and where.
            Err(_ended) => Err(ApiError::internal(&self.request_id)),
        }
    }

    /// A ticket as the caller sees it: `ticket_detail` and `ticket_prepare_handle` are one question. With `whole_field`,
    /// the values of all other fields are short, so that this one is not cut.
    ///
    /// # Errors
    /// `ticket_not_found`, `invalid_argument` for a field that is not shown, and as [`CallContext::answered`].
    pub async fn detail(&self, ticket_id: &str, whole_field: Option<&str>) -> Result<Value, ApiError> {
        let directory = self.directory()?;
        let ticket_id = wire::request::ticket_id(ticket_id)?;
        let mut detail = self.answered(self.engine().detail(&self.caller, ticket_id).await)?;
        if let Some(key) = whole_field {
            leave_whole(&mut detail, key)?;
        }
        Ok(wire::ticket::detail(&detail, &directory))
    }
}

/// Characters of the values of other fields, where one is asked for whole.
const BESIDE_WHOLE_CHARS: usize = 200;

/// Shortens the values of all fields but one.
fn leave_whole(detail: &mut TicketDetail, key: &str) -> Result<(), ApiError> {
    if !detail.values.contains_key(&FieldKey::from(key)) {
        let keys: Vec<&str> = detail.values.keys().map(FieldKey::as_str).take(LISTED_MAX).collect();
        let message = format!("no field `{}` with a value is shown to you", shortened(key));
        return Err(ApiError::invalid_argument("whole_field", message).with_hint(format!(
            "send the key of a field that has a value, as {}",
            quoted(&keys)
        )));
    }
    for (_, value) in detail.values.iter_mut().filter(|(one, _)| one.as_str() != key) {
        if let Some(short) = value.as_str().and_then(|text| fit::clipped(text, BESIDE_WHOLE_CHARS)) {
            *value = Value::String(short);
        }
    }
    Ok(())
}

/// Parses the rest of the arguments and answers.
pub type Run = for<'a> fn(&'a CallContext, Arguments) -> BoxFuture<'a, Result<Value, ApiError>>;

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
    property(ACCESS_TOKEN, Kind::Text, "Token, if the connection sends none."),
    property(APP_NAME, Kind::TextOr(DEFAULT_APP_NAME), "Application that calls."),
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
