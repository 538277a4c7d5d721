//! What people call people, nodes and edges: names instead of ids in what is told to them.
//!
//! A name that two share is told with the id behind it, for a story has to say which. Not here: what programs read,
//! where ids stand.

use std::collections::BTreeSet;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::account::person::Person;
use loonflow_engine::id::{EdgeId, NodeId, UserId};
use loonflow_engine::workflow::WorkflowVersion;

/// Names that two people of a directory share.
#[derive(Clone, Debug, Default)]
pub struct Shared(BTreeSet<String>);

impl Shared {
    /// Looks through the whole directory, so it is kept while the directory stays.
    #[must_use]
    pub fn of(directory: &Directory) -> Self {
        let mut seen = BTreeSet::new();
        let mut shared = BTreeSet::new();
        for id in directory.users.keys() {
            let name = Person::of(id, directory).shown().to_owned();
            if !seen.insert(name.clone()) {
                shared.insert(name);
            }
        }
        Self(shared)
    }

    /// A person's name.
    #[must_use]
    pub fn person(&self, id: &UserId, directory: &Directory) -> String {
        let person = Person::of(id, directory);
        with_id(person.shown(), id.as_str(), self.0.contains(person.shown()))
    }
}

/// A node's name between backticks; the id of one that the version does not have.
#[must_use]
pub fn node(id: &NodeId, version: Option<&WorkflowVersion>) -> String {
    let found = version.and_then(|version| Some((version, version.node(id)?)));
    let Some((version, node)) = found.filter(|(_, node)| !node.name.trim().is_empty()) else {
        return format!("`{id}`");
    };
    let is_shared = version
        .nodes
        .iter()
        .any(|other| other.id != *id && other.name == node.name);
    with_id(&format!("`{}`", node.name), id.as_str(), is_shared)
}

/// An edge's name between backticks, as whoever stands before it reads it; the id of one that has none.
#[must_use]
pub fn edge(id: &EdgeId, version: Option<&WorkflowVersion>) -> String {
    let edges = version.map_or(&[][..], |version| &version.edges);
    let Some(edge) = edges.iter().find(|one| one.id == *id && !one.name.trim().is_empty()) else {
        return format!("`{id}`");
    };
    // Only those that leave the same node can be mistaken for one another.
    let is_shared = edges
        .iter()
        .any(|other| other.id != *id && other.source == edge.source && other.name == edge.name);
    with_id(&format!("`{}`", edge.name), id.as_str(), is_shared)
}

/// Names of which one that comes often is told once, with how often: in the order of the first of each.
#[must_use]
pub fn counted(names: Vec<String>) -> Vec<String> {
    let mut found: Vec<(String, usize)> = Vec::new();
    for name in names {
        match found.iter_mut().find(|(known, _)| *known == name) {
            Some((_, n_times)) => *n_times += 1,
            None => found.push((name, 1)),
        }
    }
    let told = |(name, n_times): (String, usize)| match n_times {
        1 => vec![name],
        2 => vec![name.clone(), name],
        n_times => vec![format!("{name} ({n_times} times)")],
    };
    found.into_iter().flat_map(told).collect()
}

/// A sentence of the engine about a version, with names where it has ids of nodes and edges.
#[must_use]
pub fn in_sentence(sentence: &str, version: &WorkflowVersion) -> String {
    let mut told = String::new();
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('`') {
        let Some((id, behind)) = after.split_once('`') else {
            break;
        };
        told.push_str(before);
        // Fields and values stand between backticks too, so the word before says what it is.
        if before.ends_with("node ") {
            told.push_str(&node(&NodeId::from(id), Some(version)));
        } else if before.ends_with("with id ") {
            told.push_str(&edge(&EdgeId::from(id), Some(version)));
        } else {
            told.push_str(&format!("`{id}`"));
        }
        rest = behind;
    }
    told + rest
}

fn with_id(name: &str, id: &str, is_shared: bool) -> String {
    if is_shared {
        format!("{name} ({id})")
    } else {
        name.to_owned()
    }
}
