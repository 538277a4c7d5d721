//! Exact checking against the engine itself: what the checker says can be reached is what a walk of the engine reaches,
//! and a ticket that it says cannot complete cannot.

mod elsewhere;
mod separate;
mod votes;
mod walk;
mod wide;

use std::path::Path;
use std::sync::Arc;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::workflow::WorkflowVersion;
use loonflow_simulator::formats::export::pnml::pnml;
use loonflow_simulator::hunt::generate::nets::{self, Dice, Style};
use loonflow_simulator::prove::check::{Finding, Options, Outcome, Report, check, codes, markings};
use loonflow_simulator::prove::net::net;
use loonflow_simulator::prove::selftest;
use loonflow_simulator::world::case::Case;
use loonflow_simulator::world::directory_from;
use loonflow_simulator::world::inputs;
use serde_json::{Value as Json, json};

/// Combinations of values that a walk of the engine tries of each edge.
const WRITINGS_MAX: usize = 2_000;

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
        let n_writings: usize = one.values.iter().map(|(_, values)| values.len()).product();
        if n_writings > WRITINGS_MAX {
            continue;
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
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/fixtures");
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
fn compare_random(seeds: std::ops::Range<u64>, is_wide: bool, tickets_max: usize) -> (usize, usize) {
    let directory_source = nets::directory();
    let directory = directory_from(&directory_source).expect("a directory");
    let (mut n_compared, mut n_unsound) = (0, 0);
    for seed in seeds {
        let style = Style {
            is_plain: false,
            is_wide,
            n_blocks: 4 + seed as usize % 6,
            n_changes: 1 + seed as usize % 4,
        };
        let (source, _) = nets::loadable(seed, style);
        let source = nets::with_people(source);
        let Ok(version) = WorkflowVersion::load(&source) else {
            continue;
        };
        let version = Arc::new(version);
        let what = format!("seed {seed}: {source}");
        n_compared += compare(&version, &directory, tickets_max, &what);
        let report = check(&version, &directory, &directory_source, &Options::default());
        n_unsound += usize::from(report.outcome == Outcome::Unsound);
        let in_full = Options {
            is_full: true,
            ..Options::default()
        };
        let in_full = check(&version, &directory, &directory_source, &in_full);
        let places = |report: &Report| -> std::collections::BTreeSet<_> {
            let of = |one: &Finding| {
                (
                    one.code,
                    one.severity,
                    one.node.clone(),
                    one.edge.clone(),
                    one.field.clone(),
                )
            };
            report.findings.iter().map(of).collect()
        };
        assert_eq!(
            places(&report),
            places(&in_full),
            "{what}: reduction finds something else"
        );
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
    let n_seeds = seeds(60);
    let (n_compared, n_unsound) = compare_random(0..n_seeds, false, if n_seeds > 60 { 4_000 } else { 400 });
    assert!(n_compared as u64 > n_seeds / 2, "{n_compared} compared");
    assert!(n_unsound as u64 > n_seeds / 4, "{n_unsound} unsound");
}

/// Many branches with fields of their own: what is put off, and what of them waits for whom, changes no answer.
#[test]
fn random_wide_definitions_are_as_the_engine_walks_them() {
    let n_seeds = seeds(60);
    let (_, n_unsound) = compare_random(0..n_seeds, true, if n_seeds > 60 { 4_000 } else { 400 });
    assert!(
        n_unsound as u64 > n_seeds / 4 && (n_unsound as u64) < n_seeds,
        "{n_unsound} unsound"
    );
}

/// The fixtures with an edge led elsewhere, a default taken away, a condition moved: numbers with decimals, texts, several
/// options at once, among the people of a whole company.
#[test]
fn changed_fixtures_are_as_the_engine_walks_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/fixtures");
    let (directory_source, acme) =
        inputs::directory(Some(&root.join("directory/acme.json")), &[]).expect("a directory");
    let n_each = seeds(4);
    let (mut n_compared, mut n_loaded) = (0, 0);
    for definition in inputs::definitions(&[root.join("workflows")]).expect("fixtures") {
        for seed in 0..n_each {
            let source = changed(&definition.source, seed);
            let Ok(version) = WorkflowVersion::load(&source) else {
                continue;
            };
            n_loaded += 1;
            let version = Arc::new(version);
            let what = format!("{} changed by {seed}", definition.shown);
            n_compared += compare(&version, &acme, 1_500, &what);
            let report = check(&version, &acme, &directory_source, &Options::default());
            for story in report.findings.iter().filter_map(|one| one.story.as_ref()) {
                assert!(story.is_played, "{what}: {:#?}", story.lines);
            }
        }
    }
    assert!(
        n_compared > n_loaded / 2 && n_loaded as u64 > n_each,
        "{n_compared} compared, {n_loaded} loaded"
    );
}

/// A definition with one to three changes of its process; whether it still loads is another matter.
fn changed(source: &Json, seed: u64) -> Json {
    let mut source = source.clone();
    let mut dice = Dice(seed);
    let n_nodes = source["process_schema"]["node_info_list"]
        .as_array()
        .map_or(0, Vec::len);
    for _ in 0..1 + dice.below(3) {
        let n_edges = source["process_schema"]["edge_info_list"]
            .as_array()
            .map_or(0, Vec::len);
        let edge = dice.below(n_edges);
        let node = dice.below(n_nodes);
        let target = source["process_schema"]["node_info_list"][node]["id"].clone();
        let edges = &mut source["process_schema"]["edge_info_list"];
        match dice.below(6) {
            0 | 1 => edges[edge]["target_node_id"] = target,
            2 => edges[edge]["type"] = json!(["agree", "reject", "other"][dice.below(3)]),
            3 => {
                let mut copy = edges[edge].clone();
                copy["id"] = json!(format!("more_{n_edges}"));
                copy["target_node_id"] = target;
                if let Some(edges) = edges.as_array_mut() {
                    edges.push(copy);
                }
            }
            4 => {
                if let Some(edges) = edges.as_array_mut() {
                    edges.remove(edge);
                }
            }
            _ => {
                if let Some(props) = source["process_schema"]["node_info_list"][node]["props"].as_object_mut() {
                    props.remove("default_branch");
                }
            }
        }
    }
    source
}

/// As many seeds as asked for; more on request: `LOONFLOW_CHECK_SEEDS=3000 cargo test -p loonflow-simulator --test check`.
fn seeds(usual: usize) -> u64 {
    let asked = std::env::var("LOONFLOW_CHECK_SEEDS")
        .ok()
        .and_then(|text| text.parse().ok());
    asked.unwrap_or(usual as u64)
}

/// A split into `n` tasks that one person does, and the merge.
fn wide_split(n: usize) -> Json {
    let title = json!({ "id": "title", "type": "title", "component_key": "title", "component_name": "Title" });
    let mut nodes = vec![
        json!({ "id": "start", "name": "Start", "type": "start", "props": { "field_permissions": { "title": "required" } } }),
        json!({ "id": "split", "name": "Split", "type": "parallel" }),
        json!({ "id": "merge", "name": "Merge", "type": "parallel" }),
        json!({ "id": "end", "name": "End", "type": "end" }),
    ];
    let edge = |id: String, kind: &str, from: &str, to: &str| json!({ "id": id, "name": id, "type": kind, "source_node_id": from, "target_node_id": to });
    let mut edges = vec![
        edge("submit".to_owned(), "agree", "start", "split"),
        edge("done".to_owned(), "other", "merge", "end"),
    ];
    for idx in 0..n {
        let task = format!("task_{idx}");
        nodes.push(json!({ "id": task, "name": task, "type": "normal", "props": {
            "assignee_type": "users", "assignee": "ann", "assignment_strategy": "direct",
        } }));
        edges.push(edge(format!("begin_{idx}"), "condition", "split", &task));
        edges.push(edge(format!("finish_{idx}"), "agree", &task, "merge"));
    }
    json!({
        "basic_info": { "id": "wide", "name": "Wide", "version": "1" },
        "form_schema": { "component_info_list": [
            { "id": "row", "type": "row", "component_key": "row", "children": [title] },
        ] },
        "process_schema": { "node_info_list": nodes, "edge_info_list": edges },
        "advanced_schema": {},
    })
}

fn check_text(source: &Json, options: &Options) -> Report {
    let version = Arc::new(WorkflowVersion::load(source).expect("it loads"));
    let directory_source = nets::directory();
    let directory = directory_from(&directory_source).expect("a directory");
    check(&version, &directory, &directory_source, options)
}

/// Every order of n independent steps is 2 to the n states; one order is n.
#[test]
fn branches_that_are_strangers_are_explored_one_after_the_other() {
    let options = |is_full| Options {
        is_full,
        absent: 0,
        ..Options::default()
    };
    let full = check_text(&wide_split(10), &options(true));
    let reduced = check_text(&wide_split(10), &options(false));
    assert_eq!((full.outcome, full.n_states), (Outcome::Sound, (1 << 10) + 1));
    assert_eq!((reduced.outcome, reduced.n_states), (Outcome::Sound, 12));
    assert_eq!(check_text(&wide_split(60), &options(false)).outcome, Outcome::Sound);
}

/// Where a bound is met nothing is called sound.
#[test]
fn a_bound_that_is_met_is_unknown() {
    let options = Options {
        states: 1_000,
        is_full: true,
        ..Options::default()
    };
    let report = check_text(&wide_split(10), &options);
    assert_eq!(report.outcome, Outcome::Unknown);
    assert!(report.bounds[0].contains("1000 states"), "{:?}", report.bounds);
    assert!(report.findings.is_empty(), "{:?}", codes(&report));
}

/// Nine fields that one branch looks at together can be filled in in a quarter of a million ways, of which one opens it.
#[test]
fn many_fields_that_one_branch_looks_at_are_told_apart() {
    let mut source = wide_split(2);
    let option = |key: &str| json!({ "key": key, "label": key });
    let mut conditions = Vec::new();
    for idx in 0..9 {
        let key = format!("f{idx}");
        let field = json!({ "id": key, "type": "select", "component_key": key, "component_name": key,
            "props": { "options_with_keys": [option("a"), option("b"), option("c")] } });
        source["form_schema"]["component_info_list"][0]["children"]
            .as_array_mut()
            .expect("a list")
            .push(field);
        source["process_schema"]["node_info_list"][0]["props"]["field_permissions"][&key] = json!("optional");
        for operator in ["!=", "<="] {
            conditions.push(json!({ "field_name": key, "operator": operator, "value": "b" }));
        }
    }
    source["process_schema"]["node_info_list"][1]["type"] = json!("inclusive");
    source["process_schema"]["node_info_list"][1]["props"] = json!({ "default_branch": "begin_1" });
    for edge in source["process_schema"]["edge_info_list"]
        .as_array_mut()
        .expect("a list")
    {
        if edge["id"] == json!("begin_0") {
            edge["props"] = json!({ "condition_groups": [{ "conditions": conditions }] });
        }
    }
    let report = check_text(&source, &Options::default());
    assert_eq!(report.outcome, Outcome::Sound, "{:?}", report.bounds);
}

/// The only people of a node hold every ticket up; of two who could do it, both.
#[test]
fn the_fewest_absent_people_are_named() {
    let report = check_text(&wide_split(2), &Options::default());
    let named: Vec<&str> = report
        .findings
        .iter()
        .filter(|one| one.code == "blocked_without")
        .map(|one| one.message.as_str())
        .collect();
    assert_eq!(named.len(), 1, "{named:?}");
    assert!(named[0].contains("`ann`"), "{named:?}");
}

#[test]
fn every_seeded_defect_is_found_and_no_twin_alarms() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("selftest");
    let lines = selftest::run(&folder).expect("the folder reads");
    let wrong: Vec<_> = lines.iter().filter(|line| !line.is_right || !line.is_played).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let n_defects = lines.iter().filter(|line| line.expected.is_some()).count();
    assert_eq!((n_defects, lines.len()), (44, 88));
}

