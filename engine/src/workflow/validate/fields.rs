//! Rules on fields: permissions, the title, templates, conditions, fields that nodes name
//! (semantics: validation, conditions, titles).

use crate::id::{EdgeId, FieldKey};
use crate::workflow::condition::{Condition, Operator};
use crate::workflow::definition::Definition;
use crate::workflow::form::title::{CREATED_AT, CREATOR};
use crate::workflow::form::{Component, ComponentKind, FieldPermission};
use crate::workflow::node::{Node, NodeKind, deadline};
use crate::workflow::problem::Problem;
use crate::workflow::template::{self, Piece};

pub(super) fn check(definition: &Definition, problems: &mut Vec<Problem>) {
    for node in &definition.nodes {
        permissions(definition, node, problems);
        (node.kind.rule().check_fields)(node, &definition.form, problems);
        deadline::check_fields(node, &definition.form, problems);
    }
    for node in definition
        .nodes
        .iter()
        .filter(|node| matches!(node.kind, NodeKind::Start))
    {
        start_without_input(node, problems);
        automatic_title_not_hidden(definition, node, problems);
    }
    titles(definition, problems);
    title_template(definition, problems);
    notification_templates(definition, problems);
    for edge in &definition.edges {
        for condition in edge.conditions.iter() {
            conditions(definition, &edge.id, condition, problems);
        }
    }
}

fn permissions(definition: &Definition, node: &Node, problems: &mut Vec<Problem>) {
    for (key, permission) in &node.field_permissions {
        let Some(component) = definition.form.component(key) else {
            let sentence = format!(
                "node `{}` gives a permission on `{key}`, which is no field of the form",
                node.id
            );
            problems.push(Problem::unknown_field(key, &sentence).at_node(&node.id));
            continue;
        };
        if permission.is_writable() && !component.kind.is_stored() {
            let code = if component.kind.is_external() {
                "external_field_writable"
            } else {
                "information_field_writable"
            };
            let sentence = format!(
                "node `{}` makes `{key}` {}, but a field of type `{}` is only shown: make it readonly or hidden",
                node.id,
                permission.word(),
                component.kind.word()
            );
            problems.push(Problem::error(code, sentence).at_node(&node.id).at_field(key));
        }
    }
}

fn start_without_input(node: &Node, problems: &mut Vec<Problem>) {
    if !node
        .field_permissions
        .values()
        .any(|permission| permission.is_writable())
    {
        let sentence = format!(
            "at the start node `{}` nothing can be filled in: make a field optional or required",
            node.id
        );
        problems.push(Problem::error("start_without_input", sentence).at_node(&node.id));
    }
}

fn automatic_title_not_hidden(definition: &Definition, node: &Node, problems: &mut Vec<Problem>) {
    for title in definition
        .form
        .components()
        .filter(|component| component.kind == ComponentKind::Title)
    {
        let permission = node
            .field_permissions
            .get(&title.key)
            .copied()
            .unwrap_or(FieldPermission::Hidden);
        if title.automatic_title().is_some() && permission != FieldPermission::Hidden {
            let sentence = format!(
                "the title `{}` is automatic and not hidden at start: hide it there",
                title.key
            );
            problems.push(
                Problem::error("automatic_title_not_hidden", sentence)
                    .at_node(&node.id)
                    .at_field(&title.key),
            );
        }
    }
}

fn titles(definition: &Definition, problems: &mut Vec<Problem>) {
    let mut titles = definition
        .form
        .components()
        .filter(|component| component.kind == ComponentKind::Title);
    if titles.next().is_none() {
        problems.push(Problem::warning(
            "no_title",
            "the form has no title: its tickets will be hard to tell apart",
        ));
    }
    for second in titles {
        let sentence = format!("`{}` is a second title: keep one", second.key);
        problems.push(Problem::error("several_titles", sentence).at_field(&second.key));
    }
}

fn title_template(definition: &Definition, problems: &mut Vec<Problem>) {
    for title in definition.form.components() {
        let Some(template) = title.automatic_title() else {
            continue;
        };
        if title.kind != ComponentKind::Title {
            continue;
        }
        if template.trim().is_empty() {
            let sentence = format!(
                "the automatic title `{}` has no `title_template`: give it one",
                title.key
            );
            problems.push(Problem::error("bad_template", sentence).at_field(&title.key));
        }
        let place = format!("the `title_template` of `{}`", title.key);
        let names: Vec<&str> = vec![CREATOR, CREATED_AT];
        for problem in template_problems(definition, template, &place, &names, Some(&title.key)) {
            problems.push(problem.at_field(&title.key));
        }
    }
}

