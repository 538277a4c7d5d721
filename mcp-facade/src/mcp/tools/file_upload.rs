//! Tool `file_upload`: how it is listed. What it takes and answers is `call::file_upload`.

use futures::FutureExt;

use super::{Declaration, Effect, object};
use crate::call::file_upload;
use crate::mcp::schema::{Kind, property};

/// The tool.
pub const DECLARATION: Declaration = Declaration {
    name: "file_upload",
    title: "Upload a file",
    description: "Use before a ticket gets a file: send the id in its file field within a day.",
    input: &[
        property("name", Kind::Required, "File name, with its ending."),
        property("base64", Kind::Required, "Its bytes, at most 512 KiB of base64."),
    ],
    output: &[
        property("id", Kind::Text, "Value for a file field."),
        property("name", Kind::Text, "Cleaned name."),
        property("size", Kind::Number, "Bytes."),
        property("type", Kind::Text, "Media type."),
        property("sha256", Kind::Text, "Digest."),
    ],
    effect: Effect::Adds,
    whole: "upload a smaller file",
    run: |context, mut arguments| {
        async move {
            let params = file_upload::Params::parse(&mut arguments)?;
            object(context, &file_upload::run(context, params).await?)
        }
        .boxed()
    },
};
