//! Ids that a definition brings in follow the rule for ids (`id::problem_of`). A published version is never asked again:
//! what a log holds is loaded as it is.

use crate::id;
use crate::workflow::definition::Definition;
use crate::workflow::problem::Problem;

pub(super) fn check(definition: &Definition, problems: &mut Vec<Problem>) {
    let bad = |what: &str, id: &str| {
        let problem = id::problem_of(id)?;
        Some(Problem::error("bad_id", format!("{what} has the id {problem}")))
    };
    problems.extend(bad("the workflow", definition.workflow_id.as_str()));
    problems.extend(bad("the version", definition.version_name.as_str()));
    for node in &definition.nodes {
        problems.extend(bad("a node", node.id.as_str()).map(|problem| problem.at_node(&node.id)));
    }
    for edge in &definition.edges {
        problems.extend(bad("an edge", edge.id.as_str()).map(|problem| problem.at_edge(&edge.id)));
    }
    for field in definition.form.components() {
        problems.extend(bad("a field", field.key.as_str()).map(|problem| problem.at_field(&field.key)));
    }
}
