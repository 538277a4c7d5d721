//! Hook node: waits for an outside system (semantics: hooks).

use std::time::Duration;

use serde_json::Value as Json;

use crate::account::token::Secret;
use crate::workflow::definition::reader::{Place, Reader, is_http};
use crate::workflow::node::timer::span;
use crate::workflow::node::{Leaving, NodeKind, Rule};

pub(super) const RULE: Rule = Rule {
    word: "hook",
    keys: &["hook_url", "hook_token", "is_async", "timeout", "callback_within"],
    leaving: Leaving::OnlyWay,
    read: |reader, props, place| NodeKind::Hook(Box::new(read(reader, props, place))),
    check: |_, _, _| {},
    check_fields: |_, _, _| {},
};

/// How long one try may take where the node does not say.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(15);

/// Properties of a hook node.
#[derive(Clone)]
pub struct HookProps {
    /// Where it posts.
    pub url: String,
    /// Key of its signatures: a secret.
    pub token: Secret,
    /// Whether it waits for a call-back.
    pub is_async: bool,
    /// How long one try may take, answer included: 1 to 60 s.
    pub timeout: Duration,
    /// How long after it was taken on the call-back may come; `None` for as long as it likes. Only where `is_async`.
    pub callback_within: Option<jiff::Span>,
}

impl std::fmt::Debug for HookProps {
    /// Without URL (it may carry credentials) and token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HookProps")
            .field("is_async", &self.is_async)
            .field("timeout", &self.timeout)
            .field("callback_within", &self.callback_within)
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
    let token = reader.text(props, "hook_token", place);
    if token.trim().is_empty() {
        let sentence =
            "has no `hook_token`: its calls are not signed, so the receiver cannot tell them from a stranger's";
        reader.warning("hook_without_token", place, sentence);
    }
    let is_async = reader.flag(props, "is_async", place);
    HookProps {
        url,
        token: Secret::new(token),
        is_async,
        timeout: reader
            .later(|own| own.seconds(props, "timeout", TIMEOUTS, place))
            .unwrap_or(TIMEOUT),
        callback_within: reader.later(|own| callback_within(own, props, place, is_async)),
    }
}

fn callback_within(reader: &mut Reader, props: &Json, place: &Place, is_async: bool) -> Option<jiff::Span> {
    let text = reader.text(props, "callback_within", place);
    if !text.trim().is_empty() && !is_async {
        let sentence = "has `callback_within` and is not asynchronous: set `is_async`, or leave it out";
        reader.error("callback_without_async", place, sentence);
    }
    duration_or_error(reader, text.trim(), "callback_within", place)
}

/// What a node may wait for one try: what is slower than a minute answers later, by its call-back.
const TIMEOUTS: std::ops::RangeInclusive<u64> = 1..=60;

/// A duration, where one is given.
fn duration_or_error(reader: &mut Reader, text: &str, key: &str, place: &Place) -> Option<jiff::Span> {
    if text.is_empty() {
        return None;
    }
    let span = span(text);
    if span.is_none() {
        let sentence = format!("has the `{key}` `{text}`: write ISO 8601, for instance `PT2H` or `P3D`");
        reader.error("bad_duration", place, &sentence);
    }
    span
}
