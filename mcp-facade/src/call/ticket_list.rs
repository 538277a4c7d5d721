//! The caller's tickets by category, filtered and paged.
//!
//! Not here: which tickets a category holds, and the range where no bound is sent (the engine's list).

use std::collections::BTreeSet;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::{NodeId, TicketId, UserId, WorkflowId};
use loonflow_engine::runtime::{Caller, Category, Engine, ListQuery, Order};
use loonflow_engine::ticket::ActState;
use loonflow_engine::time::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::{CallContext, notes};
use crate::arguments::names::nearest;
use crate::arguments::time_bound::{self, Side};
use crate::arguments::{Arguments, Page, quoted, shortened};
use crate::error::{ApiError, Code};
use crate::wire::page::Paging;
use crate::wire::request;
use crate::wire::ticket::Row;

/// Words of `category`; the first is the default.
pub const CATEGORIES: &[&str] = &["duty", "owner", "relation", "view", "worked", "intervene", "all"];

/// Words of `order_by`; the first is the default.
pub const ORDERS: &[&str] = &["created", "due"];

/// Without a bound a list goes back so many days (contract: ticket_list).
const LIST_DAYS: i64 = 3 * 365 + 1;
/// Without a bound a list goes ahead so far (contract: ticket_list): clocks differ.
const LIST_AHEAD_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// One page of a list. Ids are as sent; `None` and an empty list filter nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params {
    /// One of [`CATEGORIES`].
    pub category: String,
    /// Part of the title.
    pub search_value: Option<String>,
    /// First moment of creation, as text: `arguments::time_bound` reads it in the tenant's zone.
    pub create_start: Option<String>,
    /// Last moment of creation, likewise.
    pub create_end: Option<String>,
    /// Workflows.
    pub workflow_ids: Vec<String>,
    /// Nodes that hold a token now.
    pub node_ids: Vec<String>,
    /// Tickets.
    pub ticket_ids: Vec<String>,
    /// State.
    pub act_state: Option<String>,
    /// Creator.
    pub creator_id: Option<String>,
    /// Parent.
    pub parent_ticket_id: Option<String>,
    /// Only those with a deadline that has passed.
    pub overdue: bool,
    /// Only those with a deadline before this moment, as text.
    pub due_before: Option<String>,
    /// One of [`ORDERS`].
    pub order_by: String,
    /// Newest first.
    pub reverse: bool,
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
            category: arguments.one_of("category", "duty", CATEGORIES)?,
            search_value: arguments.optional_string("search_value")?,
            create_start: arguments.optional_string("create_start")?,
            create_end: arguments.optional_string("create_end")?,
            workflow_ids: arguments.comma_separated("workflow_ids")?,
            node_ids: arguments.comma_separated("node_ids")?,
            ticket_ids: arguments.comma_separated("ticket_ids")?,
            act_state: arguments.optional_string("act_state")?,
            creator_id: arguments.optional_string("creator_id")?,
            parent_ticket_id: arguments.optional_string("parent_ticket_id")?,
            overdue: arguments.boolean("overdue", false)?,
            due_before: arguments.optional_string("due_before")?,
            order_by: arguments.one_of("order_by", "created", ORDERS)?,
            reverse: arguments.reverse(true)?,
            page: arguments.page()?,
        })
    }
}

/// `ticket_list`. Times without a zone are in the tenant's.
///
/// # Errors
/// `invalid_argument`.
pub(crate) fn query(params: &Params, directory: &Directory, now: Timestamp) -> Result<ListQuery, ApiError> {
    let bound = |name: &str, text: Option<&str>, side| {
        text.map(|text| time_bound::parse(name, text, directory.zone(), side))
            .transpose()
            .map(|moment| moment.map(|moment| Timestamp(moment.as_millisecond())))
    };
    let mut created_from = bound("create_start", params.create_start.as_deref(), Side::Start)?;
    let mut created_to = bound("create_end", params.create_end.as_deref(), Side::End)?;
    if created_from.is_none() && created_to.is_none() {
        created_from = Some(now.plus_ms(-LIST_DAYS * DAY_MS));
        created_to = Some(now.plus_ms(LIST_AHEAD_MS));
    }
    let ticket_ids = (!params.ticket_ids.is_empty()).then(|| {
        params
            .ticket_ids
            .iter()
            .filter_map(|id| TicketId::parse(id))
            .collect::<BTreeSet<_>>()
    });
    let parent_ticket_id = params.parent_ticket_id.as_deref().map(TicketId::parse);
    // A parent that could not exist has no children.
    let ticket_ids = if parent_ticket_id == Some(None) {
        Some(BTreeSet::new())
    } else {
        ticket_ids
    };
    let (page, per_page) = request::numbers(params.page);
    Ok(ListQuery {
        category: Category::parse(&params.category).unwrap_or_default(),
        search: params.search_value.clone().unwrap_or_default(),
        created_from,
        created_to,
        workflow_ids: request::ids(&params.workflow_ids),
        node_ids: request::ids(&params.node_ids),
        ticket_ids,
        act_state: params.act_state.as_deref().map(act_state).transpose()?,
        creator_id: params.creator_id.as_deref().map(UserId::from),
        parent_ticket_id: parent_ticket_id.flatten(),
        due_by: params.overdue.then_some(now),
        due_before: bound("due_before", params.due_before.as_deref(), Side::Start)?,
        order: Order::parse(&params.order_by).unwrap_or_default(),
        newest_first: params.reverse,
        page,
        per_page,
    })
}

