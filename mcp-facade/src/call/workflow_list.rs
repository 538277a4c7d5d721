//! The workflows that the caller may start.
//!
//! Not here: who may start what (the engine).

use serde::Serialize;

use super::CallContext;
use crate::arguments::{Arguments, Page};
use crate::error::ApiError;
use crate::wire::page::Paging;
use crate::wire::request;
use crate::wire::workflow::WorkflowRow;

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

/// The page that was asked for.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// Workflows, by id.
    pub workflow_list: Vec<WorkflowRow>,
    /// Where the page is.
    #[serde(flatten)]
    pub paging: Paging,
}

/// Answers the call.
///
/// # Errors
/// Why it was refused.
pub(crate) async fn run(context: &CallContext, params: Params) -> Result<Answer, ApiError> {
    let (page, per_page) = request::numbers(params.page);
    let search = params.search_value.unwrap_or_default();
    let found = context
        .engine()
        .workflows()
        .startable(&context.caller, &search, page, per_page)
        .await;
    let page = context.answered(found)?;
    Ok(Answer {
        paging: Paging::from(&page),
        workflow_list: page.rows.iter().map(|version| WorkflowRow::from(&**version)).collect(),
    })
}
