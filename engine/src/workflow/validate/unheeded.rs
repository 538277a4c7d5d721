//! What a definition asks for that the server it is published to cannot do: messages with links, where nobody has told the
//! server its own address.
//!
//! Not part of `check`: the definition is right, and another server may know its address.

use crate::workflow::problem::Problem;
use crate::workflow::template::{Piece, pieces};
use crate::workflow::{Localized, WorkflowVersion};

/// Warnings of a definition on a server; `has_public_url` says whether it knows its address.
#[must_use]
pub fn unheeded(version: &WorkflowVersion, has_public_url: bool) -> Vec<Problem> {
    let info = &version.notification;
    if has_public_url || info.channels.is_empty() {
        return Vec::new();
    }
    let links = [&info.title_template, &info.content_template]
        .into_iter()
        .any(names_link);
    // Built-in texts end with a link too, but nobody has asked for it.
    let problem = links.then(|| {
        let sentence = "`notification_info` writes `{link}`, which is empty until the server knows its own address: start \
                        it with `--public-url`";
        Problem::warning("no_public_url", sentence)
    });
    problem.into_iter().collect()
}

fn names_link(templates: &Localized) -> bool {
    let mut texts = templates.texts.iter().filter_map(|(_, text)| pieces(text).ok());
    texts.any(|pieces| pieces.contains(&Piece::Name("link")))
}
