//! Components of a form: their kinds, and the properties that rules look at, read from `props`
//! (semantics: definitions, values).
//!
//! Not here: which values they take (`form::check`).

use std::time::Duration;

use rust_decimal::Decimal;
use serde_json::Value as Json;

use crate::account::directory::Directory;
use crate::account::token::Secret;
use crate::id::{DeptId, FieldKey, UserId};
use crate::text;
use crate::value::Value;
use crate::workflow::form::accept::Accept;

macro_rules! component_kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// Types of components (semantics: definitions).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum ComponentKind {$($(#[$doc])* $name,)*}

        impl ComponentKind {
            /// All, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The definition's word.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {$(Self::$name => $word,)*}
            }
        }
    };
}

component_kinds! {
    /// The ticket's title.
    Title = "title",
    /// One line.
    Text = "text",
    /// Several lines.
    Textarea = "textarea",
    /// A decimal number.
    Number = "number",
    /// Options in a list.
    Select = "select",
    /// Options side by side, one of them.
    Radio = "radio",
    /// Options to tick.
    Checkbox = "checkbox",
    /// A day.
    Date = "date",
    /// A time of day.
    Time = "time",
    /// An instant.
    Datetime = "datetime",
    /// Users of the tenant.
    User = "user",
    /// Departments of the tenant.
    Department = "department",
    /// Descriptors of files.
    File = "file",
    /// An http or https address.
    Link = "link",
    /// Text with mark-up, cleaned of scripts.
    Richtext = "richtext",
    /// Fetched when shown, never stored.
    Externaldata = "externaldata",
    /// Who created the ticket.
    CreatorInfo = "creator_info",
    /// When it was created.
    CreatedAt = "created_at",
    /// Its state.
    ActState = "act_state",
    /// Its workflow.
    WorkflowInfo = "workflow_info",
    /// Who can act now.
    CurrentAssigneeInfos = "current_assignee_infos",
    /// Where its tokens are.
    TicketNodeInfos = "ticket_node_infos",
}

impl ComponentKind {
    /// Reads the definition's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.word() == word)
    }

    /// Whether it shows something about the ticket and is always read-only.
    #[must_use]
    pub fn is_information(self) -> bool {
        matches!(
            self,
            Self::CreatorInfo
                | Self::CreatedAt
                | Self::ActState
                | Self::WorkflowInfo
                | Self::CurrentAssigneeInfos
                | Self::TicketNodeInfos
        )
    }

    /// Whether it is fetched from outside when shown.
    #[must_use]
    pub fn is_external(self) -> bool {
        self == Self::Externaldata
    }

    /// Whether a ticket keeps a value for it: neither information nor external.
    #[must_use]
    pub fn is_stored(self) -> bool {
        !self.is_information() && !self.is_external()
    }

    /// Whether its values are keys of options.
    #[must_use]
    pub fn has_options(self) -> bool {
        matches!(self, Self::Select | Self::Radio | Self::Checkbox)
    }
}

/// An option of a select, radio or checkbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is stored.
    pub key: String,
    /// What people read; the key where the definition has none.
    pub label: String,
}

/// Which numbers a number field takes; without a word in `props`, any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberRule {
    /// `min`, inclusive.
    pub min: Option<Decimal>,
    /// `max`, inclusive.
    pub max: Option<Decimal>,
    /// Most digits after the point that count: 0 where `allow_decimal` is false, else `precision`.
    pub decimals_max: Option<u32>,
    /// False only where `allow_negative` is false.
    pub allow_negative: bool,
}

/// One component of a form.
#[derive(Clone, Debug)]
pub struct Component {
    /// Its id among components.
    pub id: String,
    /// `component_key`, by which values and permissions name it.
    pub key: FieldKey,
    /// `component_name`, shown to people.
    pub name: String,
    /// `description`.
    pub description: String,
    /// `type`.
    pub kind: ComponentKind,
    /// `label`, as given but without secrets.
    pub label: Json,
    /// `layout`, as given but without secrets.
    pub layout: Json,
    /// `props`, as given, secrets included: show `public_props` instead.
    pub props: Json,
    /// `props` without what no client may see: tokens, passwords, keys, headers, addresses of hooks and sources.
    pub public_props: serde_json::Map<String, Json>,
    /// Options in definition order; empty for other kinds.
    pub options: Vec<Choice>,
    /// Whether it takes several values: `multiple`; without the word, a checkbox does and others do not.
    pub multiple: bool,
    /// What a number field takes.
    pub number: NumberRule,
    /// What a file field takes; empty for any file.
    pub accept: Vec<Accept>,
}

/// Where the value of a component comes from that is fetched when shown.
#[derive(Clone, Debug)]
pub struct Source {
    /// The address that is asked; it may carry credentials.
    pub url: String,
    /// Key of the signature.
    pub token: Secret,
    /// How long it may take.
    pub timeout: Duration,
}

/// How long a source may take, and the most that it may ask for: a person waits for the page.
const SOURCE_TIMEOUT: Duration = Duration::from_secs(5);

