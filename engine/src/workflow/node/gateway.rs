//! Gateways: a token moves on from here at once and by itself (semantics: game).

use crate::workflow::edge::Edge;
use crate::workflow::node::{Leaving, Node, NodeKind, Rule, is_there};
use crate::workflow::problem::Problem;

pub(super) const EXCLUSIVE: Rule = Rule {
    word: "exclusive",
    keys: &["default_branch"],
    leaving: Leaving::FirstFit,
    read: |reader, props, place| NodeKind::Exclusive {
        default_branch: reader.edge(props, "default_branch", place),
    },
    check: check_choice,
    check_fields: |_, _, _| {},
};

pub(super) const PARALLEL: Rule = Rule {
    word: "parallel",
    keys: &[],
    leaving: Leaving::AllWays,
    read: |_, _, _| NodeKind::Parallel,
    check: |_, _, _| {},
    check_fields: |_, _, _| {},
};

pub(super) const INCLUSIVE: Rule = Rule {
    word: "inclusive",
    keys: &["default_branch"],
    leaving: Leaving::EveryFit,
    read: |reader, props, place| NodeKind::Inclusive {
        default_branch: reader.edge(props, "default_branch", place),
    },
    check: check_choice,
    check_fields: |_, _, _| {},
};

fn check_choice(node: &Node, ways: &[&Edge], problems: &mut Vec<Problem>) {
    let (word, id, default) = (node.kind.word(), &node.id, node.kind.default_branch());
    // With one way out there is nothing to choose.
    if ways.len() > 1 {
        for edge in ways
            .iter()
            .filter(|edge| edge.conditions.is_empty() && Some(&edge.id) != default)
        {
            let sentence = format!(
                "edge `{}` of the {word} node `{id}` has no conditions and is not its default: add `condition_groups`, \
                 or name it as `default_branch`",
                edge.id
            );
            problems.push(
                Problem::error("gateway_without_condition", sentence)
                    .at_node(id)
                    .at_edge(&edge.id),
            );
        }
        if default.is_none() {
            let sentence =
                format!("{word} node `{id}` has no `default_branch`: where no condition holds, the action is refused");
            problems.push(Problem::warning("no_default_branch", sentence).at_node(id));
        }
    }
    if let Some(default) = default.filter(|default| !is_there(default, ways)) {
        let sentence =
            format!("node `{id}` has the default branch `{default}`, which does not leave it: name one that does");
        problems.push(
            Problem::error("unknown_default_branch", sentence)
                .at_node(id)
                .at_edge(default),
        );
    }
}
