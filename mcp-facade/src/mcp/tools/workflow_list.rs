//! Tool `workflow_list`: the workflows that the caller may start.
//!
//! Not here: who may start what (the engine).

use futures::FutureExt;

use super::{CallContext, Declaration, Effect, rows};
use crate::arguments::{Arguments, Page};
use crate::error::ApiError;
use crate::mcp::schema::{Kind, property};
use crate::wire::{self, request};

/// One page of workflows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params {
    /// Part of the name.
    pub search_value: Option<String>,
    /// Which page.
    pub page: Page,
}

impl Params {
    /// Reads the arguments.
    ///
    /// # Errors
    /// `invalid_argument`.
    pub fn parse(arguments: &mut Arguments) -> Result<Self, ApiError> {
        Ok(Self {
            search_value: arguments.optional_string("search_value")?,
            page: arguments.page()?,
        })
    }
}

/// The tool.
pub const DECLARATION: Declaration = Declaration {
    name: "workflow_list",
    title: "List workflows",
    description: "Use to find what kind of ticket can be created; then call ticket_prepare_create with the id.",
    input: &[
        property("search_value", Kind::Text, "Part of the name."),
        rows::PAGE,
        rows::PER_PAGE,
    ],
    output: &[
        property(
            "workflow_list",
            Kind::AnyRows,
            "id, name, description, version_id, version_name.",
        ),
        property("per_page", Kind::Number, "Rows of a page."),
        property("page", Kind::Number, "This page."),
        property("total", Kind::Number, "Workflows on all pages."),
        property("has_more", Kind::Flag, "Whether a page follows."),
    ],
    effect: Effect::Reads,
    whole: "ask for fewer rows with `per_page`",
    run: |context, arguments| run(context, arguments).boxed(),
};

async fn run(context: &CallContext, mut arguments: Arguments) -> Result<serde_json::Value, ApiError> {
    let params = Params::parse(&mut arguments)?;
    let (page, per_page) = request::numbers(params.page);
    let search = params.search_value.unwrap_or_default();
    let found = context
        .engine()
        .workflows(&context.caller, &search, page, per_page)
        .await;
    let page = context.answered(found)?;
    Ok(wire::page::page("workflow_list", &page, |version| {
        wire::workflow::row(version)
    }))
}
