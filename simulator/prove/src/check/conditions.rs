//! Conditions by themselves, over every combination of classes that a gateway's fields can be in: which can never hold,
//! which hold together at an exclusive gateway so that their order decides.
//!
//! Not here: which combinations a ticket can really come to a gateway with (`explore` knows).

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::classes::Classes;
use super::domain::Domain;
use super::finding::{Finding, Severity};
use super::game::{Game, Kind, NodeInfo, number};

/// Combinations looked at of one gateway.
const COMBINATIONS_MAX: usize = 100_000;

/// What conditions alone show.
pub(crate) struct Conditions {
    pub(crate) findings: Vec<Finding>,
    /// Edges whose conditions hold for no combination.
    pub(crate) never: Vec<u16>,
    /// Gateways with more combinations than are looked at.
    pub(crate) not_looked_at: Vec<u16>,
}

/// Looks at every gateway that chooses.
pub(crate) fn look(game: &Game<'_>) -> Conditions {
    let mut found = Conditions {
        findings: Vec::new(),
        never: Vec::new(),
        not_looked_at: Vec::new(),
    };
    single_conditions(game, &mut found);
    for (idx, node) in game.nodes.iter().enumerate() {
        if !matches!(node.kind, Kind::Exclusive | Kind::Inclusive) {
            continue;
        }
        let asked: Vec<u16> = node
            .out
            .iter()
            .copied()
            .filter(|edge| game.is_asked(node, *edge))
            .collect();
        if node.kind == Kind::Inclusive {
            // Its ways out do not compete, so each is looked at by itself.
            each_by_itself(game, number(idx), &asked, &mut found);
            continue;
        }
        let reads = game.reads_of_gateway(node);
        let fields: Vec<u8> = (0..64).filter(|field| reads >> field & 1 == 1).collect();
        let sizes: Vec<usize> = fields
            .iter()
            .map(|field| game.fields[usize::from(*field)].values.len())
            .collect();
        let n_combinations = sizes
            .iter()
            .try_fold(1_usize, |product, size| product.checked_mul(*size));
        let Some(n_combinations) = n_combinations.filter(|n| *n <= COMBINATIONS_MAX) else {
            each_by_itself(game, number(idx), &asked, &mut found);
            two_by_two(game, number(idx), &asked, &mut found);
            continue;
        };
        let mut ever = vec![false; asked.len()];
        let mut together: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
        for combination in 0..n_combinations {
            let mut rest = combination;
            let classes: Vec<usize> = sizes
                .iter()
                .map(|size| {
                    let class = rest % size;
                    rest /= size;
                    class
                })
                .collect();
            let class_of = |field: u8| {
                fields
                    .iter()
                    .position(|one| *one == field)
                    .map_or(0, |place| classes[place])
            };
            let holds: Vec<usize> = (0..asked.len())
                .filter(|edge| game.holds(asked[*edge], &class_of))
                .collect();
            for edge in &holds {
                ever[*edge] = true;
            }
            for (place, one) in holds.iter().enumerate() {
                for other in &holds[place + 1..] {
                    together.entry((*one, *other)).or_insert_with(|| classes.clone());
                }
            }
        }
        for (edge, _) in asked.iter().zip(&ever).filter(|(_, ever)| !**ever) {
            found.never.push(*edge);
        }
        for ((one, other), classes) in together {
            let values: Vec<(u8, usize)> = fields.iter().copied().zip(classes).collect();
            found
                .findings
                .push(overlap(game, node, asked[one], asked[other], &values));
        }
    }
    found
}

fn overlap(game: &Game<'_>, node: &NodeInfo, one: u16, other: u16, values: &[(u8, usize)]) -> Finding {
    let shown = values.iter().map(|(field, class)| {
        let field = &game.fields[usize::from(*field)];
        super::finding::shown_value(field.key.as_str(), &field.values[*class])
    });
    let (first, second) = (&game.edges[usize::from(one)].id, &game.edges[usize::from(other)].id);
    let message = format!(
        "at `{}` both `{first}` and `{second}` hold with {}: the first in the list is taken; if that is not \
         meant, make them exclude each other",
        node.id,
        shown.collect::<Vec<_>>().join(", ")
    );
    Finding::new("overlap", Severity::Warning, message)
        .at_node(&node.id)
        .at_edge(second)
}

/// Which ways out hold for no values.
fn each_by_itself(game: &Game<'_>, gateway: u16, asked: &[u16], found: &mut Conditions) {
    let all: Vec<u64> = game.fields.iter().map(Domain::all).collect();
    for edge in asked {
        match game.boxes(*edge, &all) {
            Some(boxes) if !boxes.iter().any(|one| one.holds) => found.never.push(*edge),
            Some(_) => {}
            None if !found.not_looked_at.contains(&gateway) => found.not_looked_at.push(gateway),
            None => {}
        }
    }
}

/// Which ways out hold together.
fn two_by_two(game: &Game<'_>, gateway: u16, asked: &[u16], found: &mut Conditions) {
    let all: Vec<u64> = game.fields.iter().map(Domain::all).collect();
    let holding = |edge: u16, data: &[u64]| -> Option<Vec<Classes>> {
        let boxes = game.boxes(edge, data)?.into_iter();
        Some(boxes.filter(|one| one.holds).collect())
    };
    for (place, one) in asked.iter().enumerate() {
        for other in &asked[place + 1..] {
            let mut both: Option<Vec<(u8, usize)>> = None;
            let Some(boxes) = holding(*one, &all) else {
                continue;
            };
            for first in boxes {
                let mut data = all.clone();
                first.narrow(&mut data);
                let Some(second) = holding(*other, &data).map(|boxes| boxes.into_iter().next()) else {
                    continue;
                };
                let Some(second) = second else {
                    continue;
                };
                second.narrow(&mut data);
                let read = game.edges[usize::from(*one)].reads_bits() | game.edges[usize::from(*other)].reads_bits();
                let read = (0..64).filter(|field| read >> field & 1 == 1);
                both = Some(
                    read.map(|field: u8| (field, data[usize::from(field)].trailing_zeros() as usize))
                        .collect(),
                );
                break;
            }
            if let Some(values) = both {
                let node = &game.nodes[usize::from(gateway)];
                found.findings.push(overlap(game, node, *one, *other, &values));
            }
        }
    }
}

/// Single conditions that hold for no value, within edges that may hold by others.
fn single_conditions(game: &Game<'_>, found: &mut Conditions) {
    for (idx, edge) in game.workflow.edges.iter().enumerate() {
        let source = game.nodes.get(usize::from(game.edges[idx].source));
        if !source.is_some_and(|node| matches!(node.kind, Kind::Exclusive | Kind::Inclusive)) {
            continue;
        }
        for condition in edge.conditions.iter() {
            let Some(field) = game.fields.iter().find(|field| field.key == condition.field) else {
                continue;
            };
            let form = &game.workflow.form;
            let zone = game.directory.zone();
            if !field
                .values
                .iter()
                .any(|value| condition.holds(form, zone, &|_| Some(Cow::Borrowed(value))))
            {
                let message = format!(
                    "a condition of edge `{}` on `{}` holds for no value that the field takes: correct it, or what \
                     the field takes",
                    edge.id, field.key
                );
                found.findings.push(
                    Finding::new("condition_never_holds", Severity::Warning, message)
                        .at_edge(edge.id.as_str())
                        .at_field(field.key.as_str()),
                );
            }
        }
    }
}
