//! An [`ApiError`] as a tool result, which the model can read and mend.
//!
//! Not here: protocol errors, which are for calls that could not be routed at all (`mcp`).

use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::json;

use crate::error::ApiError;

/// `isError`, the text form in `content[0]`, and the error's object in `structuredContent.error`: some clients show the
/// model only the one, some only the other.
#[must_use]
pub fn tool_error(error: &ApiError) -> CallToolResult {
    let mut result = CallToolResult::error(vec![ContentBlock::text(error.to_string())]);
    result.structured_content = Some(json!({ "error": error.to_json() }));
    result
}
