//! Tickets of running walks go over to other versions of their workflow, fitting ones and others.

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::id::NodeId;
use loonflow_engine::ticket::Command;
use loonflow_engine::workflow::WorkflowVersion;
use loonflow_simulator::world::step::next_step;
use loonflow_simulator::world::tape::Tape;
use proptest::prelude::*;
use serde_json::Value as Json;

use crate::pair::{Pair, edge};
use crate::small::{DEFINITIONS, SMALL};
use crate::text::definition;

const WORKFLOW: &str = "nested_with_asides";

/// What becomes of the definition: texts replaced by others.
const CHANGES: [&[(&str, &str)]; 7] = [
    &[],
    &[("tech ", "tech2 "), ("tech\n", "tech2\n")],
    &[
        ("node fix normal", "node fix hook"),
        ("s1 parallel", "s1 inclusive default:x1"),
    ],
    &[(
        "edge legal_ok agree legal -> j1",
        "node more normal users:ann\n edge legal_ok agree legal -> more\n edge more_ok agree more -> j1",
    )],
    &[("node s2 parallel", "node s2 exclusive default:y1")],
    &[
        (
            "edge sum_ok agree sum -> j1",
            "edge sum_ok agree sum -> j3\n node j3 parallel",
        ),
        ("-> j1", "-> j3"),
        ("node j1 parallel", ""),
        ("edge j1o other j1 ->", "edge j1o other j3 ->"),
    ],
    &[
        ("node legal normal users:ann", "node legal timer PT1H"),
        ("edge legal_no reject legal -> start", ""),
    ],
];

fn version(changes: &[(&str, &str)]) -> (Json, Arc<WorkflowVersion>) {
    let (id, text) = DEFINITIONS.iter().find(|(id, _)| *id == WORKFLOW).expect("it is there");
    let changed = changes
        .iter()
        .fold((*text).to_owned(), |text, (from, to)| text.replace(from, to));
    let source = definition(id, "2.0", &changed);
    let loaded = WorkflowVersion::load(&source).unwrap_or_else(|problems| panic!("{changes:?}: {problems:?}"));
    (source, Arc::new(loaded))
}

/// How many migrations were carried out and how many refused.
fn migrate_after_a_walk(change: usize, choices: Vec<u16>, seed: u64) -> Result<(usize, usize), String> {
    let mut pair = Pair::new(&SMALL, seed);
    pair.world.workflows.retain(|id, _| id.as_str() == WORKFLOW);
    let old = pair.world.workflows[WORKFLOW].clone();
    let mut tape = Tape::new(choices);
    for _ in 0..tape.next(30) {
        if let Some(step) = next_step(&mut pair.world, &mut tape) {
            pair.step(step.ticket, &step.workflow, &step.command)?;
        }
    }
    let (source, new) = version(CHANGES[change % CHANGES.len()]);
    pair.model.publish(&source)?;
    let (mut n_done, mut n_refused) = (0, 0);
    for idx in 0..pair.world.tickets.len() {
        for _ in 0..4 {
            let mut nodes: BTreeMap<NodeId, NodeId> = BTreeMap::new();
            for _ in 0..tape.next(4) {
                let from = &old.nodes[tape.next(old.nodes.len())].id;
                let to = &new.nodes[tape.next(new.nodes.len())].id;
                nodes.insert(from.clone(), to.clone());
            }
            let who = [None, Some("adm"), Some("wad"), Some("dis"), Some("off")][tape.next(5)];
            if pair.migrate(idx, &old, &new, who, nodes)? {
                n_done += 1;
                break;
            }
            n_refused += 1;
        }
        if pair.world.tickets[idx].ticket.version_name == new.version_name {
            for _ in 0..8 {
                let way = &new.edges[tape.next(new.edges.len())].id;
                let who = ["ann", "bob", "cat", "dan", "adm"][tape.next(5)];
                let kind = new.edge(way).map_or("agree", |edge| edge.kind.word());
                let kind = if kind == "condition" { "agree" } else { kind };
                pair.step(Some(idx), &new, &edge(who, kind, way.as_str(), BTreeMap::new()))?;
            }
            pair.step(Some(idx), &new, &Command::ReviewHolders)?;
        }
    }
    Ok((n_done, n_refused))
}

proptest! {
    /// A migration is carried out or refused alike, and the ticket goes on alike.
    #[test]
    fn tickets_migrate_alike(
        seed in any::<u64>(),
        change in 0..CHANGES.len(),
        choices in prop::collection::vec(any::<u16>(), 0..600),
    ) {
        migrate_after_a_walk(change, choices, seed).map_err(TestCaseError::fail)?;
    }
}

/// Every change of the definition meets tickets that go over and maps that are refused.
#[test]
fn migrations_go_both_ways() {
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    for change in 0..CHANGES.len() {
        let (mut n_done, mut n_refused) = (0, 0);
        for seed in 0..40 {
            let choices = (0..600).map(|_| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                (random >> 40) as u16
            });
            let (done, refused) = migrate_after_a_walk(change, choices.collect(), seed).expect("no difference");
            n_done += done;
            n_refused += refused;
        }
        assert!(
            n_done > 5 && n_refused > 5,
            "change {change}: {n_done} done, {n_refused} refused"
        );
    }
}
