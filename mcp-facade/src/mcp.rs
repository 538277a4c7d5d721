//! The MCP server: lists the tools, and spells calls of them.
//!
//! Not here: transports (`http`, `stdio`), what a call takes and does (`call`), rules (the engine). Both eras of the
//! protocol come through here: with `initialize` and sessions, and since 2026-07-28 with neither.
//!
//! Invariant: a refused call is a tool result, and only a call of no tool is a protocol error.
//!
//! Order within a call: names of arguments, credential, user and application, rate, arguments, operation. Names come
//! first because a misspelt `access_token` would otherwise only be reported as missing.

mod fit;
pub mod schema;
pub mod tool_error;
pub mod tools;

use std::sync::OnceLock;

use axum::http::HeaderMap;
use axum::http::request::Parts;
use loonflow_engine::id::FileId;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CustomRequest, CustomResult, ErrorCode,
    ErrorData, Implementation, ListToolsResult, PaginatedRequestParams, Resource, ServerCapabilities, ServerConfig,
    Tool,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use serde_json::{Map, Value, json};

use crate::arguments::{ACCESS_TOKEN, APP_NAME, Arguments, shortened};
use crate::call::{self, CallContext};
use crate::error::{ApiError, Code};
use crate::limits::{ANSWER_BYTES_MAX, ANSWER_BYTES_USUAL, BODY_BYTES_MAX, FILES_LINKED_MAX};
use crate::mcp::tool_error::tool_error;
use crate::mcp::tools::{Entry, Toolset};
use crate::secret::Secret;
use crate::state::{AppState, RequestId};

/// Where it is spoken over HTTP.
pub const MCP_PATH: &str = "/mcp";

/// The name that clients see.
pub const SERVER_NAME: &str = "loonflow-ticket";

const INSTRUCTIONS: &str = "\
Tickets move through workflows; people act on them at nodes. \
To work through a to-do list: ticket_list, then ticket_prepare_handle for the actions open to the user, then ticket_handle \
with dry_run true, show the preview to the user, then the same call with dry_run false and the version as expected_version. \
To open a ticket: workflow_list, ticket_prepare_create, ticket_create with dry_run true, then false. \
Find people with user_list; read what happened with ticket_history. \
Set idempotency_key on calls that change something, so that a repeat after a lost answer does no harm. \
A refused call says what to do next in its text.";

/// Answers MCP requests. Cheap to clone: the HTTP transport takes one for each request.
#[derive(Clone)]
pub struct TicketServer {
    state: AppState,
    tools: &'static Toolset,
}

impl TicketServer {
    /// A server with all tools.
    #[must_use]
    pub fn new(state: AppState) -> Self {
        Self::with_tools(state, tools::all())
    }

    /// A server with other tools.
    #[must_use]
    pub fn with_tools(state: AppState, tools: &'static Toolset) -> Self {
        Self { state, tools }
    }

    /// Answers a call of a tool; a refusal is a result too.
    async fn guarded(
        &self,
        entry: &Entry,
        sent: Map<String, Value>,
        headers: Option<&HeaderMap>,
        request_id: &str,
    ) -> CallToolResult {
        let user_id = OnceLock::new();
        let answer = self.answer(entry, sent, headers, request_id, &user_id);
        let answered = call::guarded(&self.state, &entry.tool.name, request_id, &user_id, answer).await;
        answered.unwrap_or_else(|error| tool_error(&error))
    }

    async fn answer(
        &self,
        entry: &Entry,
        sent: Map<String, Value>,
        headers: Option<&HeaderMap>,
        request_id: &str,
        user_id: &OnceLock<String>,
    ) -> Result<CallToolResult, ApiError> {
        // Over HTTP the body was measured already.
        if headers.is_none() && size(&sent) > BODY_BYTES_MAX {
            return Err(ApiError::new(
                Code::PayloadTooLarge,
                format!("the arguments are over {BODY_BYTES_MAX} bytes"),
            ));
        }
        let mut arguments = Arguments::new(sent, &entry.arguments)?;
        let token = arguments.secret(ACCESS_TOKEN)?;
        let app_name = arguments.optional_string(APP_NAME)?;
        let credential = call::credential(&self.state, token.as_ref().map(Secret::expose), headers)?;
        let context = call::enter(&self.state, &credential, app_name.as_deref(), request_id, user_id)?;
        let answer = (entry.run)(&context, arguments).await?;
        let links = links(&context, &answer);
        let mut result = within_size(answer, entry.whole)?;
        result.content.extend(links);
        Ok(result)
    }
}

