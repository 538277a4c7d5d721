//! Exact checking against the engine itself: what the checker says can be reached is what a walk of the engine reaches,
//! and a ticket that it says cannot complete cannot.

#[path = "check/random.rs"]
mod random;
#[path = "check/walk.rs"]
mod walk;

use std::path::Path;
use std::sync::Arc;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::workflow::WorkflowVersion;
use loonflow_simulator::check::{Options, Outcome, check, codes, markings};
use loonflow_simulator::inputs;
use loonflow_simulator::world::directory_from;
use random::Style;

/// Compares every kind of creator; how many could be.
fn compare(workflow: &Arc<WorkflowVersion>, directory: &Directory, tickets_max: usize, what: &str) -> usize {
    let reduced = markings(workflow, directory, 20_000, false);
    let Some(all) = markings(workflow, directory, 20_000, true) else {
        return 0;
    };
    let mut n_compared = 0;
    for (idx, one) in all.iter().enumerate() {
        if let Some(reduced) = reduced.as_ref().map(|reduced| &reduced[idx]) {
            assert!(reduced.reached.is_subset(&one.reached), "{what}: reduced reaches more");
            assert_eq!(
                reduced.bad.is_empty(),
                one.bad.is_empty(),
                "{what}: reduced comes to another verdict"
            );
        }
        let Some(walked) = walk::walk(workflow, directory, one, tickets_max) else {
            continue;
        };
        let missed: Vec<_> = walked.reached.difference(&one.reached).collect();
        let made_up: Vec<_> = one.reached.difference(&walked.reached).collect();
        assert!(
            missed.is_empty() && made_up.is_empty(),
            "{what}, {}: missed {missed:?}, made up {made_up:?}",
            one.creator
        );
        // Values that were filled in long before show as a dead end only where somebody looks at them, so the engine's
        // walk meets bad tickets earlier: it is bound to meet some, and every one that the checker tells of.
        assert!(
            one.bad.is_subset(&walked.bad),
            "{what}, {}: {:?} can complete",
            one.creator,
            one.bad
        );
        assert_eq!(
            walked.bad.is_empty(),
            one.bad.is_empty(),
            "{what}, {}: {:?}",
            one.creator,
            walked.bad
        );
        n_compared += 1;
    }
    n_compared
}

#[test]
fn fixtures_are_as_the_engine_walks_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
    let acme = root.join("directory/acme.json");
    for definition in inputs::definitions(&[root.join("workflows")]).expect("fixtures") {
        let version = definition.runnable().expect("sound");
        let (source, directory) = inputs::directory(Some(&acme), &[]).expect("a directory");
        let n_compared = compare(version, &directory, 6_000, &definition.shown);
        assert!(n_compared > 0, "{}: nothing could be compared", definition.shown);
        for is_full in [false, true] {
            let options = Options {
                is_full,
                ..Options::default()
            };
            let report = check(version, &directory, &source, &options);
            assert_eq!(
                report.outcome,
                Outcome::Sound,
                "{}: {:?}",
                definition.shown,
                codes(&report)
            );
        }
    }
}

/// Random definitions with data, timers, hooks, inclusive splits, cancelling edges; as many as `n`.
fn compare_random(seeds: std::ops::Range<u64>, tickets_max: usize) -> (usize, usize) {
    let directory_source = random::directory();
    let directory = directory_from(&directory_source.to_string()).expect("a directory");
    let (mut n_compared, mut n_unsound) = (0, 0);
    for seed in seeds {
        let style = Style {
            is_plain: false,
            n_blocks: 4 + seed as usize % 6,
            n_changes: 1 + seed as usize % 4,
        };
        let (source, _) = random::loadable(seed, style);
        let source = random::with_people(source);
        let Ok(version) = WorkflowVersion::load(&source) else {
            continue;
        };
        let version = Arc::new(version);
        let what = format!("seed {seed}: {source}");
        n_compared += compare(&version, &directory, tickets_max, &what);
        let report = check(&version, &directory, &directory_source, &Options::default());
        n_unsound += usize::from(report.outcome == Outcome::Unsound);
        for finding in &report.findings {
            if let Some(story) = &finding.story {
                assert!(
                    story.is_played,
                    "{what}: {} is not what the engine does: {:#?}",
                    finding.message, story.lines
                );
            }
        }
    }
    (n_compared, n_unsound)
}

#[test]
fn random_definitions_are_as_the_engine_walks_them() {
    // More on request: `LOONFLOW_CHECK_SEEDS=3000 cargo test -p loonflow-simulator --test check -- --nocapture`.
    let n_seeds = std::env::var("LOONFLOW_CHECK_SEEDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(60);
    let (n_compared, n_unsound) = compare_random(0..n_seeds, if n_seeds > 60 { 4_000 } else { 400 });
    assert!(n_compared as u64 > n_seeds / 2, "{n_compared} compared");
    assert!(n_unsound as u64 > n_seeds / 4, "{n_unsound} unsound");
}