fn notification_templates(definition: &Definition, problems: &mut Vec<Problem>) {
    let notification = &definition.notification;
    for (name, templates) in [
        ("title_template", &notification.title_template),
        ("content_template", &notification.content_template),
    ] {
        for (lang, template) in &templates.texts {
            let lang = if lang.is_empty() {
                String::new()
            } else {
                format!(" in `{lang}`")
            };
            let place = format!("the `{name}`{lang} of `notification_info`");
            problems.extend(template_problems(
                definition,
                template,
                &place,
                &template::NOTICE_NAMES,
                None,
            ));
        }
    }
    for key in &notification.fields {
        let is_stored = |component: &Component| component.kind.is_stored();
        if !definition.form.component(key).is_some_and(is_stored) {
            let sentence = format!("`notification_info` shows `{key}`, which is no field of the form with a value");
            problems.push(Problem::unknown_field(key, &sentence));
        }
    }
}

/// Braces in pairs, and every name known: one of `names`, or a stored field other than `except`.
fn template_problems(
    definition: &Definition,
    template: &str,
    place: &str,
    names: &[&str],
    except: Option<&FieldKey>,
) -> Vec<Problem> {
    let pieces = match template::pieces(template) {
        Ok(pieces) => pieces,
        Err(reason) => {
            return vec![Problem::error(
                "bad_template",
                format!("in {place} {reason}: write `{{name}}`"),
            )];
        }
    };
    let is_known = |name: &str| {
        let key = FieldKey::from(name);
        let is_stored = definition
            .form
            .component(&key)
            .is_some_and(|component| component.kind.is_stored());
        names.contains(&name) || (is_stored && Some(&key) != except)
    };
    let unknown = pieces.into_iter().filter_map(|piece| match piece {
        Piece::Name(name) if !is_known(name) => Some(name),
        Piece::Name(_) | Piece::Text(_) => None,
    });
    let sentence = |name| {
        format!(
            "{place} names `{name}`: take the key of a field with a value, or one of {}",
            names.join(", ")
        )
    };
    unknown
        .map(|name| Problem::error("bad_template", sentence(name)))
        .collect()
}

fn conditions(definition: &Definition, edge: &EdgeId, condition: &Condition, problems: &mut Vec<Problem>) {
    let key = &condition.field;
    if key.as_str().trim().is_empty() {
        return;
    }
    let Some(component) = definition.form.component(key) else {
        let sentence = format!("a condition of edge `{edge}` looks at `{key}`, which is no field of the form");
        problems.push(Problem::unknown_field(key, &sentence).at_edge(edge));
        return;
    };
    let error = |code, sentence: String| {
        Problem::error(code, format!("a condition of edge `{edge}` on `{key}` {sentence}"))
            .at_edge(edge)
            .at_field(key)
    };
    if !component.kind.is_stored() {
        let sentence = format!(
            "has no value to look at, for it is of type `{}`: take another field",
            component.kind.word()
        );
        // What is fetched when shown is never stored, so a decision cannot look at it.
        let problem = if component.kind.is_external() {
            error("external_field_in_condition", sentence)
        } else {
            error("condition_without_value", sentence)
        };
        problems.push(problem);
    } else if !fits(condition.operator, component) {
        let word = Operator::ALL
            .iter()
            .find(|(one, _)| *one == condition.operator)
            .map_or("", |(_, word)| word);
        let sentence = format!(
            "uses `{word}`, which says nothing about the type `{}`: take another operator",
            component.kind.word()
        );
        problems.push(error("operator_not_for_type", sentence));
    } else if !condition.reads_value(component, &jiff::tz::TimeZone::UTC) {
        let sentence = format!(
            "compares with {}, which is no {}",
            shown(condition),
            component.kind.word()
        );
        problems.push(error("bad_condition_value", sentence));
    } else if component.kind.has_options() && condition.operator.takes_value() {
        for unknown in component
            .values(&condition.value)
            .iter()
            .filter(|key| component.choice(key).is_none())
        {
            let sentence =
                format!("a condition of edge `{edge}` on `{key}` asks for `{unknown}`, which is no option of it");
            problems.push(Problem::warning("unknown_option", sentence).at_edge(edge).at_field(key));
        }
    }
}

fn fits(operator: Operator, component: &Component) -> bool {
    let is_set = component.multiple
        && (component.kind.has_options() || matches!(component.kind, ComponentKind::User | ComponentKind::Department));
    // Files are only there or not; sets have no order.
    if component.kind == ComponentKind::File {
        !operator.takes_value()
    } else {
        !(is_set && operator.is_order())
    }
}

fn shown(condition: &Condition) -> String {
    serde_json::Value::from(&condition.value).to_string()
}
