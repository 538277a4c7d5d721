//! Tool `user_list`: users of the caller's tenant.
//!
//! Not here: which columns are shown (the engine's directory view; never a password or token).

use futures::FutureExt;

use super::{CallContext, Declaration, Effect, rows};
use crate::arguments::{Arguments, Page};
use crate::error::ApiError;
use crate::mcp::schema::{Kind, property};
use crate::wire::{self, request};

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

/// The tool.
pub const DECLARATION: Declaration = Declaration {
    name: "user_list",
    title: "Find users",
    description: "Use to turn a person's name or e-mail into a user id, for example for action_props.target_assignee_id, \
                  or to name the people behind ids.",
    input: &[
        property("search_value", Kind::Text, "Part of name, alias or e-mail."),
        property("user_ids", Kind::Text, "User ids, comma separated."),
        property("dept_id", Kind::Text, "Department id: people linked to it; 0 for all."),
        rows::PAGE,
        rows::PER_PAGE,
        property(
            "simple",
            Kind::Boolean(true),
            "False adds phone, type, lang, label, times, creator.",
        ),
    ],
    output: &[
        property(
            "user_list",
            Kind::AnyRows,
            "id, tenant_id, name, alias, external_user_id, email, is_active, avatar, dept_info_list (name, id, is_primary).",
        ),
        property("per_page", Kind::Number, "Rows of a page."),
        property("page", Kind::Number, "This page."),
        property("total", Kind::Number, "Users on all pages."),
        property("has_more", Kind::Flag, "Whether a page follows."),
        property("notes", Kind::Texts, "Filters that name nothing."),
    ],
    effect: Effect::Reads,
    whole: "ask for fewer rows with `per_page`",
    run: |context, arguments| run(context, arguments).boxed(),
};

async fn run(context: &CallContext, mut arguments: Arguments) -> Result<serde_json::Value, ApiError> {
    let params = Params::parse(&mut arguments)?;
    let directory = context.directory()?;
    let page = context.answered(context.engine().users(&context.caller, request::users(&params)).await)?;
    let mut answer = wire::page::page("user_list", &page, |user| {
        wire::account::user_row(user, &directory, params.simple)
    });
    wire::put_notes(&mut answer, wire::note::of_users(&params, &directory));
    Ok(answer)
}
