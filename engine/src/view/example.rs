//! A value of the right form for a field, as `ticket_prepare_create` shows it: it passes the field's checks, so an
//! assistant can start from it.

use serde_json::{Value as Json, json};

use crate::account::directory::Directory;
use crate::id::UserId;
use crate::workflow::{Component, ComponentKind};

/// An example; a department is the viewer's own, a user somebody else where there is one: nobody stands in for
/// themselves. Files come as descriptors, so their example is empty.
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
        ComponentKind::User => listed(json!(somebody_else(directory, user).as_str())),
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

/// Somebody who is active: first of those of the viewer's primary department, then of all.
fn somebody_else<'a>(directory: &'a Directory, user: &'a UserId) -> &'a UserId {
    let dept = directory.user(user).and_then(|user| user.primary_dept());
    let mut others = directory
        .users
        .values()
        .filter(|other| other.is_active && other.id != *user)
        .peekable();
    let first = others.peek().map_or(user, |other| &other.id);
    let near = others.find(|other| other.primary_dept().is_some_and(|own| Some(own) == dept));
    near.map_or(first, |other| &other.id)
}
