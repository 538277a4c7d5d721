//! Random walks over every fixture workflow: the rules that hold between any two steps.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use loonflow_engine::account::directory::Directory;
use loonflow_engine::ticket::ActionKind;
use loonflow_engine::ticket::Command;
use loonflow_engine::workflow::WorkflowVersion;
use loonflow_simulator::hunt::invariants::{self, gate};
use loonflow_simulator::world::World;
use loonflow_simulator::world::step::{Step, next_step};
use loonflow_simulator::world::tape::Tape;
use proptest::prelude::*;

/// Read once: parsing takes longer than a walk.
static FIXTURES: LazyLock<(Arc<Directory>, Vec<Arc<WorkflowVersion>>)> = LazyLock::new(read_fixtures);

fn fixtures() -> (Arc<Directory>, Vec<Arc<WorkflowVersion>>) {
    FIXTURES.clone()
}

fn read_fixtures() -> (Arc<Directory>, Vec<Arc<WorkflowVersion>>) {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/fixtures"));
    let json = |path: &Path| -> serde_json::Value {
        serde_json::from_str(&std::fs::read_to_string(path).expect("a fixture")).expect("JSON")
    };
    let directory =
        loonflow_simulator::world::directory_from(&json(&root.join("directory/acme.json"))).expect("a directory");
    let mut files: Vec<_> = std::fs::read_dir(root.join("workflows"))
        .expect("fixtures")
        .map(|one| one.unwrap().path())
        .collect();
    files.sort();
    let load = |(idx, path): (usize, &std::path::PathBuf)| {
        let mut source = json(path);
        if idx % 2 == 1 {
            allow(&mut source);
        }
        Arc::new(WorkflowVersion::load(&source).expect("a sound definition"))
    };
    (directory, files.iter().enumerate().map(load).collect())
}

/// Lets people do at every node what no fixture lets them.
fn allow(source: &mut serde_json::Value) {
    let nodes = source["process_schema"]["node_info_list"].as_array_mut();
    for node in nodes.into_iter().flatten().filter(|node| node["type"] == "normal") {
        for key in ["allow_undo", "allow_add_signer", "allow_return", "skip_same_approver"] {
            node["props"][key] = true.into();
        }
    }
}

fn check_step(world: &mut World, step: &Step) -> Result<(), TestCaseError> {
    let fail = |what: &str, why: String| TestCaseError::fail(format!("{what}: {why}\nstep: {step:?}"));
    let before = world.clone();
    let dry = world.rehearse(step.ticket, &step.workflow, &step.command);
    prop_assert_eq!(before.n_draws, world.n_draws, "a dry run draws nothing");
    let real = world.carry_out(step.ticket, &step.workflow, &step.command);
    match (dry, real) {
        (Ok(dry), Ok((idx, real))) => {
            invariants::dry_equals_real(&dry, &real).map_err(|why| fail("dry equals real", why))?;
            let recorded = &world.tickets[idx];
            let workflow = &step.workflow;
            invariants::version_counts_events(recorded).map_err(|why| fail("version", why))?;
            invariants::state_fits_tokens(&recorded.ticket).map_err(|why| fail("state", why))?;
            invariants::tokens_rest_where_they_can(&recorded.ticket, workflow).map_err(|why| fail("rest", why))?;
            invariants::forks_close(&recorded.ticket, workflow).map_err(|why| fail("forks", why))?;
        }
        (Err(dry), Err(real)) => {
            prop_assert_eq!(&dry, &real);
            prop_assert!(
                !(gate::is_gate(&real) && step.from_offer.is_some()),
                "offered but refused: {:?} {:?}",
                real,
                step
            );
            prop_assert_eq!(before.tickets.len(), world.tickets.len());
            for (was, is) in before.tickets.iter().zip(&world.tickets) {
                prop_assert_eq!(&was.ticket, &is.ticket, "a refusal changes nothing");
            }
        }
        (dry, real) => return Err(fail("dry and real differ", format!("{dry:?} / {real:?}"))),
    }
    Ok(())
}

/// Every user, every action, every node: what is not offered is refused by the gate, what is offered passes it.
fn check_matrix(world: &World, idx: usize) -> Result<(), TestCaseError> {
    for user in world.directory.users.keys() {
        gate::offered_equals_allowed(world, idx, user).map_err(TestCaseError::fail)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    /// Offered equals allowed, dry run equals real and changes nothing, a refusal appends nothing, tokens are
    /// conserved, every fork closes, a replay equals the live ticket: on every fixture, over random walks.
    #[test]
    fn walks_keep_every_rule(seed in any::<u64>(), choices in prop::collection::vec(any::<u16>(), 0..1500)) {
        let (directory, workflows) = fixtures();
        let mut world = World::new(directory, workflows, seed);
        let mut tape = Tape::new(choices);
        let mut n_steps = 0;
        while !tape.is_used_up() {
            let Some(step) = next_step(&mut world, &mut tape) else { continue };
            check_step(&mut world, &step)?;
            n_steps += 1;
            if n_steps % 10 == 0 {
                for idx in 0..world.tickets.len() {
                    check_matrix(&world, idx)?;
                }
            }
        }
        for recorded in &world.tickets {
            invariants::replay_equals_live(recorded).map_err(TestCaseError::fail)?;
        }
    }
}

/// The walks are worth something only if they get about: every action is taken, every node of every fixture entered.
#[test]
fn walks_reach_every_node_and_action() {
    let (directory, workflows) = fixtures();
    let mut nodes = std::collections::BTreeSet::new();
    let mut kinds = std::collections::BTreeSet::new();
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    for seed in 0..400 {
        let mut world = World::new(directory.clone(), workflows.clone(), seed);
        let choices = (0..1500).map(|_| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random >> 40) as u16
        });
        let mut tape = Tape::new(choices.collect());
        while !tape.is_used_up() {
            let Some(step) = next_step(&mut world, &mut tape) else {
                continue;
            };
            let Ok((idx, _)) = world.carry_out(step.ticket, &step.workflow, &step.command) else {
                continue;
            };
            let ticket = &world.tickets[idx].ticket;
            nodes.extend(
                ticket
                    .tokens
                    .iter()
                    .map(|token| (ticket.workflow_id.clone(), token.node.clone())),
            );
            if let Command::Act(act) = &step.command {
                kinds.extend(act.action.said_kind());
            }
        }
    }
    let waiting = workflows.iter().flat_map(|workflow| {
        let nodes = workflow.nodes.iter().filter(|node| !node.kind.is_gateway());
        nodes.map(|node| (workflow.workflow_id.clone(), node.id.clone()))
    });
    let missed: Vec<_> = waiting.filter(|one| !nodes.contains(one)).collect();
    assert!(missed.is_empty(), "never entered: {missed:?}");
    let missed: Vec<_> = ActionKind::ALL.iter().filter(|kind| !kinds.contains(kind)).collect();
    assert!(missed.is_empty(), "never taken: {missed:?}");
}
