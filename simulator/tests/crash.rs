//! Crashes at both levels in small numbers: the command runs the same with larger ones.

use std::path::Path;
use std::sync::LazyLock;

use loonflow_simulator::crash::BoundaryRun;
use loonflow_simulator::crash::walk::Setting;
use loonflow_simulator::inputs;

static SETTING: LazyLock<Setting> = LazyLock::new(|| {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures"));
    let definitions = inputs::definitions(&[root.join("workflows")]).expect("fixtures");
    let workflows: Vec<_> = definitions
        .iter()
        .map(|one| one.runnable().expect("sound").clone())
        .collect();
    let (_, directory) = inputs::directory(Some(&root.join("directory/acme.json")), &workflows).expect("a directory");
    Setting { directory, workflows }
});

fn run(n_seeds: u64, n_threads: usize) -> loonflow_simulator::crash::BoundaryReport {
    let run = BoundaryRun {
        setting: SETTING.clone(),
        seed: 1,
        n_seeds,
        n_rounds: 40,
        n_threads,
    };
    run.run(&|_| {})
}

#[test]
fn whatever_dies_nothing_is_lost_halved_or_doubled() {
    let report = run(4, 2);
    assert!(report.failure.is_none(), "{:?}", report.failure);
    assert!(report.n_crashes > 1_000, "{report:?}");
    assert_eq!(
        report.by_trouble.len(),
        loonflow_simulator::crash::trouble::Trouble::ALL.len()
    );
}

#[test]
fn a_walk_is_a_function_of_its_seed_whatever_the_threads() {
    assert_eq!(run(3, 1).hash, run(3, 3).hash);
}
