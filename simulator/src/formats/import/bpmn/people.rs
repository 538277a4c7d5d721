//! Who does a task, as the tools say it: assignee and candidates of Camunda, Zeebe, Activiti and Flowable,
//! `potentialOwner` of BPMN itself, else the lane.

use super::Findings;
use crate::formats::export::bpmn::MODEL;
use crate::formats::xml::Element;

pub(super) const CAMUNDA: [&str; 3] = [
    "http://camunda.org/schema/1.0/bpmn",
    "http://activiti.org/bpmn",
    "http://flowable.org/bpmn",
];
pub(super) const ZEEBE: &str = "http://camunda.org/schema/zeebe/1.0";

/// The properties of a normal node that say who acts and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assigned {
    pub(super) kind: &'static str,
    pub(super) value: String,
    pub(super) strategy: &'static str,
}

/// What an attribute says.
enum Said {
    Names(Vec<String>),
    /// One variable.
    Reference(String),
    Unclear,
}

/// Who does a task; none where the document does not say.
pub(super) fn assigned(
    id: &str,
    element: &Element,
    lane: Option<&String>,
    findings: &mut Findings,
) -> Option<Assigned> {
    named(id, element, findings).or_else(|| {
        let lane = lane.filter(|lane| !lane.is_empty())?;
        let sentence = format!("names nobody and lies in the lane `{lane}`: done by the role of that id");
        findings.changed("lane_as_role", id, sentence);
        Some(Assigned {
            kind: "roles",
            value: lane.clone(),
            strategy: "voluntary",
        })
    })
}

fn named(id: &str, element: &Element, findings: &mut Findings) -> Option<Assigned> {
    let extension = element.child(MODEL, "extensionElements");
    let zeebe = extension.and_then(|more| more.child(ZEEBE, "assignmentDefinition"));
    let attribute = |name: &str| {
        let camunda = CAMUNDA
            .iter()
            .find_map(|namespace| element.attribute_in(namespace, name));
        camunda
            .or_else(|| zeebe?.attribute(name))
            .filter(|text| !text.trim().is_empty())
    };
    let (assignee, users, groups) = (
        attribute("assignee"),
        attribute("candidateUsers"),
        attribute("candidateGroups"),
    );
    let owners = owners(element);
    if let Some(text) = assignee {
        if users.is_some() || groups.is_some() {
            findings.changed(
                "candidates_left_out",
                id,
                "has an assignee and candidates: only the assignee is taken",
            );
        }
        return assigned_by(id, "users", text, "direct", findings);
    }
    if let (Some(users), Some(_)) = (users, groups) {
        let sentence = format!(
            "has candidate users and groups, and a node has one of them: the users `{users}` are left out, put them into a role"
        );
        findings.lost("candidates_left_out", id, sentence);
    }
    if let Some(text) = groups {
        return assigned_by(id, "roles", text, "voluntary", findings);
    }
    if let Some(text) = users {
        return assigned_by(id, "users", text, "voluntary", findings);
    }
    let (users, groups): (Vec<_>, Vec<_>) = owners.into_iter().partition(|(is_user, _)| *is_user);
    let kind = if groups.is_empty() { "users" } else { "roles" };
    if !users.is_empty() && !groups.is_empty() {
        let sentence = "has users and groups as owners, and a node has one of them: only the groups are taken";
        findings.lost("candidates_left_out", id, sentence);
    }
    let names: Vec<String> = if groups.is_empty() { users } else { groups }
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    (!names.is_empty()).then(|| Assigned {
        kind,
        value: names.join(","),
        strategy: "voluntary",
    })
}

fn assigned_by(
    id: &str,
    kind: &'static str,
    text: &str,
    strategy: &'static str,
    findings: &mut Findings,
) -> Option<Assigned> {
    match said(text) {
        Said::Names(names) => Some(Assigned {
            kind,
            value: names.join(","),
            strategy,
        }),
        Said::Reference(name) if matches!(name.as_str(), "initiator" | "starter" | "creator" | "requester") => {
            Some(Assigned {
                kind: "variables",
                value: "creator".to_owned(),
                strategy,
            })
        }
        Said::Reference(name) if kind == "users" => {
            let sentence = format!("is done by whom `{name}` names: that is a field of users now");
            findings.changed("assignee_by_field", id, sentence);
            Some(Assigned {
                kind: "ticket_field",
                value: name,
                strategy,
            })
        }
        Said::Reference(_) | Said::Unclear => {
            let sentence = format!(
                "is done by `{}`, which is computed: name users, roles, or a field that names a user",
                text.chars().take(80).collect::<String>()
            );
            findings.lost("assignee_computed", id, sentence);
            None
        }
    }
}

fn said(text: &str) -> Said {
    let text = text.trim();
    let java = text.strip_prefix("${").or_else(|| text.strip_prefix("#{"));
    if let Some(inside) = java.and_then(|inside| inside.strip_suffix('}')) {
        return reference(inside);
    }
    let Some(feel) = text.strip_prefix('=') else {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let names: Vec<String> = names.map(str::to_owned).collect();
        let is_plain = !names.iter().any(|name| name.contains(['{', '}', '$', '(', ')', '"']));
        return if is_plain { Said::Names(names) } else { Said::Unclear };
    };
    match serde_json::from_str(feel.trim()) {
        Ok(serde_json::Value::String(name)) => Said::Names(vec![name]),
        Ok(serde_json::Value::Array(names)) if names.iter().all(serde_json::Value::is_string) => Said::Names(
            names
                .iter()
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect(),
        ),
        Ok(_) => Said::Unclear,
        Err(_) => reference(feel),
    }
}

fn reference(text: &str) -> Said {
    let name = text.trim();
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if is_name {
        Said::Reference(name.to_owned())
    } else {
        Said::Unclear
    }
}

/// Users (true) and groups of `potentialOwner` and its like: `user(ada), group(finance)`, a bare name is a group.
fn owners(element: &Element) -> Vec<(bool, String)> {
    let is_owner = |child: &&Element| matches!(child.name.as_str(), "potentialOwner" | "humanPerformer" | "performer");
    let mut found = Vec::new();
    for owner in element.children.iter().filter(is_owner) {
        let is_performer = owner.name != "potentialOwner";
        let expression = owner.child(MODEL, "resourceAssignmentExpression");
        let Some(text) = expression.and_then(|one| one.child(MODEL, "formalExpression")) else {
            continue;
        };
        for name in text.text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let within = |word: &str| name.strip_prefix(word)?.strip_suffix(')');
            found.push(match (within("user("), within("group(")) {
                (Some(user), _) => (true, user.trim().to_owned()),
                (None, Some(group)) => (false, group.trim().to_owned()),
                (None, None) => (is_performer, name.to_owned()),
            });
        }
    }
    found
}