impl Component {
    /// Whether its values are files.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.kind == ComponentKind::File
    }

    /// Whether it takes a file of this name and type, by `accept`.
    #[must_use]
    pub fn takes_file(&self, name: &str, media_type: &str) -> bool {
        self.accept.is_empty() || self.accept.iter().any(|accept| accept.takes(name, media_type))
    }

    /// Where its value comes from; `None` where it is of another kind, or does not say.
    #[must_use]
    pub fn source(&self) -> Option<Source> {
        let text = |key: &str| {
            self.props
                .get(key)
                .and_then(Json::as_str)
                .map(str::trim)
                .unwrap_or_default()
        };
        let asked = text("timeout").parse::<jiff::Span>().ok();
        let asked = asked.and_then(|span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok());
        let asked = asked.and_then(|span| Duration::try_from(span).ok());
        (self.kind.is_external() && !text("url").is_empty()).then(|| Source {
            url: text("url").to_owned(),
            token: Secret::new(text("token")),
            timeout: asked.map_or(SOURCE_TIMEOUT, |asked| asked.min(SOURCE_TIMEOUT)),
        })
    }

    /// What people call it: its name, else its key.
    #[must_use]
    pub fn shown_name(&self) -> &str {
        if text::is_blank(&self.name) {
            self.key.as_str()
        } else {
            &self.name
        }
    }

    /// Whether a person who looks at a value of this field sees nothing. A required field with such a value is not
    /// filled in, and a condition takes it for empty; asked of what is stored, which of rich text is what was cleaned.
    #[must_use]
    pub fn is_blank(&self, value: &Value) -> bool {
        match value.as_text() {
            Some(markup) if self.kind == ComponentKind::Richtext => text::is_blank_markup(markup),
            Some(_) | None => value.is_empty(),
        }
    }

    /// The option of a key.
    #[must_use]
    pub fn choice(&self, key: &str) -> Option<&Choice> {
        self.options.iter().find(|choice| choice.key == key)
    }

    /// A value as people read it: labels of options, names of users and departments, names of files, else the text;
    /// several joined by `, `. Keys and ids that are no longer known are shown as they are.
    #[must_use]
    pub fn shown_text(&self, value: &Value, directory: &Directory) -> String {
        match self.kind {
            ComponentKind::Select | ComponentKind::Radio | ComponentKind::Checkbox => {
                joined(self.values(value), |key| {
                    self.choice(&key)
                        .map_or_else(|| key.clone(), |choice| choice.label.clone())
                })
            }
            ComponentKind::User => joined(value.parts(), |id| {
                directory
                    .user(&UserId::from(id.as_str()))
                    .map_or_else(|| id.clone(), |user| user.shown_name().to_owned())
            }),
            ComponentKind::Department => joined(value.parts(), |id| {
                directory
                    .depts
                    .get(&DeptId::from(id.as_str()))
                    .map_or_else(|| id.clone(), |dept| dept.name.clone())
            }),
            ComponentKind::File => {
                let files = if let Value::List(files) = value {
                    files.as_slice()
                } else {
                    std::slice::from_ref(value)
                };
                joined(files.iter().filter_map(file_name).collect(), |name| name)
            }
            ComponentKind::Title
            | ComponentKind::Text
            | ComponentKind::Textarea
            | ComponentKind::Number
            | ComponentKind::Date
            | ComponentKind::Time
            | ComponentKind::Datetime
            | ComponentKind::Link
            | ComponentKind::Richtext
            | ComponentKind::Externaldata
            | ComponentKind::CreatorInfo
            | ComponentKind::CreatedAt
            | ComponentKind::ActState
            | ComponentKind::WorkflowInfo
            | ComponentKind::CurrentAssigneeInfos
            | ComponentKind::TicketNodeInfos => match value.as_text() {
                Some(text) => text.to_owned(),
                None => value.parts().join(", "),
            },
        }
    }

    /// The values in a value: its parts, but a text that is an option's key as a whole is one, commas and all.
    #[must_use]
    pub fn values(&self, value: &Value) -> Vec<String> {
        self.values_up_to(value, usize::MAX)
    }

    /// The first `n_values` of them: a text that was only just sent may name any number.
    pub(crate) fn values_up_to(&self, value: &Value, n_values: usize) -> Vec<String> {
        match value.as_text().map(str::trim) {
            Some(text) if self.choice(text).is_some() => vec![text.to_owned()],
            Some(_) | None => value.parts_up_to(n_values),
        }
    }
}

fn joined(parts: Vec<String>, shown: impl Fn(String) -> String) -> String {
    parts.into_iter().map(shown).collect::<Vec<_>>().join(", ")
}

/// Keys that may carry the text of a file's descriptor, the most readable first.
pub(crate) const FILE_WORDS: [&str; 8] = ["name", "file_name", "url", "file_url", "path", "id", "file_id", "uid"];

/// What a descriptor of a file is called: the first of its words that is there.
pub(crate) fn file_name(descriptor: &Value) -> Option<String> {
    match descriptor {
        Value::Text(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Map(entries) => FILE_WORDS
            .iter()
            .filter_map(|word| entries.get(*word)?.as_text())
            .map(str::trim)
            .find(|text| !text.is_empty())
            .map(str::to_owned),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back() {
        for kind in ComponentKind::ALL {
            assert_eq!(ComponentKind::parse(kind.word()), Some(*kind));
        }
        assert_eq!(ComponentKind::parse("row"), None);
        assert_eq!(ComponentKind::ALL.iter().filter(|kind| kind.is_stored()).count(), 15);
    }
}
