//! Tool `absence_list`: how it is listed. What it takes and answers is `call::absence_list`.

use futures::FutureExt;

use super::{Declaration, Effect, object, rows};
use crate::call::absence_list;
use crate::mcp::schema::{Kind, property};

/// The tool.
pub const DECLARATION: Declaration = Declaration {
    name: "absence_list",
    title: "List absences",
    description: "Use to see who is away, who stands in, and for whom.",
    input: &[
        property("user_id", Kind::Text, "Whose; yours, if empty."),
        rows::PAGE,
        rows::PER_PAGE,
    ],
    output: &[
        property(
            "absence_list",
            Kind::AnyRows,
            "id, user, delegate, from, to, workflow_ids.",
        ),
        property("per_page", Kind::Number, "Per page."),
        property("page", Kind::Number, "This page."),
        property("total", Kind::Number, "In all."),
        property("has_more", Kind::Flag, "More pages follow."),
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
