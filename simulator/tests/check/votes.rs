//! Votes by every rule: the checker reaches what the engine reaches, and knows without whom nothing is decided.

use std::collections::BTreeSet;
use std::sync::Arc;

use loonflow_engine::define::{Approval, Assign, Field, Node, Workflow};
use loonflow_engine::workflow::WorkflowVersion;
use loonflow_engine::workflow::condition::Operator;
use loonflow_simulator::hunt::generate::nets;
use loonflow_simulator::prove::check::{Options, Outcome, check};
use loonflow_simulator::world::directory_from;

use crate::compare;

/// Three people vote, each may write a field that a gateway asks for, and a reject leads back or on.
fn voted(approval: Approval) -> Arc<WorkflowVersion> {
    let workflow = Workflow::new("w", "1")
        .field(Field::title().required_at("start"))
        .field(Field::number("rate").optional_at("vote"))
        .node(Node::step("vote", Assign::users(["ann", "bob", "cem"])).approval(approval))
        .node(Node::exclusive("which").default_branch("low"))
        .node(Node::step("high", Assign::users(["bob"])))
        .agree("go", "start", "vote")
        .agree("ok", "vote", "which")
        .other("on", "vote", "high")
        .reject("no", "vote", "start")
        .way("much", "which", "high")
        .when("rate", Operator::Greater, 10)
        .way("low", "which", "end")
        .agree("done", "high", "end");
    let (version, problems) = workflow.check();
    version.map(Arc::new).unwrap_or_else(|| panic!("{problems:?}"))
}

/// A rule, and the smallest sets of people without whom no ticket comes to the end.
fn rules() -> Vec<(Approval, &'static str)> {
    vec![
        (Approval::all(), "bob cem"),
        (Approval::sequence(), "bob cem"),
        (Approval::any(), ""),
        (Approval::any().with_veto(), ""),
        (Approval::majority(), "bob,cem"),
        (Approval::majority().with_veto().with_abstention(), "bob,cem"),
        (Approval::percent(67), "bob cem"),
        (Approval::percent(34), "bob,cem"),
        (Approval::count(2), "bob,cem"),
        (Approval::count(2).in_order(), "bob"),
    ]
}

#[test]
fn votes_are_as_the_engine_walks_them() {
    let directory = directory_from(&nets::directory()).expect("a directory");
    for (approval, _) in rules() {
        let what = format!("{approval:?}");
        let n_compared = compare(&voted(approval), &directory, 4_000, &what);
        assert!(n_compared > 0, "{what}: nothing could be compared");
    }
}

#[test]
fn it_is_known_without_whom_nothing_is_decided() {
    let source = nets::directory();
    let directory = directory_from(&source).expect("a directory");
    for (approval, expected) in rules() {
        let what = format!("{approval:?}");
        let report = check(&voted(approval), &directory, &source, &Options::default());
        assert_eq!(report.outcome, Outcome::Sound, "{what}");
        for finding in report.findings.iter().filter_map(|finding| finding.story.as_ref()) {
            assert!(finding.is_played, "{what}: {:#?}", finding.lines);
        }
        let told = report
            .findings
            .iter()
            .filter(|finding| finding.code == "blocked_without");
        let told: BTreeSet<String> = told.map(|finding| without(&finding.message)).collect();
        let expected: BTreeSet<String> = expected.split_whitespace().map(str::to_owned).collect();
        assert_eq!(told, expected, "{what}");
    }
}

/// `while `bob` and `cem` cannot act`: the people of it.
fn without(message: &str) -> String {
    let people = message.split(" while ").nth(1).unwrap_or_default();
    let people = people.split('`').skip(1).step_by(2).collect::<Vec<_>>();
    people.join(",")
}
