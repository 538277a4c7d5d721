//! Random definitions: all of them run, and between them they have everything that a definition can have.

use std::collections::BTreeMap;

use loonflow_engine::workflow::condition::Operator;
use loonflow_engine::workflow::validate::{Problem, ValidationContext, check};
use loonflow_engine::workflow::{
    AssigneeRule, ComponentKind, EdgeKind, FieldPermission, NodeKind, Strategy, TimerProps,
};
use loonflow_simulator::hunt::generate::definitions::{Names, definition, directory, mutated};
use loonflow_simulator::world::directory_from;
use loonflow_simulator::world::tape::Tape;

/// What was counted, by kind and word.
#[derive(Default)]
struct Seen(BTreeMap<(&'static str, String), usize>);

impl Seen {
    fn note(&mut self, kind: &'static str, word: impl std::fmt::Debug) {
        *self.0.entry((kind, format!("{word:?}"))).or_default() += 1;
    }

    fn assert_all(&self, kind: &'static str, words: impl IntoIterator<Item = impl std::fmt::Debug>) {
        for word in words {
            let word = format!("{word:?}");
            assert!(self.0.contains_key(&(kind, word.clone())), "no {kind} {word}");
        }
    }
}

#[test]
fn random_definitions_run_and_have_everything() {
    let mut seen = Seen::default();
    for seed in 0..600 {
        let mut tape = Tape::random(seed);
        let people = directory(&mut tape);
        let source = definition(&mut tape, &people);
        let read = directory_from(&people).expect("a directory");
        let context = ValidationContext {
            directory: Some(&read),
            known_workflows: None,
        };
        let (version, problems) = check(&source, None, &context);
        let errors: Vec<&Problem> = problems.iter().filter(|problem| problem.is_error()).collect();
        let version = version.unwrap_or_else(|| panic!("seed {seed}: {errors:?}"));
        seen.note("splits", version.graph.splits.len().min(3));
        for component in version.form.components() {
            seen.note("field", component.kind);
        }
        for node in &version.nodes {
            seen.note("node", node.kind.word());
            node.field_permissions
                .values()
                .for_each(|one| seen.note("permission", one));
            if let NodeKind::Normal(props) = &node.kind {
                seen.note("strategy", props.strategy);
                let rule = match &props.assignee {
                    AssigneeRule::Users(_) => "users",
                    AssigneeRule::Depts(_) => "depts",
                    AssigneeRule::Roles(_) => "roles",
                    AssigneeRule::Variables(_) => "variables",
                    AssigneeRule::TicketField(_) => "ticket_field",
                    AssigneeRule::ParentTicketField(_) => "parent_ticket_field",
                    AssigneeRule::External(_) => "external",
                };
                seen.note("assignee", rule);
                seen.note("flags", (props.on_creator.excludes(), props.remember_last_assignee));
            }
            if let NodeKind::Timer(props) = &node.kind {
                let waits_for = match props {
                    TimerProps::Duration(_) => "duration",
                    TimerProps::Budget { .. } => "budget",
                    TimerProps::UntilField(_) => "field",
                };
                seen.note("timer", waits_for);
            }
        }
        for edge in &version.edges {
            seen.note("edge", edge.kind);
            for condition in edge.conditions.iter() {
                seen.note("operator", condition.operator);
                let kind = version.form.component(&condition.field).expect("a field").kind;
                seen.note("condition on", kind);
            }
            // A rejection that leads out of a split's region cancels the other branches.
            let leaves = version.graph.splits.values().any(|split| {
                split.region.contains(&edge.source)
                    && !split.region.contains(&edge.target)
                    && edge.source != split.merge
            });
            if leaves && edge.kind == EdgeKind::Reject {
                seen.note("cancels", true);
            }
        }
        let merges: Vec<_> = version.graph.splits.values().map(|split| &split.merge).collect();
        let shares = merges
            .iter()
            .enumerate()
            .any(|(idx, merge)| merges[..idx].contains(merge));
        seen.note("shares a merge", shares);
        let nests = version.graph.splits.iter().any(|(id, _)| {
            let mut others = version.graph.splits.values();
            others.any(|other| other.region.contains(id))
        });
        seen.note("nests", nests);
    }
    let kinds = [
        "start",
        "end",
        "normal",
        "exclusive",
        "parallel",
        "inclusive",
        "timer",
        "hook",
    ];
    seen.assert_all("node", kinds);
    seen.assert_all("splits", [0, 1, 2, 3]);
    seen.assert_all("field", ComponentKind::ALL);
    let stored = ComponentKind::ALL.iter().filter(|kind| kind.is_stored());
    seen.assert_all("condition on", stored);
    seen.assert_all("operator", Operator::ALL.map(|(operator, _)| operator));
    seen.assert_all(
        "strategy",
        [Strategy::Direct, Strategy::Random, Strategy::Voluntary, Strategy::Whole],
    );
    let rules = [
        "users",
        "depts",
        "roles",
        "variables",
        "ticket_field",
        "parent_ticket_field",
    ];
    seen.assert_all("assignee", rules);
    seen.assert_all(
        "edge",
        [EdgeKind::Agree, EdgeKind::Reject, EdgeKind::Other, EdgeKind::Condition],
    );
    let permissions = [
        FieldPermission::Hidden,
        FieldPermission::Readonly,
        FieldPermission::Optional,
        FieldPermission::Required,
    ];
    seen.assert_all("permission", permissions);
    for flags in [(false, false), (false, true), (true, false), (true, true)] {
        seen.assert_all("flags", [flags]);
    }
    seen.assert_all("timer", ["duration", "budget", "field"]);
    for kind in ["shares a merge", "nests", "cancels"] {
        seen.assert_all(kind, [true]);
    }
}

/// The plainest tapes make definitions as well.
#[test]
fn short_tapes_are_enough() {
    for choices in [vec![], vec![1], vec![u16::MAX; 3], vec![7; 40]] {
        let mut tape = Tape::new(choices);
        let people = directory(&mut tape);
        let source = definition(&mut tape, &people);
        assert!(check(&source, None, &ValidationContext::default()).0.is_some());
    }
}

/// A changed definition can be published wherever the first one could, and most are changed.
#[test]
fn mutated_definitions_run() {
    let mut n_changed = 0;
    for seed in 0..200 {
        let mut tape = Tape::random(seed);
        let people = directory(&mut tape);
        let source = definition(&mut tape, &people);
        let read = directory_from(&people).expect("a directory");
        let changed = mutated(&mut tape, &source, &Names::of(&people), &read);
        let context = ValidationContext {
            directory: Some(&read),
            known_workflows: None,
        };
        assert!(check(&changed, None, &context).0.is_some());
        n_changed += usize::from(changed != source);
    }
    assert!(n_changed > 150, "{n_changed} of 200");
}
