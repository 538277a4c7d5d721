//! One ticket, for whoever follows the link of a notice: what they may see of it, and nothing to do.
//!
//! Not here: which fields they see (the engine's view); acting, which clients do.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::{Shell, Visit, drawn};
use crate::call::ticket_detail::{self, Params};
use crate::wire::account::Person;
use crate::wire::form::FormComponent;

#[derive(Template)]
#[template(path = "ticket.html")]
struct Ticket {
    shell: Shell,
    title: String,
    /// What stands at its head, with their names.
    facts: Vec<(&'static str, String)>,
    fields: Vec<(String, String)>,
}

/// `GET /t/{id}`.
pub(super) async fn get(Path(id): Path<String>, visit: Visit) -> Response {
    let page = async {
        let visitor = visit.visitor()?;
        let params = Params {
            ticket_id: id,
            whole_field: None,
        };
        let detail = ticket_detail::run(&visitor.context, params).await?;
        let ticket = detail.ticket;
        let nodes = ticket.current_nodes.iter().map(|node| {
            let people: Vec<&str> = node.assignees.iter().map(shown).collect();
            if people.is_empty() {
                node.name.clone()
            } else {
                format!("{} ({})", node.name, people.join(", "))
            }
        });
        let facts = [
            ("Workflow", ticket.workflow_info.name.clone()),
            ("State", ticket.act_state.replace('_', " ")),
            ("Where it is", nodes.collect::<Vec<_>>().join("; ")),
            ("Due", ticket.due.clone()),
            ("Created", ticket.created_at.clone()),
        ];
        let rows = detail.form.form_schema.component_info_list.into_iter();
        let fields = rows.flat_map(|row| row.children).filter_map(field).collect();
        let page = Ticket {
            shell: visitor.shell,
            title: ticket.title,
            facts: facts.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
            fields,
        };
        Ok(drawn(StatusCode::OK, &page))
    };
    visit.answer("console ticket", page).await
}

fn shown(person: &Person) -> &str {
    let names = [person.alias.as_str(), &person.name];
    names
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or(person.id.as_str())
}

/// A field with a value, as people read it.
fn field(component: FormComponent) -> Option<(String, String)> {
    let said = |name: &str| match component.props.get(name) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Array(items)) => {
            let texts = items
                .iter()
                .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
            Some(texts.collect::<Vec<_>>().join(", "))
        }
        Some(other @ (Value::Bool(_) | Value::Number(_) | Value::Object(_))) => Some(other.to_string()),
    };
    let value = said("value_text").or_else(|| said("value"))?;
    (component.component_type != "title" && !value.is_empty()).then_some((component.component_name, value))
}
