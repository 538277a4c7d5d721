//! Who did what to a ticket.
//!
//! Not here: which fields' changes the caller sees (the engine's view).

use loonflow_engine::runtime::HistoryQuery;
use serde::Serialize;

use super::CallContext;
use crate::arguments::{Arguments, Page};
use crate::error::ApiError;
use crate::wire::history::HistoryEntry;
use crate::wire::page::Paging;
use crate::wire::request;

/// One page of a ticket's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params {
    /// The ticket's id, as sent.
    pub ticket_id: String,
    /// Only what led to this version or a later one.
    pub from_version: u64,
    /// Newest first.
    pub reverse: bool,
    /// With what became of effects.
    pub with_effects: bool,
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
            ticket_id: arguments.required_string("ticket_id")?,
            from_version: arguments.integer("from_version", 0, 0..=i64::MAX)?.unsigned_abs(),
            reverse: arguments.reverse(false)?,
            with_effects: arguments.boolean("with_effects", false)?,
            page: arguments.page()?,
        })
    }
}

/// `ticket_history`.
fn query(params: &Params) -> HistoryQuery {
    let (page, per_page) = request::numbers(params.page);
    HistoryQuery {
        from_version: params.from_version,
        page,
        per_page,
        reverse: params.reverse,
        with_effects: params.with_effects,
    }
}

/// The page that was asked for.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// One entry for each call.
    pub history: Vec<HistoryEntry>,
    /// Where the page is.
    #[serde(flatten)]
    pub paging: Paging,
}

/// Answers the call.
///
/// # Errors
/// Why it was refused.
pub(crate) async fn run(context: &CallContext, params: Params) -> Result<Answer, ApiError> {
    let directory = context.directory()?;
    let ticket = request::ticket_id(&params.ticket_id)?;
    let page = context
        .engine()
        .tickets()
        .history(&context.caller, ticket, query(&params))
        .await;
    let page = context.answered(page)?;
    let paging = Paging::from(&page);
    let entries = page.rows.into_iter();
    Ok(Answer {
        history: entries.map(|entry| HistoryEntry::of(entry, &directory)).collect(),
        paging,
    })
}
