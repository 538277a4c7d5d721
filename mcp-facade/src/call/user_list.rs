//! Users of the caller's tenant.
//!
//! Not here: which columns are shown (the engine's directory view; never a password or token).

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::{DeptId, UserId};
use loonflow_engine::runtime::UserQuery;
use serde::Serialize;

use super::{CallContext, notes};
use crate::arguments::{Arguments, Page};
use crate::error::ApiError;
use crate::wire::account::User;
use crate::wire::page::Paging;
use crate::wire::request;

/// The department that filters nothing, besides `"0"`.
pub const NIL_UUID: &str = "00000000-0000-0000-0000-000000000000";

/// One page of users, ordered by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params {
    /// Part of name, alias or e-mail, in any case.
    pub search_value: Option<String>,
    /// Users; empty filters nothing.
    pub user_ids: Vec<String>,
    /// Department; `None` filters nothing.
    pub dept_id: Option<String>,
    /// Without the longer columns.
    pub simple: bool,
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
            user_ids: arguments.comma_separated("user_ids")?,
            dept_id: arguments
                .optional_string("dept_id")?
                .filter(|id| id != "0" && id != NIL_UUID),
            simple: arguments.boolean("simple", true)?,
            page: arguments.page()?,
        })
    }
}

/// `user_list`.
fn query(params: &Params) -> UserQuery {
    let (page, per_page) = request::numbers(params.page);
    UserQuery {
        search: params.search_value.clone().unwrap_or_default(),
        user_ids: (!params.user_ids.is_empty())
            .then(|| params.user_ids.iter().map(|id| UserId::from(id.as_str())).collect()),
        dept_id: params.dept_id.as_deref().map(Into::into),
        page,
        per_page,
    }
}

/// The page that was asked for.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// Users, by id.
    pub user_list: Vec<User>,
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
    let page = context.answered(
        context
            .engine()
            .directories()
            .users(&context.caller, query(&params))
            .await,
    )?;
    let users = page.rows.iter().map(|user| User::of(user, &directory, params.simple));
    Ok(Answer {
        user_list: users.collect(),
        paging: Paging::from(&page),
        notes: notes_of(&params, &directory),
    })
}

/// Which filters name something that is not there.
fn notes_of(params: &Params, directory: &Directory) -> Vec<String> {
    let mut found = notes::each(
        &params.user_ids,
        |id| directory.user(&UserId::from(id)).is_some(),
        |id| notes::no_user("user_ids", id),
    );
    found.extend(notes::each(
        &params.dept_id,
        |id| directory.depts.contains_key(&DeptId::from(id)),
        |id| format!("`dept_id`: there is no department `{id}`; `dept_info_list` of a user tells the ids of theirs"),
    ));
    found
}
