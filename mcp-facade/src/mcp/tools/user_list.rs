//! Tool `user_list`: how it is listed. What it takes and answers is `call::user_list`.

use futures::FutureExt;

use super::{Declaration, Effect, object, rows};
use crate::call::user_list;
use crate::mcp::schema::{Kind, property};

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
        property("per_page", Kind::Number, "Per page."),
        property("page", Kind::Number, "This page."),
        property("total", Kind::Number, "In all."),
        property("has_more", Kind::Flag, "More pages follow."),
        property("notes", Kind::Texts, "Filters that name nothing."),
    ],
    effect: Effect::Reads,
    whole: "ask for fewer rows with `per_page`",
    run: |context, mut arguments| {
        async move {
            let params = user_list::Params::parse(&mut arguments)?;
            object(context, &user_list::run(context, params).await?)
        }
        .boxed()
    },
};
