//! A value of the right form for a field, as `ticket_prepare_create` shows it: it passes the field's checks, so an
//! assistant can start from it.

use serde_json::{Value as Json, json};

use crate::account::directory::Directory;
use crate::id::UserId;
use crate::workflow::{Component, ComponentKind};

/// An example; users and departments are the viewer's own. Files come as descriptors, so their example is empty.
#[must_use]
pub fn example_value(component: &Component, directory: &Directory, user: &UserId) -> Json {
    let listed = |one: Json| {
        if component.multiple {
            Json::Array(vec![one])
        } else {
            one
        }
    };
    let choice = || component.options.first().map_or("", |choice| choice.key.as_str());
    match component.kind {
        ComponentKind::Title => json!("A short title"),
        ComponentKind::Text => json!("text"),
        ComponentKind::Textarea => json!("Longer text."),
        ComponentKind::Richtext => json!("<p>Longer text.</p>"),
        ComponentKind::Number => {
            // Within the bounds by construction: the least allowed, else the most, else one.
            let bound = component.number.min.or(component.number.max);
            bound
                .and_then(|bound| serde_json::from_str(&bound.normalize().to_string()).ok())
                .unwrap_or(json!(1))
        }
        ComponentKind::Select | ComponentKind::Radio | ComponentKind::Checkbox => listed(json!(choice())),
        ComponentKind::Date => json!("2026-01-31"),
        ComponentKind::Time => json!("09:30:00"),
        ComponentKind::Datetime => json!("2026-01-31 09:30:00"),
        ComponentKind::User => listed(json!(user.as_str())),
        ComponentKind::Department => {
            let own = directory.user(user).and_then(|user| user.primary_dept().cloned());
            listed(json!(own.map_or_else(String::new, |dept| dept.as_str().to_owned())))
        }
        ComponentKind::Link => json!("https://example.com/"),
        ComponentKind::File => json!([]),
        ComponentKind::Externaldata
        | ComponentKind::CreatorInfo
        | ComponentKind::CreatedAt
        | ComponentKind::ActState
        | ComponentKind::WorkflowInfo
        | ComponentKind::CurrentAssigneeInfos
        | ComponentKind::TicketNodeInfos => Json::Null,
    }
}
