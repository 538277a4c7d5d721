//! Who has a say in a value that decides: fields that a gateway asks, and who may fill them in on the way there.
//!
//! A value that only the requester fills in, and that nobody who acts between them and the gateway can correct, is the
//! requester's decision. Where the people between see it, they act knowing it (an amount that decides who signs): worth
//! knowing. Where it is hidden from all of them, the requester decides behind their backs: worth a look. So is a field
//! that nobody at all can fill in. Where nobody acts between, there is nobody who could have a say.

use loonflow_engine::workflow::{FieldPermission, WorkflowVersion};

use super::finding::{Finding, Severity};

/// Tells them, by gateway and field.
pub(crate) fn deciders(workflow: &WorkflowVersion) -> Vec<Finding> {
    let mut found = Vec::new();
    let graph = &workflow.graph;
    let start = graph.start_idx;
    for (idx, gateway) in workflow.nodes.iter().enumerate() {
        if !gateway.kind.is_choice() {
            continue;
        }
        let ways = graph.ways_out[idx].iter().map(|edge| &workflow.edges[*edge]);
        let mut asked: Vec<_> = ways
            .flat_map(|edge| edge.conditions.iter().map(|condition| &condition.field))
            .collect();
        asked.sort_unstable();
        asked.dedup();
        if asked.is_empty() {
            continue;
        }
        let between = people_before(workflow, idx);
        for key in asked {
            let is_automatic = workflow
                .form
                .title_component()
                .is_some_and(|title| title.key == *key && workflow.form.automatic_title().is_some());
            // Validation tells of fields that there are none of.
            if is_automatic || workflow.form.component(key).is_none() {
                continue;
            }
            let at = |node: &usize| workflow.form.permission_at(&workflow.nodes[*node], key);
            if between.iter().any(|node| at(node).is_writable()) {
                continue;
            }
            let (code, severity, message) = if !at(&start).is_writable() {
                let message = format!(
                    "`{}` asks for `{key}`, which nobody before it can fill in: it is always empty there; make it writable \
                     at a node before",
                    gateway.id
                );
                ("never_filled", Severity::Warning, message)
            } else if between.is_empty() {
                continue;
            } else if between.iter().all(|node| at(node) == FieldPermission::Hidden) {
                let message = format!(
                    "at `{}` the requester alone decides by `{key}`: whoever acts between can neither change nor \
                     see it; let somebody there fill it in, or show it to them",
                    gateway.id
                );
                ("requester_decides", Severity::Warning, message)
            } else {
                let message = format!(
                    "at `{}` what the requester filled in as `{key}` decides: whoever acts between sees it and cannot \
                     change it",
                    gateway.id
                );
                ("requester_decides", Severity::Note, message)
            };
            let finding = Finding::new(code, severity, message).at_node(&gateway.id);
            found.push(finding.at_field(key.as_str()));
        }
    }
    found
}

/// Normal nodes from which a node can be reached.
fn people_before(workflow: &WorkflowVersion, to: usize) -> Vec<usize> {
    let graph = &workflow.graph;
    let mut into = vec![Vec::new(); workflow.nodes.len()];
    for edge in &workflow.edges {
        if let (Some(source), Some(target)) = (graph.node_idx.get(&edge.source), graph.node_idx.get(&edge.target)) {
            into[*target].push(*source);
        }
    }
    let mut is_seen = vec![false; workflow.nodes.len()];
    let mut work = vec![to];
    while let Some(node) = work.pop() {
        for source in &into[node] {
            if !std::mem::replace(&mut is_seen[*source], true) {
                work.push(*source);
            }
        }
    }
    let people = workflow.nodes.iter().zip(&is_seen).enumerate();
    people
        .filter(|(_, (node, is_seen))| **is_seen && node.kind.as_normal().is_some())
        .map(|(idx, _)| idx)
        .collect()
}