/// The word of a state; a hyphen counts as an underscore, for some write `on-going`.
fn act_state(word: &str) -> Result<ActState, ApiError> {
    ActState::parse(&word.to_lowercase().replace('-', "_")).ok_or_else(|| {
        let allowed = ActState::ALL.map(ActState::word);
        let hint = match nearest(word, &allowed) {
            Some(nearest) => format!("did you mean `{nearest}`? if not, send one of {}", quoted(&allowed)),
            None => format!("send one of {}", quoted(&allowed)),
        };
        ApiError::invalid_argument(
            "act_state",
            format!(
                "argument `act_state` must be one of {}, got `{}`",
                quoted(&allowed),
                shortened(word)
            ),
        )
        .with_hint(hint)
        .with_details(json!({ "argument": "act_state", "allowed": allowed }))
    })
}

/// The page that was asked for.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// Tickets, by time of creation.
    pub ticket_list: Vec<Row>,
    /// Where the page is.
    #[serde(flatten)]
    pub paging: Paging,
    /// Filters that name nothing; absent where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Answers the call.
///
/// # Errors
/// Why it was refused.
pub(crate) async fn run(context: &CallContext, params: Params) -> Result<Answer, ApiError> {
    let directory = context.directory()?;
    let query = query(&params, &directory, context.state.now())?;
    let now = context.state.now();
    let page = context.answered(context.engine().tickets().list(&context.caller, query).await)?;
    let (engine, caller) = (context.engine(), &context.caller);
    let mut notes = notes_of(&params, engine, caller, &directory);
    if let (Some(parent), 0) = (&params.parent_ticket_id, page.total)
        && !may_view(context, parent).await?
    {
        notes.push(no_parent(parent));
    }
    Ok(Answer {
        paging: Paging::from(&page),
        ticket_list: page.rows.into_iter().map(|row| Row::of(row, &directory, now)).collect(),
        notes,
    })
}

/// Which filters name something that is not there.
fn notes_of(params: &Params, engine: &Engine, caller: &Caller, directory: &Directory) -> Vec<String> {
    let mut found = notes::each(
        &params.creator_id,
        |id| directory.user(&UserId::from(id)).is_some(),
        |id| notes::no_user("creator_id", id),
    );
    found.extend(notes::each(
        &params.workflow_ids,
        |id| engine.workflows().has(caller, &WorkflowId::from(id)),
        |id| format!("`workflow_ids`: there is no workflow `{id}` for you; `workflow_list` tells the ids of those you may start"),
    ));
    found.extend(notes::each(
        &params.node_ids,
        |id| engine.workflows().has_node(caller, &NodeId::from(id)),
        |id| {
            format!("`node_ids`: no workflow has a node `{id}`; `current_nodes` of a ticket tells the ids of its nodes")
        },
    ));
    let is_id = |id: &str| TicketId::parse(id).is_some();
    found.extend(notes::each(&params.ticket_ids, is_id, |id| {
        format!("`ticket_ids`: `{id}` is no id of a ticket; the rows of `ticket_list` have them in `id`")
    }));
    found
}

/// About a parent whose children are asked for: said where nothing was found.
fn no_parent(id: &str) -> String {
    let id = shortened(id);
    format!(
        "`parent_ticket_id`: there is no ticket `{id}` that you may view; `ticket_list` tells the ids of those you may"
    )
}

/// Whether there is such a ticket that the caller may view.
async fn may_view(context: &CallContext, id: &str) -> Result<bool, ApiError> {
    let Ok(id) = request::ticket_id(id) else {
        return Ok(false);
    };
    match context.answered(context.engine().tickets().detail(&context.caller, id).await) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.code, Code::Overloaded | Code::Internal) => Err(error),
        Err(_refused) => Ok(false),
    }
}
