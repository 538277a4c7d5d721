//! Hook node: waits for an outside system (semantics: hooks).

use serde_json::Value as Json;

use crate::account::token::Secret;
use crate::workflow::definition::reader::{Place, Reader, is_http};
use crate::workflow::node::{Leaving, NodeKind, Rule};

pub(super) const RULE: Rule = Rule {
    word: "hook",
    keys: &["hook_url", "hook_token", "is_async"],
    leaving: Leaving::OnlyWay,
    read: |reader, props, place| NodeKind::Hook(Box::new(read(reader, props, place))),
    check: |_, _, _| {},
    check_fields: |_, _, _| {},
};

/// Properties of a hook node.
#[derive(Clone)]
pub struct HookProps {
    /// Where it posts.
    pub url: String,
    /// Key of its signatures: a secret.
    pub token: Secret,
    /// Whether it waits for a call-back.
    pub is_async: bool,
}

impl std::fmt::Debug for HookProps {
    /// Without URL (it may carry credentials) and token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HookProps")
            .field("is_async", &self.is_async)
            .finish_non_exhaustive()
    }
}

fn read(reader: &mut Reader, props: &Json, place: &Place) -> HookProps {
    let url = reader.text(props, "hook_url", place).trim().to_owned();
    if url.is_empty() {
        reader.error("hook_without_url", place, "has no `hook_url`: say where to post");
    } else if !is_http(&url) {
        reader.error(
            "bad_hook_url",
            place,
            "has a `hook_url` that is no http or https address",
        );
    }
    HookProps {
        url,
        token: Secret::new(reader.text(props, "hook_token", place)),
        is_async: reader.flag(props, "is_async", place),
    }
}
