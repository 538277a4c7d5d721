//! The title of a ticket: sent, or made from a template (semantics: titles).
//!
//! Not here: when it is renewed (`ticket::field_rules`), whether a template is sound (`validate`).

use super::{Component, Form};
use crate::id::FieldKey;
use crate::limits::TITLE_CHARS_MAX;
use crate::workflow::template;

/// `{creator}`: the creator's alias, else name.
pub const CREATOR: &str = "creator";
/// `{created_at}`: when the ticket was created.
pub const CREATED_AT: &str = "created_at";

impl Form {
    /// Key of the title, if the form has one.
    #[must_use]
    pub fn title_key(&self) -> Option<&FieldKey> {
        self.title_component().map(|component| &component.key)
    }

    /// The template of an automatic title; `None` where people write it.
    #[must_use]
    pub fn automatic_title(&self) -> Option<&str> {
        self.title_component()?.automatic_title()
    }

    /// Fills a title's template in. `{creator}` and `{created_at}` mean the ticket's even where a field has that
    /// key; a field without a value is left out. Line breaks become spaces, and what is longer than a title may be
    /// is cut.
    #[must_use]
    pub fn render_title(
        &self,
        template: &str,
        field_text: &dyn Fn(&FieldKey) -> Option<String>,
        creator: &str,
        created_at: &str,
    ) -> String {
        let title = template::render(template, &|name| match name {
            CREATOR => Some(creator.to_owned()),
            CREATED_AT => Some(created_at.to_owned()),
            key => field_text(&FieldKey::from(key)),
        });
        title
            .chars()
            .take(TITLE_CHARS_MAX)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect()
    }
}

impl Component {
    /// The template of an automatic title: `title_template` where `title_generate_mode` is `automatic`.
    #[must_use]
    pub fn automatic_title(&self) -> Option<&str> {
        let is_automatic = self
            .props
            .get("title_generate_mode")
            .and_then(serde_json::Value::as_str)
            == Some("automatic");
        is_automatic.then(|| {
            self.props
                .get("title_template")
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default()
        })
    }
}
