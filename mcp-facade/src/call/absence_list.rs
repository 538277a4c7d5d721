//! Absences of a person that are not over, and those in which they stand in for others.
//!
//! Not here: who may look (the engine).

use loonflow_engine::runtime;
use serde::Serialize;

use super::CallContext;
use crate::arguments::{Arguments, Page};
use crate::error::ApiError;
use crate::wire::absence::Absence;
use crate::wire::page::Paging;
use crate::wire::request;

/// One page of absences, by their beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params {
    /// Whose; `None` for the caller's.
    pub user_id: Option<String>,
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
            user_id: arguments.optional_string("user_id")?,
            page: arguments.page()?,
        })
    }
}

/// The page that was asked for.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// Absences, by their beginning.
    pub absence_list: Vec<Absence>,
    /// Where the page is.
    #[serde(flatten)]
    pub paging: Paging,
}

/// Answers the call.
///
/// # Errors
/// Why it was refused.
pub(crate) async fn run(context: &CallContext, params: Params) -> Result<Answer, ApiError> {
    let caller = &context.caller;
    let user = params.user_id.map_or_else(|| caller.user_id.clone(), Into::into);
    let absences = context.engine().absences();
    let found = absences.list(&caller.tenant_id, Some(&caller.user_id), &user).await;
    let found = context.answered_operator(found)?;
    let (page, per_page) = request::numbers(params.page);
    let page = runtime::Page::cut(&found, page, per_page);
    let directory = context.directory()?;
    let now = context.state.now();
    Ok(Answer {
        absence_list: page.rows.iter().map(|one| Absence::of(one, &directory, now)).collect(),
        paging: Paging::from(&page),
    })
}
