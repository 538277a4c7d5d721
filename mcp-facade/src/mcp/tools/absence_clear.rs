//! Tool `absence_clear`: how it is listed. What it takes and answers is `call::absence_clear`.

use futures::FutureExt;

use super::{Declaration, Effect, object};
use crate::call::absence_clear;
use crate::mcp::schema::{Kind, property};

/// The tool.
pub const DECLARATION: Declaration = Declaration {
    name: "absence_clear",
    title: "Clear an absence",
    description: "Use when somebody is back early; the delegate keeps what they have.",
    input: &[property("absence_id", Kind::Required, "Absence id, from absence_list.")],
    output: &[property("cleared", Kind::Text, "Its id.")],
    effect: Effect::Changes,
    whole: "call `absence_list`",
    run: |context, mut arguments| {
        async move {
            let params = absence_clear::Params::parse(&mut arguments)?;
            object(context, &absence_clear::run(context, params).await?)
        }
        .boxed()
    },
};