/// Links to the files that an answer describes, where the server knows its own address.
fn links(context: &CallContext, answer: &Value) -> Vec<ContentBlock> {
    let mut found: Vec<(&str, ContentBlock)> = Vec::new();
    let mut open = vec![answer];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(values) => open.extend(values.iter().rev()),
            Value::Object(object) => {
                let text = |key: &str| object.get(key).and_then(Value::as_str);
                let described = (text("id"), text("name"), text("type"), text("sha256"));
                if let (Some(id), Some(name), Some(media_type), Some(_)) = described {
                    let is_new = found.iter().all(|(known, _)| *known != id);
                    let url = FileId::parse(id).and_then(|id| context.engine().files().url(id));
                    if let Some(url) = url.filter(|_| is_new && found.len() < FILES_LINKED_MAX) {
                        let mut resource = Resource::new(url, name);
                        resource.mime_type = Some(media_type.to_owned());
                        resource.size = object.get("size").and_then(Value::as_u64);
                        found.push((id, ContentBlock::resource_link(resource)));
                    }
                } else {
                    open.extend(object.values().rev());
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    found.into_iter().map(|(_, link)| link).collect()
}

/// The success of a tool, cut where it would be too large to send; `whole` says how to get what is cut.
///
/// # Errors
/// `answer_too_large`, where even that is too much.
fn within_size(mut answer: Value, whole: &str) -> Result<CallToolResult, ApiError> {
    let mut text = written(&answer);
    if text.len() > ANSWER_BYTES_MAX {
        fit::fit(&mut answer, ANSWER_BYTES_MAX, whole);
        text = written(&answer);
    }
    let bytes = text.len();
    if bytes > ANSWER_BYTES_MAX {
        let message = format!("the answer has {bytes} bytes, over {ANSWER_BYTES_MAX}");
        return Err(ApiError::new(Code::AnswerTooLarge, message).with_hint(whole));
    }
    let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
    result.structured_content = Some(answer);
    Ok(result)
}

/// `CallToolResult::structured` writes through `Display`, piece by piece, which takes twice as long.
fn written(answer: &Value) -> String {
    let mut text = Vec::with_capacity(ANSWER_BYTES_USUAL);
    let written = serde_json::to_writer(&mut text, answer).ok();
    written.and_then(|()| String::from_utf8(text).ok()).unwrap_or_default()
}

/// Roughly the bytes of a JSON object, without writing it.
fn size(object: &Map<String, Value>) -> usize {
    let mut total = 0usize;
    let mut open: Vec<&Value> = Vec::new();
    for (key, value) in object {
        total += key.len();
        open.push(value);
    }
    while let Some(value) = open.pop() {
        total += 4;
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
            Value::String(text) => total += text.len(),
            Value::Array(values) => open.extend(values),
            Value::Object(object) => {
                for (key, value) in object {
                    total += key.len();
                    open.push(value);
                }
            }
        }
    }
    total
}

impl ServerHandler for TicketServer {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(
                Implementation::new(SERVER_NAME, env!("CARGO_PKG_VERSION")).with_title("Loonflow tickets"),
            )
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.listed()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.find(name).map(|entry| entry.tool.clone())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(entry) = self.tools.find(&request.name) else {
            let name = shortened(&request.name);
            let message = match self.tools.nearest(&request.name) {
                Some(nearest) => format!("there is no tool `{name}`; did you mean `{nearest}`?"),
                None => format!("there is no tool `{name}`; see tools/list"),
            };
            return Err(ErrorData::invalid_params(message, None));
        };
        // Absent on stdio.
        let parts = context.extensions.get::<Parts>();
        let request_id = parts
            .and_then(|parts| parts.extensions.get::<RequestId>())
            .map_or_else(|| self.state.next_request_id(), |id| id.0.clone());
        let sent = request.arguments.unwrap_or_default();
        let result = self
            .guarded(entry, sent, parts.map(|parts| &parts.headers), &request_id)
            .await;
        Ok(result.into())
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        // A known method lands here when its params have the wrong shape.
        if matches!(request.method.as_str(), "tools/call" | "tools/list" | "initialize") {
            let message = match request.method.as_str() {
                "tools/call" => "`params` must have `name`, a string, and may have `arguments`, an object",
                _ => "`params` do not have the shape of the method",
            };
            return Err(ErrorData::invalid_params(message, None));
        }
        let message = format!("there is no method `{}`", shortened(&request.method));
        Err(ErrorData::new(
            ErrorCode::METHOD_NOT_FOUND,
            message,
            Some(json!({ "server": SERVER_NAME })),
        ))
    }

    async fn on_initialized(&self, _context: rmcp::service::NotificationContext<RoleServer>) {}
}