/// A case that a finding comes with says everything that is needed to see it again.
#[test]
fn a_finding_comes_with_its_case() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("selftest/defects/gap_behind_a_merge.json");
    let definition = inputs::definitions(&[folder]).expect("a definition").remove(0);
    let version = definition.runnable().expect("it can be published");
    let (source, directory) = inputs::directory(None, &[Arc::clone(version)]).expect("a directory");
    let report = check(version, &directory, &source, &Options::default());
    let stuck = report
        .findings
        .iter()
        .find(|one| one.code == "stuck")
        .expect("a ticket gets stuck");
    let story = stuck.story.as_ref().expect("a story");
    insta::assert_snapshot!(format!("{}\n{}", stuck.message, story.lines.join("\n")));
    let text = serde_json::to_string(&story.case).expect("a case is JSON");
    let read: Case = serde_json::from_str(&text).expect("a case reads back");
    assert_eq!((read.steps.len(), read.shows.as_str()), (2, "stuck"));
}

/// Which definitions are plain nets, and why others are not.
#[test]
fn a_definition_is_a_plain_net_or_says_why_not() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/fixtures/workflows");
    let mut found = Vec::new();
    for definition in inputs::definitions(&[root]).expect("fixtures") {
        let version = definition.runnable().expect("sound");
        found.push(match net(version, &Default::default()) {
            Ok(net) => format!(
                "{}: {} places, {} transitions",
                version.workflow_id,
                net.places.len(),
                net.transitions.len()
            ),
            Err(why) => format!("{}: {why}", version.workflow_id),
        });
    }
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn a_small_net_in_pnml() {
    let version = WorkflowVersion::load(&wide_split(2)).expect("it loads");
    let net = net(&version, &Default::default()).expect("a plain net");
    insta::assert_snapshot!(pnml(&net, "a < b & \"c\""));
}
