//! Tool `absence_list`: how it is listed. What it takes and answers is `call::absence_list`.

use futures::FutureExt;

use super::{Declaration, Effect, object, rows};
use crate::call::absence_list;
use crate::mcp::schema::{Kind, property};

/// The tool.
pub const DECLARATION: Declaration = Declaration {
    name: "absence_list",
    title: "List absences",
    description: "Use to see when somebody is away and who stands in, and for whom they stand in themselves.",
    input: &[
        property("user_id", Kind::Text, "Whose; yours, if empty. Admins may name others."),
        rows::PAGE,
        rows::PER_PAGE,
    ],
    output: &[
        property(
            "absence_list",
            Kind::AnyRows,
            "id, user, delegate, from, to (exclusive), workflow_ids, is_running, set_by, set_at.",
        ),
        property("per_page", Kind::Number, "Rows of a page."),
        property("page", Kind::Number, "This page."),
        property("total", Kind::Number, "Absences on all pages."),
        property("has_more", Kind::Flag, "Whether a page follows."),
    ],
    effect: Effect::Reads,
    whole: "ask for fewer rows with `per_page`",
    run: |context, mut arguments| {
        async move {
            let params = absence_list::Params::parse(&mut arguments)?;
            object(context, &absence_list::run(context, params).await?)
        }
        .boxed()
    },
};
