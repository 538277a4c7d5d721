//! Tool `workflow_list`: how it is listed. What it takes and answers is `call::workflow_list`.

use futures::FutureExt;

use super::{Declaration, Effect, object, rows};
use crate::call::workflow_list;
use crate::mcp::schema::{Kind, property};

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
        property("per_page", Kind::Number, "Per page."),
        property("page", Kind::Number, "This page."),
        property("total", Kind::Number, "In all."),
        property("has_more", Kind::Flag, "More pages follow."),
    ],
    effect: Effect::Reads,
    whole: "ask for fewer rows with `per_page`",
    run: |context, mut arguments| {
        async move {
            let params = workflow_list::Params::parse(&mut arguments)?;
            object(context, &workflow_list::run(context, params).await?)
        }
        .boxed()
    },
};
